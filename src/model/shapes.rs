//! The table of input shapes, in botocore's order of members.

use super::{Member, Pattern, Shape, pattern};
use crate::operation::Operation;

/// The members of an operation's input.
pub fn input(operation: Operation) -> &'static [Member] {
    match operation {
        Operation::CreateIdentityPool => CREATE_IDENTITY_POOL,
        Operation::UpdateIdentityPool => IDENTITY_POOL,
        Operation::DescribeIdentityPool
        | Operation::DeleteIdentityPool
        | Operation::GetIdentityPoolRoles => POOL_ONLY,
        Operation::ListIdentityPools => LIST_IDENTITY_POOLS,
        Operation::SetIdentityPoolRoles => SET_IDENTITY_POOL_ROLES,
        Operation::GetPrincipalTagAttributeMap => GET_PRINCIPAL_TAG_ATTRIBUTE_MAP,
        Operation::SetPrincipalTagAttributeMap => SET_PRINCIPAL_TAG_ATTRIBUTE_MAP,
        Operation::TagResource => TAG_RESOURCE,
        Operation::UntagResource => UNTAG_RESOURCE,
        Operation::ListTagsForResource => LIST_TAGS_FOR_RESOURCE,
        Operation::GetId => GET_ID,
        Operation::GetOpenIdToken => GET_OPEN_ID_TOKEN,
        Operation::GetCredentialsForIdentity => GET_CREDENTIALS_FOR_IDENTITY,
        Operation::UnlinkIdentity => UNLINK_IDENTITY,
        Operation::GetOpenIdTokenForDeveloperIdentity => GET_OPEN_ID_TOKEN_FOR_DEVELOPER_IDENTITY,
        Operation::LookupDeveloperIdentity => LOOKUP_DEVELOPER_IDENTITY,
        Operation::MergeDeveloperIdentities => MERGE_DEVELOPER_IDENTITIES,
        Operation::UnlinkDeveloperIdentity => UNLINK_DEVELOPER_IDENTITY,
        Operation::DescribeIdentity => DESCRIBE_IDENTITY,
        Operation::ListIdentities => LIST_IDENTITIES,
        Operation::DeleteIdentities => DELETE_IDENTITIES,
    }
}

const CREATE_IDENTITY_POOL: &[Member] = &[
    required("IdentityPoolName", &POOL_NAME),
    required("AllowUnauthenticatedIdentities", &Shape::Flag),
    optional("AllowClassicFlow", &Shape::Flag),
    optional("SupportedLoginProviders", &LOGIN_PROVIDERS),
    optional("DeveloperProviderName", &DEVELOPER_PROVIDER),
    optional("OpenIdConnectProviderARNs", &ARNS),
    optional("CognitoIdentityProviders", &USER_POOLS),
    optional("SamlProviderARNs", &ARNS),
    optional("IdentityPoolTags", &TAGS),
];

const IDENTITY_POOL: &[Member] = &[
    required("IdentityPoolId", &ID),
    required("IdentityPoolName", &POOL_NAME),
    required("AllowUnauthenticatedIdentities", &Shape::Flag),
    optional("AllowClassicFlow", &Shape::Flag),
    optional("SupportedLoginProviders", &LOGIN_PROVIDERS),
    optional("DeveloperProviderName", &DEVELOPER_PROVIDER),
    optional("OpenIdConnectProviderARNs", &ARNS),
    optional("CognitoIdentityProviders", &USER_POOLS),
    optional("SamlProviderARNs", &ARNS),
    optional("IdentityPoolTags", &TAGS),
];

const POOL_ONLY: &[Member] = &[required("IdentityPoolId", &ID)];

const LIST_IDENTITY_POOLS: &[Member] = &[
    required("MaxResults", &PAGE_SIZE),
    optional("NextToken", &PAGINATION_KEY),
];

const SET_IDENTITY_POOL_ROLES: &[Member] = &[
    required("IdentityPoolId", &ID),
    required("Roles", &ROLES),
    optional("RoleMappings", &ROLE_MAPPINGS),
];

