//! Identities of users whom the developer has authenticated.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::open_id::{self, OpenIdToken};
use super::{Call, principal_tags};
use crate::emulator::error::{Error, Kind};
use crate::emulator::identity::{Identity, Login, Standing};
use crate::emulator::linking;
use crate::emulator::logins::Verified;
use crate::emulator::store::Store;
use crate::emulator::tokens::{self, Claims, Tags};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetToken {
    identity_pool_id: String,
    identity_id: Option<String>,
    logins: BTreeMap<String, String>,
    principal_tags: Option<BTreeMap<String, String>>,
    token_duration: Option<u64>,
}

/// Works whatever the pool says about the classic flow.
pub(super) fn token(call: &Call<'_>, input: GetToken) -> Result<OpenIdToken, Error> {
    let claims = token_claims(call, input)?;
    open_id::sign(call, claims)
}

fn token_claims(call: &Call<'_>, mut input: GetToken) -> Result<Claims, Error> {
    let pool_id = input.identity_pool_id;
    let pool = call.pool(&pool_id)?;
    let (provider, subject) = pool
        .configuration
        .developer_provider_name
        .as_ref()
        .and_then(|name| input.logins.remove_entry(name))
        .ok_or_else(unsupported_provider)?;
    let public = call.verifier().verify(&pool.configuration, &input.logins)?;
    let tags = match input.principal_tags {
        Some(tags) => tags,
        None => principal_tags::of_logins(&pool, &public),
    };
    principal_tags::check_size(&tags)?;
    let mut amr = vec![
        "authenticated".to_owned(),
        provider.clone(),
        format!("{provider}:{pool_id}:{subject}"),
    ];
    amr.extend(public.iter().flat_map(Verified::means));
    let mut logins = vec![Login { provider, subject }];
    logins.extend(public.into_iter().map(|verified| verified.login));
    let mut store = call.store();
    store.pool(&call.region, &pool_id)?;
    let asked_for = input.identity_id.as_deref();
    let identity_id = identify(call, &mut store, &pool_id, asked_for, &logins)?;
    let lifetime = input.token_duration.unwrap_or(tokens::DEVELOPER_LIFETIME);
    Ok(open_id::claims(
        call,
        (identity_id, &pool_id),
        amr,
        Tags::of(tags),
        lifetime,
    ))
}

/// The identity of the developer's user, who is the first of the logins. It is made
/// or linked where it has to be.
fn identify(
    call: &Call<'_>,
    store: &mut Store,
    pool_id: &str,
    asked_for: Option<&str>,
    logins: &[Login],
) -> Result<String, Error> {
    let mut owners = logins.iter().map(|login| store.owner(pool_id, login));
    let registered = owners.next().flatten().map(|owner| owner.id.as_str());
    match asked_for {
        None => {
            // unverified: a public login cannot move the developer's user either.
            let elsewhere = |id: &str| owners.flatten().any(|owner| owner.id != id);
            if registered.is_some_and(elsewhere) {
                return Err(already_registered());
            }
            linking::resolve(store, (&call.region, pool_id), logins, call.date())
        }
        Some(id) => {
            let identity = store.identity(&call.region, id)?;
            if identity.pool_id != pool_id {
                return Err(Error::identity_not_found(id));
            }
            if identity.standing() == Standing::Disabled {
                return Err(Error::identity_forbidden(id));
            }
            if registered.is_some_and(|registered| registered != id) {
                return Err(already_registered());
            }
            check_public_logins(identity, logins)?;
            linking::plan_into(store, pool_id, id, logins).carry_out(store, logins, call.date())
        }
    }
}

/// The developer's signature vouches for an identity, but not for its users of public
/// providers: one of them has to be among the logins, unless the developer's is.
fn check_public_logins(identity: &Identity, logins: &[Login]) -> Result<(), Error> {
    let developer = logins.first().map(|login| &login.provider);
    let mut linked = identity.logins.iter();
    let has_public = linked.any(|login| Some(&login.provider) != developer);
    let proven = logins.iter().any(|login| identity.logins.contains(login));
    match has_public && !proven {
        true => Err(Error::logins_do_not_match()),
        false => Ok(()),
    }
}

/// unverified: the type; the text is on record.
pub(super) fn unsupported_provider() -> Error {
    Error::invalid("This identity pool does not support the specified developer provider")
}

/// unverified: the text is AWS's description of the type.
fn already_registered() -> Error {
    Error::new(
        Kind::DeveloperUserAlreadyRegistered,
        "The provided developer user identifier is already registered with Cognito under a \
         different identity ID.",
    )
}
