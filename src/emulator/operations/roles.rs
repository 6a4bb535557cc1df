//! The roles of a pool and how logins are mapped to roles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Call;
use crate::emulator::error::Error;
use crate::emulator::pool::{Configuration, RoleMapping};
use crate::emulator::region::is_iam_arn;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    identity_pool_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Set {
    identity_pool_id: String,
    roles: BTreeMap<String, String>,
    role_mappings: Option<BTreeMap<String, RoleMapping>>,
}

/// unverified: that roles are left out, and not empty, where there are none.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Roles {
    identity_pool_id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    role_mappings: BTreeMap<String, RoleMapping>,
}

pub(super) fn get(call: &Call<'_>, input: Get) -> Result<Roles, Error> {
    let store = call.store();
    let pool = store.pool(&call.region, &input.identity_pool_id)?;
    Ok(Roles {
        identity_pool_id: input.identity_pool_id,
        roles: pool.roles.clone(),
        role_mappings: pool.role_mappings.clone(),
    })
}

pub(super) fn set(call: &Call<'_>, input: Set) -> Result<(), Error> {
    let mut store = call.store();
    let pool = store.pool_mut(&call.region, &input.identity_pool_id)?;
    // unverified: that mappings left out are removed, and not kept.
    let mappings = input.role_mappings.unwrap_or_default();
    for (key, mapping) in &mappings {
        check_mapping(&pool.configuration, key, mapping)?;
    }
    let mapped = mappings.values().flat_map(RoleMapping::roles);
    // The caller may pass on every role of the account, and no other.
    for arn in input.roles.values().chain(mapped) {
        if !is_iam_arn(arn, "role", Some(call.account())) {
            return Err(Error::role_forbidden(arn));
        }
    }
    pool.roles = input.roles;
    pool.role_mappings = mappings;
    Ok(())
}

fn check_mapping(pool: &Configuration, key: &str, mapping: &RoleMapping) -> Result<(), Error> {
    let configured = pool.has_provider(key, |user_pool| {
        format!("{}:{}", user_pool.provider_name, user_pool.client_id)
    });
    if !configured {
        return Err(Error::invalid(format!(
            "({key}) is not a valid RoleMapping ProviderName or is not a configured provider."
        )));
    }
    mapping.check()
}
