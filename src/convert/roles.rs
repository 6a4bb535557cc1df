//! The roles of a pool.

use aws_sdk_cognitoidentity::operation::get_identity_pool_roles::GetIdentityPoolRolesOutput;
use aws_sdk_cognitoidentity::operation::get_identity_pool_roles::builders::GetIdentityPoolRolesInputBuilder;
use aws_sdk_cognitoidentity::operation::set_identity_pool_roles::SetIdentityPoolRolesOutput;
use aws_sdk_cognitoidentity::operation::set_identity_pool_roles::builders::SetIdentityPoolRolesInputBuilder;
use aws_sdk_cognitoidentity::types;

use super::{map, text};
use crate::pb;

impl From<pb::GetIdentityPoolRolesRequest> for GetIdentityPoolRolesInputBuilder {
    fn from(request: pb::GetIdentityPoolRolesRequest) -> Self {
        let pb::GetIdentityPoolRolesRequest { identity_pool_id } = request;
        Self::default().set_identity_pool_id(text(identity_pool_id))
    }
}

impl From<GetIdentityPoolRolesOutput> for pb::GetIdentityPoolRolesResponse {
    fn from(output: GetIdentityPoolRolesOutput) -> Self {
        Self {
            identity_pool_id: output.identity_pool_id.unwrap_or_default(),
            roles: output.roles.unwrap_or_default(),
            role_mappings: output
                .role_mappings
                .unwrap_or_default()
                .into_iter()
                .map(|(provider, mapping)| (provider, mapping.into()))
                .collect(),
        }
    }
}

impl From<pb::SetIdentityPoolRolesRequest> for SetIdentityPoolRolesInputBuilder {
    fn from(request: pb::SetIdentityPoolRolesRequest) -> Self {
        let pb::SetIdentityPoolRolesRequest {
            identity_pool_id,
            roles,
            role_mappings,
        } = request;
        let role_mappings = role_mappings
            .into_iter()
            .map(|(provider, mapping)| (provider, mapping.into()))
            .collect();
        Self::default()
            .set_identity_pool_id(text(identity_pool_id))
            .set_roles(Some(roles))
            .set_role_mappings(map(role_mappings))
    }
}

impl From<SetIdentityPoolRolesOutput> for pb::SetIdentityPoolRolesResponse {
    fn from(_: SetIdentityPoolRolesOutput) -> Self {
        Self {}
    }
}

impl From<pb::RoleMapping> for types::RoleMapping {
    fn from(mapping: pb::RoleMapping) -> Self {
        let pb::RoleMapping {
            r#type,
            ambiguous_role_resolution,
            rules_configuration,
        } = mapping;
        #[expect(
            clippy::expect_used,
            reason = "the one member that can be missing is set"
        )]
        Self::builder()
            .r#type(name(r#type, role_mapping_type).as_str().into())
            .set_ambiguous_role_resolution(
                Some(name(
                    ambiguous_role_resolution,
                    ambiguous_role_resolution_type,
                ))
                .filter(|name| !name.is_empty())
                .map(|name| name.as_str().into()),
            )
            .set_rules_configuration(rules_configuration.map(Into::into))
            .build()
            .expect("the type is set")
    }
}

impl From<types::RoleMapping> for pb::RoleMapping {
    fn from(mapping: types::RoleMapping) -> Self {
        use types::{AmbiguousRoleResolutionType as Ambiguous, RoleMappingType as Type};
        let r#type = match mapping.r#type {
            Type::Token => pb::RoleMappingType::Token,
            Type::Rules => pb::RoleMappingType::Rules,
            _ => pb::RoleMappingType::Unspecified,
        };
        let ambiguous_role_resolution = match mapping.ambiguous_role_resolution {
            Some(Ambiguous::AuthenticatedRole) => {
                pb::AmbiguousRoleResolutionType::AuthenticatedRole
            }
            Some(Ambiguous::Deny) => pb::AmbiguousRoleResolutionType::Deny,
            _ => pb::AmbiguousRoleResolutionType::Unspecified,
        };
        Self {
            r#type: r#type.into(),
            ambiguous_role_resolution: ambiguous_role_resolution.into(),
            rules_configuration: mapping.rules_configuration.map(Into::into),
        }
    }
}

impl From<pb::RulesConfigurationType> for types::RulesConfigurationType {
    fn from(configuration: pb::RulesConfigurationType) -> Self {
        let pb::RulesConfigurationType { rules } = configuration;
        #[expect(
            clippy::expect_used,
            reason = "the one member that can be missing is set"
        )]
        Self::builder()
            .set_rules(Some(rules.into_iter().map(Into::into).collect()))
            .build()
            .expect("the rules are set")
    }
}

impl From<types::RulesConfigurationType> for pb::RulesConfigurationType {
    fn from(configuration: types::RulesConfigurationType) -> Self {
        Self {
            rules: configuration.rules.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<pb::MappingRule> for types::MappingRule {
    fn from(rule: pb::MappingRule) -> Self {
        let pb::MappingRule {
            claim,
            match_type,
            value,
            role_arn,
        } = rule;
        #[expect(
            clippy::expect_used,
            reason = "the four members that can be missing are set"
        )]
        Self::builder()
            .claim(claim)
            .match_type(name(match_type, mapping_rule_match_type).as_str().into())
            .value(value)
            .role_arn(role_arn)
            .build()
            .expect("all members are set")
    }
}

impl From<types::MappingRule> for pb::MappingRule {
    fn from(rule: types::MappingRule) -> Self {
        use types::MappingRuleMatchType as Match;
        let match_type = match rule.match_type {
            Match::Equals => pb::MappingRuleMatchType::Equals,
            Match::Contains => pb::MappingRuleMatchType::Contains,
            Match::StartsWith => pb::MappingRuleMatchType::StartsWith,
            Match::NotEqual => pb::MappingRuleMatchType::NotEqual,
            _ => pb::MappingRuleMatchType::Unspecified,
        };
        Self {
            claim: rule.claim,
            match_type: match_type.into(),
            value: rule.value,
            role_arn: rule.role_arn,
        }
    }
}

/// AWS's name of an enum value. A number the proto does not know stays a number,
/// which AWS's model refuses; unspecified is the empty string.
fn name<E: TryFrom<i32>>(number: i32, name: impl Fn(E) -> &'static str) -> String {
    match E::try_from(number) {
        Ok(known) => name(known).to_owned(),
        Err(_) => number.to_string(),
    }
}

fn role_mapping_type(value: pb::RoleMappingType) -> &'static str {
    match value {
        pb::RoleMappingType::Unspecified => "",
        pb::RoleMappingType::Token => "Token",
        pb::RoleMappingType::Rules => "Rules",
    }
}

fn ambiguous_role_resolution_type(value: pb::AmbiguousRoleResolutionType) -> &'static str {
    match value {
        pb::AmbiguousRoleResolutionType::Unspecified => "",
        pb::AmbiguousRoleResolutionType::AuthenticatedRole => "AuthenticatedRole",
        pb::AmbiguousRoleResolutionType::Deny => "Deny",
    }
}

fn mapping_rule_match_type(value: pb::MappingRuleMatchType) -> &'static str {
    match value {
        pb::MappingRuleMatchType::Unspecified => "",
        pb::MappingRuleMatchType::Equals => "Equals",
        pb::MappingRuleMatchType::Contains => "Contains",
        pb::MappingRuleMatchType::StartsWith => "StartsWith",
        pb::MappingRuleMatchType::NotEqual => "NotEqual",
    }
}
