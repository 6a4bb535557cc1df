//! The list. Members are written as AWS names them, with `*` for the values of a map and
//! `[]` for the elements of a list; keys of maps are shown.

use crate::operation::Operation;

/// How a value is shown that is not hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// As it is.
    Keep,
    /// As what the deployment's key makes of it: it can be looked for and not be read.
    Mac,
    /// What comes before the first semicolon: Twitter's keys are written as `key;secret`.
    Public,
    /// Only that it is there.
    Present,
    /// Not at all.
    Drop,
}

/// What stands before the members of an answer.
pub(super) const RESPONSE: &str = "<-";

const KEPT: [&str; 28] = [
    "AccountId",
    "AllowClassicFlow",
    "AllowUnauthenticatedIdentities",
    "CognitoIdentityProviders.[].ClientId",
    "CognitoIdentityProviders.[].ProviderName",
    "CognitoIdentityProviders.[].ServerSideTokenCheck",
    "CustomRoleArn",
    "DeveloperProviderName",
    "HideDisabled",
    "IdentityId",
    "IdentityIdsToDelete.[]",
    "IdentityPoolId",
    "IdentityPoolName",
    "IdentityProviderName",
    "LoginsToRemove.[]",
    "MaxResults",
    "OpenIdConnectProviderARNs.[]",
    "ResourceArn",
    "RoleMappings.*.AmbiguousRoleResolution",
    "RoleMappings.*.RulesConfiguration.Rules.[].Claim",
    "RoleMappings.*.RulesConfiguration.Rules.[].MatchType",
    "RoleMappings.*.RulesConfiguration.Rules.[].RoleARN",
    "RoleMappings.*.Type",
    "Roles.*",
    "SamlProviderARNs.[]",
    "TagKeys.[]",
    "TokenDuration",
    "UseDefaults",
];

const KEPT_IN_ANSWERS: [&str; 18] = [
    "<-.AllowClassicFlow",
    "<-.AllowUnauthenticatedIdentities",
    "<-.CognitoIdentityProviders.[].ClientId",
    "<-.CognitoIdentityProviders.[].ProviderName",
    "<-.CognitoIdentityProviders.[].ServerSideTokenCheck",
    "<-.Credentials.AccessKeyId",
    "<-.Credentials.Expiration",
    "<-.DeveloperProviderName",
    "<-.IdentityId",
    "<-.IdentityPoolId",
    "<-.IdentityPoolName",
    "<-.IdentityProviderName",
    "<-.OpenIdConnectProviderARNs.[]",
    "<-.PrincipalTags.*",
    "<-.SamlProviderARNs.[]",
    "<-.UnprocessedIdentityIds.[].ErrorCode",
    "<-.UnprocessedIdentityIds.[].IdentityId",
    "<-.UseDefaults",
];

/// Names of users, and what tags and rules say.
const MACED: [&str; 7] = [
    "DestinationUserIdentifier",
    "DeveloperUserIdentifier",
    "IdentityPoolTags.*",
    "RoleMappings.*.RulesConfiguration.Rules.[].Value",
    "SourceUserIdentifier",
    "Tags.*",
    "<-.IdentityPoolTags.*",
];

const DROPPED: [&str; 3] = [
    "<-.Credentials.SecretKey",
    "<-.Credentials.SessionToken",
    "<-.Token",
];

/// Members that are maps; all other objects are structures.
const MAPS: [&str; 7] = [
    "IdentityPoolTags",
    "Logins",
    "PrincipalTags",
    "RoleMappings",
    "Roles",
    "SupportedLoginProviders",
    "Tags",
];

/// How a member is shown. Nothing where it is on no list: then its parts may be, and where
/// it has none it is hidden.
pub(super) fn rule(operation: Operation, path: &str) -> Option<Rule> {
    let developer = operation == Operation::GetOpenIdTokenForDeveloperIdentity;
    match path {
        // The name of a user there, a token elsewhere.
        "Logins.*" if developer => Some(Rule::Mac),
        // What tags say there, the names of claims elsewhere.
        "PrincipalTags.*" if developer => Some(Rule::Mac),
        "PrincipalTags.*" => Some(Rule::Keep),
        "SupportedLoginProviders.*" | "<-.SupportedLoginProviders.*" => Some(Rule::Public),
        "NextToken" => Some(Rule::Present),
        path if KEPT.contains(&path) || KEPT_IN_ANSWERS.contains(&path) => Some(Rule::Keep),
        path if MACED.contains(&path) => Some(Rule::Mac),
        path if DROPPED.contains(&path) => Some(Rule::Drop),
        _ => None,
    }
}

/// Whether the member at `path` is a map.
pub(super) fn is_map(path: &str) -> bool {
    let path = path.strip_prefix("<-.").unwrap_or(path);
    MAPS.contains(&path)
}

/// The path of a member of a record: `Roles.*` is `requestParameters.roles.*`.
pub(super) fn in_record(path: &str) -> String {
    let path = match path.strip_prefix(RESPONSE) {
        Some(members) => format!("responseElements{members}"),
        None => format!("requestParameters.{path}"),
    };
    let names: Vec<String> = path.split('.').map(lower_first).collect();
    names.join(".")
}

/// CloudTrail begins names in lower case.
pub(super) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