const GET_PRINCIPAL_TAG_ATTRIBUTE_MAP: &[Member] = &[
    required("IdentityPoolId", &ID),
    required("IdentityProviderName", &PROVIDER_NAME),
];

const SET_PRINCIPAL_TAG_ATTRIBUTE_MAP: &[Member] = &[
    required("IdentityPoolId", &ID),
    required("IdentityProviderName", &PROVIDER_NAME),
    optional("UseDefaults", &Shape::Flag),
    optional("PrincipalTags", &PRINCIPAL_TAGS),
];

const TAG_RESOURCE: &[Member] = &[required("ResourceArn", &ARN), required("Tags", &TAGS)];

const UNTAG_RESOURCE: &[Member] = &[
    required("ResourceArn", &ARN),
    required("TagKeys", &TAG_KEYS),
];

const LIST_TAGS_FOR_RESOURCE: &[Member] = &[required("ResourceArn", &ARN)];

const GET_ID: &[Member] = &[
    optional("AccountId", &ACCOUNT_ID),
    required("IdentityPoolId", &ID),
    optional("Logins", &LOGINS),
];

const GET_OPEN_ID_TOKEN: &[Member] = &[required("IdentityId", &ID), optional("Logins", &LOGINS)];

const GET_CREDENTIALS_FOR_IDENTITY: &[Member] = &[
    required("IdentityId", &ID),
    optional("Logins", &LOGINS),
    optional("CustomRoleArn", &ARN),
];

const UNLINK_IDENTITY: &[Member] = &[
    required("IdentityId", &ID),
    required("Logins", &LOGINS),
    required("LoginsToRemove", &PROVIDER_NAMES),
];

const GET_OPEN_ID_TOKEN_FOR_DEVELOPER_IDENTITY: &[Member] = &[
    required("IdentityPoolId", &ID),
    optional("IdentityId", &ID),
    required("Logins", &LOGINS),
    optional("PrincipalTags", &PRINCIPAL_TAGS),
    optional("TokenDuration", &TOKEN_DURATION),
];

const LOOKUP_DEVELOPER_IDENTITY: &[Member] = &[
    required("IdentityPoolId", &ID),
    optional("IdentityId", &ID),
    optional("DeveloperUserIdentifier", &DEVELOPER_USER),
    optional("MaxResults", &PAGE_SIZE),
    optional("NextToken", &PAGINATION_KEY),
];

const MERGE_DEVELOPER_IDENTITIES: &[Member] = &[
    required("SourceUserIdentifier", &DEVELOPER_USER),
    required("DestinationUserIdentifier", &DEVELOPER_USER),
    required("DeveloperProviderName", &DEVELOPER_PROVIDER),
    required("IdentityPoolId", &ID),
];

const UNLINK_DEVELOPER_IDENTITY: &[Member] = &[
    required("IdentityId", &ID),
    required("IdentityPoolId", &ID),
    required("DeveloperProviderName", &DEVELOPER_PROVIDER),
    required("DeveloperUserIdentifier", &DEVELOPER_USER),
];

const DESCRIBE_IDENTITY: &[Member] = &[required("IdentityId", &ID)];

const LIST_IDENTITIES: &[Member] = &[
    required("IdentityPoolId", &ID),
    required("MaxResults", &PAGE_SIZE),
    optional("NextToken", &PAGINATION_KEY),
    optional("HideDisabled", &Shape::Flag),
];

const DELETE_IDENTITIES: &[Member] = &[required("IdentityIdsToDelete", &IDS)];

const MAPPING_RULE: &[Member] = &[
    required("Claim", &CLAIM),
    required("MatchType", &MATCH_TYPE),
    required("Value", &CLAIM_VALUE),
    required("RoleARN", &ARN),
];

const ROLE_MAPPING: &[Member] = &[
    required("Type", &Shape::Choice(&["Token", "Rules"])),
    optional(
        "AmbiguousRoleResolution",
        &Shape::Choice(&["AuthenticatedRole", "Deny"]),
    ),
    optional("RulesConfiguration", &RULES_CONFIGURATION),
];

