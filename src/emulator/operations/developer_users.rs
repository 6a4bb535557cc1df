//! The users of the developer: finding, merging and unlinking them.

use serde::{Deserialize, Serialize};

use super::Call;
use super::developer::unsupported_provider;
use crate::emulator::error::Error;
use crate::emulator::identity::Login;
use crate::emulator::paging;
use crate::emulator::pool::Pool;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lookup {
    identity_pool_id: String,
    identity_id: Option<String>,
    developer_user_identifier: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    identity_id: String,
    developer_user_identifier_list: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Merge {
    source_user_identifier: String,
    destination_user_identifier: String,
    developer_provider_name: String,
    identity_pool_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Merged {
    identity_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Unlink {
    identity_id: String,
    identity_pool_id: String,
    developer_provider_name: String,
    developer_user_identifier: String,
}

/// Finds the identity of a developer's user, or the users of an identity, or
/// compares the two.
pub(super) fn lookup(call: &Call<'_>, input: Lookup) -> Result<Found, Error> {
    let pool_id = &input.identity_pool_id;
    let store = call.store();
    let pool = store.pool(&call.region, pool_id)?;
    let provider = pool
        .configuration
        .developer_provider_name
        .as_deref()
        .unwrap_or_default();
    let login = input.developer_user_identifier.map(|subject| Login {
        provider: provider.to_owned(),
        subject,
    });
    let name = format!(
        "developer users {}",
        input.identity_id.as_deref().unwrap_or_default()
    );
    let last = paging::last_shown(&name, input.next_token.as_deref())?;
    let found = match (input.identity_id, login) {
        (None, None) => {
            // unverified: type and text are not on record.
            return Err(Error::invalid(
                "Please provide an identity ID or a developer user identifier.",
            ));
        }
        (asked_for, Some(login)) => {
            let owner = store.owner(pool_id, &login);
            match asked_for {
                Some(id) if store.identity(&call.region, &id)?.pool_id != *pool_id => {
                    return Err(Error::identity_not_found(&id));
                }
                Some(id) if owner.is_none_or(|owner| owner.id != id) => {
                    // unverified: the text is not on record.
                    return Err(Error::conflict(
                        "The developer user identifier does not belong to the identity ID.",
                    ));
                }
                _ => {}
            }
            Found {
                identity_id: owner.ok_or_else(user_not_found)?.id.clone(),
                developer_user_identifier_list: vec![login.subject],
                next_token: None,
            }
        }
        (Some(id), None) => {
            let identity = store.identity(&call.region, &id)?;
            if identity.pool_id != *pool_id {
                return Err(Error::identity_not_found(&id));
            }
            let users = identity
                .logins
                .iter()
                .filter(|login| login.provider == provider)
                .map(|login| login.subject.clone())
                .filter(|user| last.as_ref().is_none_or(|last| user > last));
            // unverified: the size of a page where the request names none.
            let size = input.max_results.unwrap_or(paging::LARGEST);
            let (users, next_token) = paging::page(&name, users, size, String::as_str);
            Found {
                identity_id: id,
                developer_user_identifier_list: users,
                next_token,
            }
        }
    };
    Ok(found)
}

/// Moves all logins of the source's identity to the destination's.
pub(super) fn merge(call: &Call<'_>, input: Merge) -> Result<Merged, Error> {
    let mut store = call.store();
    let pool_id = &input.identity_pool_id;
    let provider = input.developer_provider_name;
    check_provider(store.pool(&call.region, pool_id)?, &provider)?;
    let owner = |subject: String| {
        let provider = provider.clone();
        store
            .owner(pool_id, &Login { provider, subject })
            .map(|identity| identity.id.clone())
            .ok_or_else(user_not_found)
    };
    let source = owner(input.source_user_identifier)?;
    let destination = owner(input.destination_user_identifier)?;
    // unverified: two users of one identity are merged already.
    if source != destination {
        store.join(&destination, &[source], &[], call.date())?;
    }
    Ok(Merged {
        identity_id: destination,
    })
}

pub(super) fn unlink(call: &Call<'_>, input: Unlink) -> Result<(), Error> {
    let mut store = call.store();
    let pool_id = &input.identity_pool_id;
    check_provider(
        store.pool(&call.region, pool_id)?,
        &input.developer_provider_name,
    )?;
    let identity = store.identity(&call.region, &input.identity_id)?;
    if identity.pool_id != *pool_id {
        return Err(Error::identity_not_found(&input.identity_id));
    }
    let login = Login {
        provider: input.developer_provider_name,
        subject: input.developer_user_identifier,
    };
    if !identity.logins.contains(&login) {
        return Err(user_not_found());
    }
    store.unlink(&input.identity_id, &[login], call.date());
    Ok(())
}

fn check_provider(pool: &Pool, name: &str) -> Result<(), Error> {
    match pool.configuration.developer_provider_name.as_deref() {
        Some(configured) if configured == name => Ok(()),
        _ => Err(unsupported_provider()),
    }
}

/// unverified: the text is not on record.
fn user_not_found() -> Error {
    Error::not_found("Developer user identifier not found.")
}
