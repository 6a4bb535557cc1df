//! Which claims of a login become principal tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Call;
use crate::emulator::error::Error;
use crate::emulator::logins::Verified;
use crate::emulator::pool::{Configuration, Pool, TagMap};

/// What becomes a tag where a provider has the default mapping: tag, claim.
///
/// unverified: the claims are documented, the names of the tags are the console's.
const DEFAULTS: [(&str, &str); 2] = [("client", "aud"), ("username", "sub")];

/// How many bytes the tags of one user may have in all, names and values.
const MOST_BYTES: usize = 460;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    identity_pool_id: String,
    identity_provider_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Set {
    identity_pool_id: String,
    identity_provider_name: String,
    use_defaults: Option<bool>,
    principal_tags: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Map {
    identity_pool_id: String,
    identity_provider_name: String,
    #[serde(flatten)]
    map: TagMap,
}

/// unverified: before anything is set, the map is empty and not the default one.
pub(super) fn get(call: &Call<'_>, input: Get) -> Result<Map, Error> {
    let store = call.store();
    let pool = store.pool(&call.region, &input.identity_pool_id)?;
    check_provider(&pool.configuration, &input.identity_provider_name)?;
    Ok(Map {
        map: pool
            .principal_tags
            .get(&input.identity_provider_name)
            .cloned()
            .unwrap_or_default(),
        identity_pool_id: input.identity_pool_id,
        identity_provider_name: input.identity_provider_name,
    })
}

pub(super) fn set(call: &Call<'_>, input: Set) -> Result<Map, Error> {
    let mut store = call.store();
    let pool = store.pool_mut(&call.region, &input.identity_pool_id)?;
    check_provider(&pool.configuration, &input.identity_provider_name)?;
    let map = TagMap {
        use_defaults: input.use_defaults.unwrap_or_default(),
        principal_tags: input.principal_tags.unwrap_or_default(),
    };
    pool.principal_tags
        .insert(input.identity_provider_name.clone(), map.clone());
    Ok(Map {
        identity_pool_id: input.identity_pool_id,
        identity_provider_name: input.identity_provider_name,
        map,
    })
}

/// The principal tags of logins. A claim that a token lacks gives no tag.
pub(super) fn of_logins(pool: &Pool, logins: &[Verified]) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for login in logins {
        let Some(map) = pool.principal_tags.get(login.principal_tags_key()) else {
            continue;
        };
        let mut add = |tag: &str, claim: &str| {
            if let Some(value) = login.claim(claim).into_iter().next() {
                tags.insert(tag.to_owned(), value);
            }
        };
        if map.use_defaults {
            DEFAULTS.iter().for_each(|(tag, claim)| add(tag, claim));
        } else {
            map.principal_tags
                .iter()
                .for_each(|(tag, claim)| add(tag, claim));
        }
    }
    tags
}

/// Refuses tags that are too large together.
///
/// unverified: the number is documented; the type is not, and the text is the one with
/// which STS refuses session tags.
pub(super) fn check_size(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    let bytes: usize = tags
        .iter()
        .map(|(tag, value)| tag.len() + value.len())
        .sum();
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let percent = (bytes * 100).div_ceil(MOST_BYTES);
    Err(Error::invalid(format!(
        "Packed size of session tags consumes {percent}% of allotted space."
    )))
}

/// unverified: type and text for a provider that the pool does not have.
fn check_provider(pool: &Configuration, name: &str) -> Result<(), Error> {
    if pool.has_provider(name, |user_pool| user_pool.provider_name.clone()) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "({name}) is not a configured provider."
    )))
}
