//! Getting an identity, and looking after the identities of a pool.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Call;
use super::proof::{Proof, pool_of};
use crate::emulator::error::Error;
use crate::emulator::identity::{Identity, Login};
use crate::emulator::{linking, paging, region};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetId {
    identity_pool_id: String,
    logins: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Id {
    identity_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    identity_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    identity_pool_id: String,
    max_results: usize,
    next_token: Option<String>,
    hide_disabled: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    identity_pool_id: String,
    identities: Vec<Description>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// unverified: that the providers are left out, and not empty, where there are none.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    identity_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logins: Vec<String>,
    creation_date: f64,
    last_modified_date: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    identity_ids_to_delete: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Deleted {
    unprocessed_identity_ids: [(); 0],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Unlink {
    identity_id: String,
    logins: BTreeMap<String, String>,
    logins_to_remove: Vec<String>,
}

/// A guest gets a new identity each time; a user gets the one of the logins.
///
/// unverified: the account identifier of the request is not looked at.
pub(super) fn get_id(call: &Call<'_>, input: GetId) -> Result<Id, Error> {
    let tokens = input.logins.unwrap_or_default();
    let pool_id = input.identity_pool_id;
    let pool = call.pool(&pool_id)?.configuration;
    if tokens.contains_key(region::issuer(&call.region)) {
        return Err(Error::invalid_login_token("Can't pass in a Cognito token."));
    }
    if tokens.is_empty() && !pool.allow_unauthenticated_identities {
        return Err(Error::no_guests());
    }
    let logins: Vec<Login> = call
        .verifier()
        .verify(&pool, &tokens)?
        .into_iter()
        .map(|verified| verified.login)
        .collect();
    let mut store = call.store();
    store.pool(&call.region, &pool_id)?;
    let identity_id = linking::resolve(&mut store, (&call.region, &pool_id), &logins, call.date())?;
    Ok(Id { identity_id })
}

pub(super) fn describe(call: &Call<'_>, input: One) -> Result<Description, Error> {
    let store = call.store();
    store
        .identity(&call.region, &input.identity_id)
        .map(Description::of)
}

/// unverified: the order, which is that of the identifiers here.
pub(super) fn list(call: &Call<'_>, input: List) -> Result<Listed, Error> {
    let store = call.store();
    store.pool(&call.region, &input.identity_pool_id)?;
    let name = format!("identities {}", input.identity_pool_id);
    let last = paging::last_shown(&name, input.next_token.as_deref())?;
    let hide_disabled = input.hide_disabled.unwrap_or_default();
    let identities =
        store.identities_after(&input.identity_pool_id, last.as_deref(), hide_disabled);
    let (identities, next_token) = paging::page(&name, identities, input.max_results, |identity| {
        &identity.id
    });
    Ok(Listed {
        identities: identities.into_iter().map(Description::of).collect(),
        identity_pool_id: input.identity_pool_id.clone(),
        next_token,
    })
}

/// unverified: identities that do not exist count as deleted.
pub(super) fn delete(call: &Call<'_>, input: Delete) -> Result<Deleted, Error> {
    let mut store = call.store();
    for id in &input.identity_ids_to_delete {
        store.remove_identity(&call.region, id);
    }
    Ok(Deleted {
        unprocessed_identity_ids: [],
    })
}

/// unverified: providers that are not linked are passed over.
pub(super) fn unlink(call: &Call<'_>, input: Unlink) -> Result<(), Error> {
    let pool = pool_of(call, &input.identity_id)?;
    let proof = Proof::of(call, &pool, &input.identity_id, &input.logins)?;
    let developer = pool.configuration.developer_provider_name.as_ref();
    if developer.is_some_and(|name| input.logins_to_remove.contains(name)) {
        return Err(Error::not_a_public_provider());
    }
    let mut store = call.store();
    let identity = store.identity(&call.region, &input.identity_id)?;
    if !proof.vouches_for(identity) {
        return Err(Error::logins_do_not_match());
    }
    let removed: Vec<Login> = identity
        .logins
        .iter()
        .filter(|login| input.logins_to_remove.contains(&login.provider))
        .cloned()
        .collect();
    store.unlink(&input.identity_id, &removed, call.date());
    Ok(())
}

impl Description {
    fn of(identity: &Identity) -> Self {
        Self {
            identity_id: identity.id.clone(),
            logins: identity
                .providers()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            creation_date: identity.created,
            last_modified_date: identity.modified,
        }
    }
}
