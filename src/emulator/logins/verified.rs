//! A login token that was accepted.

use serde_json::{Map, Value};

use crate::emulator::identity::Login;

/// A token that was accepted.
pub(in crate::emulator) struct Verified {
    pub(in crate::emulator) login: Login,
    /// What the token says of its bearer. Attributes of a SAML assertion count.
    pub(super) claims: Map<String, Value>,
    pub(super) provider: Provider,
    /// The application that the token is meant for.
    pub(super) audience: Option<String>,
}

/// What kind of provider a key of a logins map names, with the ARN for those that
/// a pool knows by their ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Provider {
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

impl Verified {
    /// The key under which a pool maps roles for this provider.
    pub(in crate::emulator) fn role_mapping_key(&self) -> String {
        match (&self.provider, &self.audience) {
            (Provider::UserPool, Some(client)) => format!("{}:{client}", self.login.provider),
            _ => self.principal_tags_key().to_owned(),
        }
    }

    /// The key under which a pool maps principal tags for this provider.
    pub(in crate::emulator) fn principal_tags_key(&self) -> &str {
        match &self.provider {
            Provider::OpenIdConnect { arn } => arn,
            _ => &self.login.provider,
        }
    }

    /// How a token names this login among the means of authentication.
    pub(in crate::emulator) fn means(&self) -> [String; 2] {
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

    pub(in crate::emulator) fn is_saml(&self) -> bool {
        self.provider == Provider::Saml
    }

    /// The values of a claim as texts: none where it is absent, several for a list.
    pub(in crate::emulator) fn claim(&self, name: &str) -> Vec<String> {
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
