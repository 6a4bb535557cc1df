//! An identity pool, as it is kept and as it is written on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// The most rules for one provider. The model would allow 400.
const MOST_RULES: usize = 25;

/// An identity pool and all that hangs on it, without its identities.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    /// Whose pool it is, where stores are isolated; empty where they are not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) tenant: String,
    pub(super) configuration: Configuration,
    pub(super) roles: BTreeMap<String, String>,
    pub(super) role_mappings: BTreeMap<String, RoleMapping>,
    pub(super) principal_tags: BTreeMap<String, TagMap>,
}

/// AWS's `IdentityPool`: what is not set is not written, but tags always are.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Configuration {
    pub(super) identity_pool_id: String,
    pub(super) identity_pool_name: String,
    pub(super) allow_unauthenticated_identities: bool,
    /// Three states: while it is not set, the classic flow is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allow_classic_flow: Option<bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) supported_login_providers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) developer_provider_name: Option<String>,
    #[serde(
        rename = "OpenIdConnectProviderARNs",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) open_id_connect_provider_arns: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cognito_identity_providers: Vec<UserPool>,
    #[serde(
        rename = "SamlProviderARNs",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) saml_provider_arns: Vec<String>,
    pub(super) identity_pool_tags: BTreeMap<String, String>,
}

/// A client of a user pool that an identity pool trusts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserPool {
    #[serde(default)]
    pub(super) provider_name: String,
    #[serde(default)]
    pub(super) client_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) server_side_token_check: bool,
}

/// How users of one provider get their role.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoleMapping {
    #[serde(rename = "Type")]
    pub(super) kind: MappingKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ambiguous_role_resolution: Option<Resolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rules_configuration: Option<Rules>,
}

/// Where a role mapping looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum MappingKind {
    Token,
    Rules,
}

/// What happens when a role mapping finds no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum Resolution {
    AuthenticatedRole,
    Deny,
}

/// The rules of a role mapping, in order.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rules {
    pub(super) rules: Vec<Rule>,
}

/// A rule: users whose claim matches get the role.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rule {
    pub(super) claim: String,
    pub(super) match_type: MatchType,
    pub(super) value: String,
    #[serde(rename = "RoleARN")]
    pub(super) role_arn: String,
}

/// How a rule compares the claim with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum MatchType {
    Equals,
    Contains,
    StartsWith,
    NotEqual,
}

/// Which claims of a provider's tokens become principal tags.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagMap {
    pub(super) use_defaults: bool,
    pub(super) principal_tags: BTreeMap<String, String>,
}

impl Configuration {
    /// The identifier begins with the region that the pool lives in.
    pub(super) fn region(&self) -> &str {
        let id = &self.identity_pool_id;
        id.split_once(':').map_or("", |(region, _)| region)
    }

    /// Whether any public provider is configured; the developer's own is not one.
    pub(super) fn has_public_providers(&self) -> bool {
        !(self.supported_login_providers.is_empty()
            && self.open_id_connect_provider_arns.is_empty()
            && self.cognito_identity_providers.is_empty()
            && self.saml_provider_arns.is_empty())
    }

    /// Whether role mappings or principal tags may be set for this key: a social
    /// provider's domain, an ARN, or a user pool as `user_pool` writes it.
    pub(super) fn has_provider(&self, key: &str, user_pool: impl Fn(&UserPool) -> String) -> bool {
        self.supported_login_providers.contains_key(key)
            || self.saml_provider_arns.iter().any(|arn| arn == key)
            || self
                .open_id_connect_provider_arns
                .iter()
                .any(|arn| arn == key)
            || self
                .cognito_identity_providers
                .iter()
                .any(|configured| user_pool(configured) == key)
    }

    /// The configured ARN of the OpenID Connect provider with this issuer.
    pub(super) fn open_id_connect_arn(&self, issuer: &str) -> Option<&str> {
        self.open_id_connect_provider_arns
            .iter()
            .map(String::as_str)
            .find(|arn| {
                arn.split_once(":oidc-provider/")
                    .is_some_and(|(_, name)| name == issuer)
            })
    }
}

impl RoleMapping {
    /// Refuses one that contradicts itself.
    ///
    /// unverified: the texts, except that for the number of rules.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.ambiguous_role_resolution.is_none() {
            return Err(Error::invalid(
                "AmbiguousRoleResolution is required for the role mapping types Token and Rules.",
            ));
        }
        match (self.kind, &self.rules_configuration) {
            (MappingKind::Rules, None) => Err(Error::invalid(
                "RulesConfiguration is required for the role mapping type Rules.",
            )),
            (MappingKind::Token, Some(_)) => Err(Error::invalid(
                "RulesConfiguration is not allowed for the role mapping type Token.",
            )),
            (MappingKind::Rules, Some(configuration)) if configuration.rules.len() > MOST_RULES => {
                Err(Error::invalid(format!(
                    "The number of rules in the request exceeded {MOST_RULES}."
                )))
            }
            _ => Ok(()),
        }
    }

    /// The roles that its rules give.
    pub(super) fn roles(&self) -> impl Iterator<Item = &String> {
        let rules = self.rules_configuration.iter();
        rules.flat_map(|configuration| configuration.rules.iter().map(|rule| &rule.role_arn))
    }
}

/// Null is absent.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