const USER_POOL: &[Member] = &[
    optional("ProviderName", &USER_POOL_NAME),
    optional("ClientId", &CLIENT_ID),
    optional("ServerSideTokenCheck", &Shape::Flag),
];

static ACCOUNT_ID: Shape = matching(1, 15, &pattern::ACCOUNT_ID);
static ARN: Shape = text(20, 2048);
static ARNS: Shape = list(&ARN, 0, None);
static CLAIM: Shape = matching(1, 64, &pattern::CLAIM);
static CLAIM_VALUE: Shape = text(1, 128);
static CLIENT_ID: Shape = matching(1, 128, &pattern::CLIENT_ID);
static DEVELOPER_PROVIDER: Shape = matching(1, 128, &pattern::DEVELOPER_PROVIDER);
static DEVELOPER_USER: Shape = text(1, 1024);
static ID: Shape = matching(1, 55, &pattern::ID);
static IDS: Shape = list(&ID, 1, Some(60));
static LOGINS: Shape = map(&PROVIDER_NAME, &secret(1, 50_000, None), Some(10));
/// Not marked sensitive in the model, but `api.twitter.com` holds a secret.
static LOGIN_PROVIDERS: Shape = map(
    &PROVIDER_NAME,
    &secret(1, 128, Some(&pattern::PROVIDER_ID)),
    Some(10),
);
static MATCH_TYPE: Shape = Shape::Choice(&["StartsWith", "Equals", "Contains", "NotEqual"]);
static PAGE_SIZE: Shape = Shape::Integer { min: 1, max: 60 };
static PAGINATION_KEY: Shape = matching(1, 65_535, &pattern::PAGINATION_KEY);
static POOL_NAME: Shape = matching(1, 128, &pattern::POOL_NAME);
static PRINCIPAL_TAGS: Shape = map(&text(1, 128), &text(1, 256), Some(50));
static PROVIDER_NAME: Shape = text(1, 128);
static PROVIDER_NAMES: Shape = list(&PROVIDER_NAME, 0, None);
static ROLES: Shape = map(&matching(1, 128, &pattern::ROLE_TYPE), &ARN, Some(2));
static ROLE_MAPPINGS: Shape = map(&PROVIDER_NAME, &Shape::Structure(ROLE_MAPPING), Some(10));
static RULES: Shape = list(&Shape::Structure(MAPPING_RULE), 1, Some(400));
static RULES_CONFIGURATION: Shape = Shape::Structure(&[required("Rules", &RULES)]);
static TAGS: Shape = map(&TAG_KEY, &text(0, 256), None);
static TAG_KEY: Shape = text(1, 128);
static TAG_KEYS: Shape = list(&TAG_KEY, 0, None);
static TOKEN_DURATION: Shape = Shape::Integer {
    min: 1,
    max: 86_400,
};
static USER_POOLS: Shape = list(&Shape::Structure(USER_POOL), 0, None);
static USER_POOL_NAME: Shape = matching(1, 128, &pattern::USER_POOL);

const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        required: true,
        shape,
    }
}

const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        required: false,
        shape,
    }
}

const fn text(min: usize, max: usize) -> Shape {
    Shape::Text {
        min,
        max,
        pattern: None,
        secret: false,
    }
}

const fn matching(min: usize, max: usize, pattern: &'static Pattern) -> Shape {
    Shape::Text {
        min,
        max,
        pattern: Some(pattern),
        secret: false,
    }
}

const fn secret(min: usize, max: usize, pattern: Option<&'static Pattern>) -> Shape {
    Shape::Text {
        min,
        max,
        pattern,
        secret: true,
    }
}

const fn list(of: &'static Shape, min: usize, max: Option<usize>) -> Shape {
    Shape::List { of, min, max }
}

const fn map(key: &'static Shape, value: &'static Shape, max: Option<usize>) -> Shape {
    Shape::Map { key, value, max }
}
