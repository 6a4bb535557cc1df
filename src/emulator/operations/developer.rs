//! Identities of users whom the developer has authenticated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::credentials::{OpenIdToken, claims};
use super::{Call, principal_tags};
use crate::emulator::error::{Error, Kind};
use crate::emulator::logins::Verified;
use crate::emulator::pool::Pool;
use crate::emulator::store::{Login, Standing, Store};
use crate::emulator::tokens::{self, Claims, Tags};
use crate::emulator::{linking, logins, paging};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetToken {
    identity_pool_id: String,
    identity_id: Option<String>,
    logins: BTreeMap<String, String>,
    principal_tags: Option<BTreeMap<String, String>>,
    token_duration: Option<u64>,
}

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

/// Works whatever the pool says about the classic flow.
pub(super) fn token(call: &Call<'_>, input: GetToken) -> Result<OpenIdToken, Error> {
    let claims = token_claims(call, input)?;
    // Signing is slow, so the store is free again here.
    let token = call.emulator.signer.sign(&call.region, &claims)?;
    Ok(OpenIdToken {
        identity_id: claims.sub,
        token,
    })
}

fn token_claims(call: &Call<'_>, mut input: GetToken) -> Result<Claims, Error> {
    let mut store = call.store();
    let pool_id = input.identity_pool_id;
    let pool = store.pool(&call.region, &pool_id)?;
    let (provider, subject) = pool
        .configuration
        .developer_provider_name
        .as_ref()
        .and_then(|name| input.logins.remove_entry(name))
        .ok_or_else(unsupported_provider)?;
    let public = logins::verify(&pool.configuration, &input.logins, call.now())?;
    let tags = match input.principal_tags {
        Some(tags) => tags,
        None => principal_tags::of_logins(pool, &public),
    };
    let mut amr = vec![
        "authenticated".to_owned(),
        provider.clone(),
        format!("{provider}:{pool_id}:{subject}"),
    ];
    amr.extend(public.iter().flat_map(Verified::means));
    let developer = Login { provider, subject };
    let asked_for = input.identity_id.as_deref();
    let identity_id = identify(call, &mut store, &pool_id, asked_for, &developer, public)?;
    let lifetime = input.token_duration.unwrap_or(tokens::DEVELOPER_LIFETIME);
    Ok(claims(
        call,
        (identity_id, &pool_id),
        amr,
        Tags::of(tags),
        lifetime,
    ))
}

/// The identity of the developer's user, which is made or linked where it has to be.
fn identify(
    call: &Call<'_>,
    store: &mut Store,
    pool_id: &str,
    asked_for: Option<&str>,
    developer: &Login,
    public: Vec<Verified>,
) -> Result<String, Error> {
    let public: Vec<Login> = public.into_iter().map(|verified| verified.login).collect();
    let owner = store.owner(pool_id, developer).map(|owner| &owner.id);
    let elsewhere = match asked_for {
        Some(id) => owner.is_some_and(|owner| owner != id),
        None => {
            owner.is_some()
                && public.iter().any(|login| {
                    store
                        .owner(pool_id, login)
                        .is_some_and(|other| Some(&other.id) != owner)
                })
        }
    };
    let registered = owner.is_some();
    let mut logins = vec![developer.clone()];
    logins.extend(public);
    let Some(id) = asked_for else {
        if elsewhere {
            return Err(already_registered());
        }
        return linking::resolve(store, (&call.region, pool_id), &logins, call.date());
    };
    let identity = store.identity(&call.region, id)?;
    if identity.pool_id != pool_id {
        return Err(Error::identity_not_found(id));
    }
    if identity.standing() == Standing::Disabled {
        return Err(Error::identity_forbidden(id));
    }
    if elsewhere {
        return Err(already_registered());
    }
    let has_public = identity
        .logins
        .iter()
        .any(|login| login.provider != developer.provider);
    let proven = logins.iter().any(|login| identity.logins.contains(login));
    if !registered && has_public && !proven {
        return Err(Error::logins_do_not_match());
    }
    // The developer's signature vouches for everything but public logins.
    linking::plan_into(store, pool_id, id, &logins).carry_out(store, &logins, call.date())
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

/// unverified: the type; the text is on record.
fn unsupported_provider() -> Error {
    Error::invalid("This identity pool does not support the specified developer provider")
}

/// unverified: the text is not on record.
fn user_not_found() -> Error {
    Error::not_found("Developer user identifier not found.")
}

/// unverified: the text is AWS's description of the type.
fn already_registered() -> Error {
    Error::new(
        Kind::DeveloperUserAlreadyRegistered,
        "The provided developer user identifier is already registered with Cognito under a \
         different identity ID.",
    )
}
