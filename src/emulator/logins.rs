//! Who a login token says its bearer is, and whether the pool lets that provider
//! in.
//!
//! A token is looked at in the order of the real service: its issuer has to be the
//! provider that the request names, its signature the issuer's where the issuer's
//! keys are known, it must not be expired, and it must be meant for an application
//! that the pool trusts. Facebook, Amazon and Twitter hand out opaque tokens, which
//! stand for themselves: the same token is the same user.

mod jwt;
mod saml;
mod verified;

pub(super) use saml::ROLES as SAML_ROLES;
pub(super) use verified::Verified;

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde_json::Map;

use super::error::Error;
use super::identity::Login;
use super::issuers::Issuers;
use super::pool::Configuration;
use verified::Provider;

/// The social providers whose tokens are opaque.
const OPAQUE: [&str; 4] = [
    "api.twitter.com",
    "graph.facebook.com",
    "www.amazon.com",
    "www.digits.com",
];

/// What login tokens are held against.
#[derive(Clone, Copy)]
pub(super) struct Verifier<'a> {
    pub(super) issuers: &'a Issuers,
    /// Seconds since the epoch.
    pub(super) now: u64,
}

impl Verifier<'_> {
    /// Reads every token of a logins map and refuses the map with the first bad one.
    pub(super) fn verify(
        self,
        pool: &Configuration,
        logins: &BTreeMap<String, String>,
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
            .map(|(key, token)| self.verify_one(pool, key, token))
            .collect()
    }

    fn verify_one(self, pool: &Configuration, key: &str, token: &str) -> Result<Verified, Error> {
        let provider = provider(pool, key);
        if provider == Some(Provider::Saml) {
            return self.assertion(key, token);
        }
        match jwt::read(token) {
            Some(claims) => {
                jwt::check_issuer(&claims, key)?;
                self.issuers.check_signature(key, token)?;
                let token = jwt::check(claims, self.now)?;
                let provider = provider.ok_or_else(Error::unsupported_provider)?;
                self.check_audience(pool, key, &provider, &token)?;
                Ok(Verified {
                    login: login(key, token.subject),
                    claims: token.claims,
                    provider,
                    audience: token.audiences.into_iter().next(),
                })
            }
            None if provider == Some(Provider::SocialAccess) => {
                self.issuers.check_opaque()?;
                Ok(Verified {
                    login: login(key, fingerprint(token)),
                    claims: Map::new(),
                    provider: Provider::SocialAccess,
                    audience: None,
                })
            }
            None if OPAQUE.contains(&key) => Err(Error::unsupported_provider()),
            None => Err(Error::invalid_login_token(
                "Not a valid OpenId Connect identity token.",
            )),
        }
    }

    fn assertion(self, key: &str, token: &str) -> Result<Verified, Error> {
        let assertion = match self.issuers.saml(key) {
            Some(provider) => saml::verified(token, provider, self.now)?,
            None => {
                let assertion = saml::believed(token)?;
                self.issuers.check_opaque()?;
                assertion
            }
        };
        let named = assertion.subject.filter(|subject| !subject.is_empty());
        let subject = named.unwrap_or_else(|| fingerprint(token));
        Ok(Verified {
            login: login(key, subject),
            claims: assertion.attributes,
            provider: Provider::Saml,
            audience: None,
        })
    }

    /// Whether the pool trusts one of the applications that a token is meant for, and
    /// the user pool, where it is asked, still knows the user as signed in.
    fn check_audience(
        self,
        pool: &Configuration,
        key: &str,
        provider: &Provider,
        token: &jwt::Token,
    ) -> Result<(), Error> {
        let audiences = &token.audiences;
        let accepted = match provider {
            Provider::UserPool => {
                let mut clients = pool.cognito_identity_providers.iter().filter(|user_pool| {
                    user_pool.provider_name == key && audiences.contains(&user_pool.client_id)
                });
                let client = clients.next().ok_or_else(Error::unsupported_provider)?;
                if client.server_side_token_check && self.issuers.is_signed_out(key, &token.claims)
                {
                    // unverified: the text is not on record.
                    return Err(Error::invalid_login_token("Token has been revoked."));
                }
                true
            }
            // unverified: that one social provider can have several applications,
            // separated as Twitter's key and secret are.
            Provider::SocialIdentity | Provider::SocialAccess => {
                pool.supported_login_providers.get(key).is_some_and(|ids| {
                    ids.split(';')
                        .any(|id| audiences.iter().any(|audience| audience == id))
                })
            }
            // The list of applications is IAM's.
            Provider::OpenIdConnect { .. } => self.issuers.knows_client(key, audiences),
            Provider::Saml => true,
        };
        match accepted {
            true => Ok(()),
            false => Err(Error::unsupported_provider()),
        }
    }
}

fn login(key: &str, subject: String) -> Login {
    Login {
        provider: key.to_owned(),
        subject,
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

/// A subject for a token that does not name one.
fn fingerprint(token: &str) -> String {
    digest::digest(&digest::SHA256, token.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
