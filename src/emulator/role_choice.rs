//! The role that credentials are given for: a pure function of the pool, the
//! logins and the role that the caller asks for.

use super::error::Error;
use super::logins::{SAML_ROLES, Verified};
use super::pool::{MappingKind, MatchType, Pool, Resolution, RoleMapping, Rule};
use super::region::is_iam_arn;

/// Who asks for credentials.
#[derive(Clone, Copy)]
pub(super) enum Bearer<'a> {
    /// A guest.
    Guest,
    /// An authenticated identity with these logins; none for one that came with a
    /// token of ours.
    Authenticated(&'a [Verified]),
}

/// Chooses the role, which has to be one of `account`.
pub(super) fn choose(
    pool: &Pool,
    account: &str,
    bearer: Bearer<'_>,
    custom: Option<&str>,
) -> Result<String, Error> {
    let role = match bearer {
        Bearer::Guest => {
            refuse_custom(custom)?;
            pool.roles.get("unauthenticated").cloned()
        }
        Bearer::Authenticated(logins) => authenticated(pool, logins, custom)?,
    };
    role.filter(|role| is_iam_arn(role, "role", Some(account)))
        .ok_or_else(Error::pool_configuration)
}

fn authenticated(
    pool: &Pool,
    logins: &[Verified],
    custom: Option<&str>,
) -> Result<Option<String>, Error> {
    // unverified: with several logins, the first provider by name decides.
    for login in logins {
        if let Some(mapping) = pool.role_mappings.get(&login.role_mapping_key()) {
            let choice = match mapping.kind {
                MappingKind::Token => by_token(login, custom)?,
                MappingKind::Rules => by_rules(mapping, login, custom),
            };
            return match choice {
                Some(role) => Ok(Some(role)),
                None => ambiguous(pool, mapping),
            };
        }
        if login.is_saml() {
            return by_assertion(login, custom);
        }
    }
    refuse_custom(custom)?;
    Ok(pool.roles.get("authenticated").cloned())
}

/// unverified: a role asked for where nothing maps roles.
fn refuse_custom(custom: Option<&str>) -> Result<(), Error> {
    custom.map_or(Ok(()), |arn| Err(Error::role_forbidden(arn)))
}

fn by_token(login: &Verified, custom: Option<&str>) -> Result<Option<String>, Error> {
    let roles = login.claim("cognito:roles");
    if let Some(custom) = custom {
        // unverified: the text of this denial.
        return among(custom, &roles);
    }
    let preferred = login.claim("cognito:preferred_role").into_iter().next();
    Ok(preferred.or_else(|| only(roles)))
}

fn by_rules(mapping: &RoleMapping, login: &Verified, custom: Option<&str>) -> Option<String> {
    mapping
        .rules_configuration
        .iter()
        .flat_map(|configuration| &configuration.rules)
        .filter(|rule| custom.is_none_or(|custom| custom == rule.role_arn))
        .find(|rule| matches(rule, &login.claim(&rule.claim)))
        .map(|rule| rule.role_arn.clone())
}

/// The role has to be one that the assertion lists, each as `role,provider`.
fn by_assertion(login: &Verified, custom: Option<&str>) -> Result<Option<String>, Error> {
    let roles: Vec<String> = login
        .claim(SAML_ROLES)
        .iter()
        .flat_map(|pair| pair.split(','))
        .map(str::trim)
        .filter(|arn| arn.contains(":role/"))
        .map(str::to_owned)
        .collect();
    match custom {
        Some(custom) => among(custom, &roles),
        // unverified: several roles and none asked for.
        None => Ok(only(roles)),
    }
}

fn among(custom: &str, roles: &[String]) -> Result<Option<String>, Error> {
    match roles.iter().any(|role| role == custom) {
        true => Ok(Some(custom.to_owned())),
        false => Err(Error::role_forbidden(custom)),
    }
}

fn only(roles: Vec<String>) -> Option<String> {
    let mut roles = roles.into_iter();
    roles.next().filter(|_| roles.next().is_none())
}

fn ambiguous(pool: &Pool, mapping: &RoleMapping) -> Result<Option<String>, Error> {
    match mapping.ambiguous_role_resolution {
        Some(Resolution::AuthenticatedRole) => Ok(pool.roles.get("authenticated").cloned()),
        Some(Resolution::Deny) | None => Err(Error::not_authorized(
            "The ambiguous role mapping rules denied this request",
        )),
    }
}

/// A rule over an absent claim never matches, not even `NotEqual`.
///
/// unverified: a claim that is a list matches with one of its elements.
fn matches(rule: &Rule, claim: &[String]) -> bool {
    let value = rule.value.as_str();
    match rule.match_type {
        MatchType::Equals => claim.iter().any(|claim| claim == value),
        MatchType::Contains => claim.iter().any(|claim| claim.contains(value)),
        MatchType::StartsWith => claim.iter().any(|claim| claim.starts_with(value)),
        MatchType::NotEqual => !claim.is_empty() && claim.iter().all(|claim| claim != value),
    }
}
