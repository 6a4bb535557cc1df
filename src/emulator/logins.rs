//! Who a login token says its bearer is, and whether the pool lets that provider
//! in.
//!
//! No issuer's keys are known here, so signatures are *not* verified. All else the
//! service looks at is: the issuer has to be the provider that the request names,
//! the token must not be expired, and it must be meant for an application that
//! the pool trusts. Facebook, Amazon and Twitter hand out opaque tokens, which
//! stand for themselves: the same token is the same user.

mod jwt;
mod saml;

pub(super) use saml::ROLES as SAML_ROLES;

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde_json::{Map, Value};

use super::error::Error;
use super::identity::Login;
use super::pool::Configuration;

/// The social providers whose tokens are opaque.
const OPAQUE: [&str; 4] = [
    "api.twitter.com",
    "graph.facebook.com",
    "www.amazon.com",
    "www.digits.com",
];

/// A token that was accepted.
pub(super) struct Verified {
    pub(super) login: Login,
    /// What the token says of its bearer. Attributes of a SAML assertion count.
    claims: Map<String, Value>,
    provider: Provider,
    /// The application that the token is meant for.
    audience: Option<String>,
}

/// What kind of provider a key of a logins map names, with the ARN for those that
/// a pool knows by their ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Provider {
    /// A user pool.
    UserPool,
    /// A provider of OpenID Connect that IAM knows.
    OpenIdConnect { arn: String },
    /// Google or Apple: social providers with identity tokens.
    SocialIdentity,
    /// Facebook, Amazon or Twitter: social providers with opaque tokens.
    SocialAccess,
    /// A SAML provider that IAM knows.
    Saml,
}

/// Reads every token of a logins map and refuses the map with the first bad one.
pub(super) fn verify(
    pool: &Configuration,
    logins: &BTreeMap<String, String>,
    now: u64,
) -> Result<Vec<Verified>, Error> {
    if pool
        .developer_provider_name
        .as_ref()
        .is_some_and(|developer| logins.contains_key(developer))
    {
        return Err(Error::not_a_public_provider());
    }
    if !logins.is_empty() && !pool.has_public_providers() {
        return Err(Error::not_authorized(format!(
            "Identity pool - {} does not have identity providers configured.",
            pool.identity_pool_id
        )));
    }
    logins
        .iter()
        .map(|(key, token)| verify_one(pool, key, token, now))
        .collect()
}

impl Verified {
    /// The key under which a pool maps roles for this provider.
    pub(super) fn role_mapping_key(&self) -> String {
        match (&self.provider, &self.audience) {
            (Provider::UserPool, Some(client)) => format!("{}:{client}", self.login.provider),
            _ => self.principal_tags_key().to_owned(),
        }
    }

    /// The key under which a pool maps principal tags for this provider.
    pub(super) fn principal_tags_key(&self) -> &str {
        match &self.provider {
            Provider::OpenIdConnect { arn } => arn,
            _ => &self.login.provider,
        }
    }

    /// How a token names this login among the means of authentication.
    pub(super) fn means(&self) -> [String; 2] {
        let Login { provider, subject } = &self.login;
        let detail = match (&self.provider, &self.audience) {
            (Provider::UserPool, _) => format!("{provider}:CognitoSignIn:{subject}"),
            (Provider::OpenIdConnect { arn }, _) => format!("{arn}:OIDC:{subject}"),
            // unverified: no token of a social provider's user is on record.
            (_, Some(application)) => format!("{provider}:{application}:{subject}"),
            (_, None) => format!("{provider}:{subject}"),
        };
        [provider.clone(), detail]
    }

    pub(super) fn is_saml(&self) -> bool {
        self.provider == Provider::Saml
    }

    /// The values of a claim as texts: none where it is absent, several for a list.
    pub(super) fn claim(&self, name: &str) -> Vec<String> {
        match self.claims.get(name) {
            Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn verify_one(pool: &Configuration, key: &str, token: &str, now: u64) -> Result<Verified, Error> {
    let login = |subject: String| Login {
        provider: key.to_owned(),
        subject,
    };
    let provider = provider(pool, key);
    if provider == Some(Provider::Saml) {
        let assertion = saml::read(token)?;
        return Ok(Verified {
            login: login(assertion.subject.unwrap_or_else(|| fingerprint(token))),
            claims: assertion.attributes,
            provider: Provider::Saml,
            audience: None,
        });
    }
    match jwt::read(token) {
        Some(claims) => {
            let token = jwt::check(claims, key, now)?;
            let provider = provider.ok_or_else(Error::unsupported_provider)?;
            if !accepts(pool, key, &provider, &token.audiences) {
                return Err(Error::unsupported_provider());
            }
            Ok(Verified {
                login: login(token.subject),
                claims: token.claims,
                provider,
                audience: token.audiences.into_iter().next(),
            })
        }
        None if provider == Some(Provider::SocialAccess) => Ok(Verified {
            login: login(fingerprint(token)),
            claims: Map::new(),
            provider: Provider::SocialAccess,
            audience: None,
        }),
        None if OPAQUE.contains(&key) => Err(Error::unsupported_provider()),
        None => Err(Error::invalid_login_token(
            "Not a valid OpenId Connect identity token.",
        )),
    }
}

/// The kind of a provider that the pool is configured with.
fn provider(pool: &Configuration, key: &str) -> Option<Provider> {
    if pool.saml_provider_arns.iter().any(|arn| arn == key) {
        return Some(Provider::Saml);
    }
    if pool.supported_login_providers.contains_key(key) {
        return Some(match OPAQUE.contains(&key) {
            true => Provider::SocialAccess,
            false => Provider::SocialIdentity,
        });
    }
    let has_user_pool = pool
        .cognito_identity_providers
        .iter()
        .any(|user_pool| user_pool.provider_name == key);
    if has_user_pool {
        return Some(Provider::UserPool);
    }
    pool.open_id_connect_arn(key)
        .map(|arn| Provider::OpenIdConnect {
            arn: arn.to_owned(),
        })
}

/// Whether the pool trusts one of the applications that a token is meant for.
fn accepts(pool: &Configuration, key: &str, provider: &Provider, audiences: &[String]) -> bool {
    match provider {
        Provider::UserPool => pool.cognito_identity_providers.iter().any(|user_pool| {
            user_pool.provider_name == key && audiences.contains(&user_pool.client_id)
        }),
        // unverified: that one social provider can have several applications,
        // separated as Twitter's key and secret are.
        Provider::SocialIdentity | Provider::SocialAccess => {
            pool.supported_login_providers.get(key).is_some_and(|ids| {
                ids.split(';')
                    .any(|id| audiences.iter().any(|aud| aud == id))
            })
        }
        // The list of applications is IAM's, which is not emulated.
        Provider::OpenIdConnect { .. } | Provider::Saml => true,
    }
}

/// A subject for a token that does not name one.
fn fingerprint(token: &str) -> String {
    digest::digest(&digest::SHA256, token.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
