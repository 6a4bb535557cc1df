//! Random requests within the bounds of AWS's model.

use std::collections::HashMap;

use poolgate::pb;
use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;

pub fn id() -> impl Strategy<Value = String> {
    "eu-west-1:[0-9a-f]{8}-[0-9a-f-]{1,20}"
}

pub fn arn() -> impl Strategy<Value = String> {
    r"arn:aws:iam::[0-9]{12}:[a-zA-Z0-9/_.\-]{1,60}"
}

pub fn provider() -> impl Strategy<Value = String> {
    "\\PC{1,40}"
}

pub fn tags() -> impl Strategy<Value = HashMap<String, String>> {
    hash_map("\\PC{1,30}", "\\PC{0,40}", 0..5)
}

pub fn user_pool() -> impl Strategy<Value = pb::CognitoIdentityProvider> {
    (
        option::of(r"[a-zA-Z0-9._:/\-]{1,60}"),
        option::of("[a-zA-Z0-9_]{1,30}"),
        option::of(any::<bool>()),
    )
        .prop_map(|(provider_name, client_id, server_side_token_check)| {
            pb::CognitoIdentityProvider {
                provider_name,
                client_id,
                server_side_token_check,
            }
        })
}

pub fn pool() -> impl Strategy<Value = pb::IdentityPool> {
    let flags = (any::<bool>(), option::of(any::<bool>()));
    let providers = (
        hash_map(provider(), r"[a-zA-Z0-9_.;/\-]{1,40}", 0..5),
        option::of(r"[a-zA-Z0-9_.\-]{1,40}"),
        vec(arn(), 0..4),
        vec(user_pool(), 0..4),
        vec(arn(), 0..4),
    );
    (id(), "[a-zA-Z0-9_ +=,.@-]{1,60}", flags, providers, tags()).prop_map(
        |(identity_pool_id, identity_pool_name, flags, providers, identity_pool_tags)| {
            pb::IdentityPool {
                identity_pool_id,
                identity_pool_name,
                allow_unauthenticated_identities: Some(flags.0),
                allow_classic_flow: flags.1,
                supported_login_providers: providers.0,
                developer_provider_name: providers.1,
                open_id_connect_provider_arns: providers.2,
                cognito_identity_providers: providers.3,
                saml_provider_arns: providers.4,
                identity_pool_tags,
            }
        },
    )
}

pub fn roles() -> impl Strategy<Value = pb::SetIdentityPoolRolesRequest> {
    (
        id(),
        hash_map("(un)?authenticated", arn(), 0..=2),
        hash_map(provider(), role_mapping(), 0..4),
    )
        .prop_map(
            |(identity_pool_id, roles, role_mappings)| pb::SetIdentityPoolRolesRequest {
                identity_pool_id,
                roles,
                role_mappings,
            },
        )
}

fn role_mapping() -> impl Strategy<Value = pb::RoleMapping> {
    (1..=2_i32, 0..=2_i32, option::of(vec(rule(), 1..5))).prop_map(
        |(r#type, ambiguous_role_resolution, rules)| pb::RoleMapping {
            r#type,
            ambiguous_role_resolution,
            rules_configuration: rules.map(|rules| pb::RulesConfigurationType { rules }),
        },
    )
}

fn rule() -> impl Strategy<Value = pb::MappingRule> {
    (r"[a-zA-Z:_€]{1,30}", 1..=4_i32, "\\PC{1,40}", arn()).prop_map(
        |(claim, match_type, value, role_arn)| pb::MappingRule {
            claim,
            match_type,
            value,
            role_arn,
        },
    )
}

pub fn principal_tags() -> impl Strategy<Value = pb::SetPrincipalTagAttributeMapRequest> {
    (
        id(),
        provider(),
        option::of(any::<bool>()),
        hash_map("\\PC{1,30}", "\\PC{1,30}", 0..5),
    )
        .prop_map(
            |(identity_pool_id, identity_provider_name, use_defaults, principal_tags)| {
                pb::SetPrincipalTagAttributeMapRequest {
                    identity_pool_id,
                    identity_provider_name,
                    use_defaults,
                    principal_tags,
                }
            },
        )
}
