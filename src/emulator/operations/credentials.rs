//! What an identity gets for its logins: a token in the classic flow, credentials in
//! the enhanced one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Call;
use super::open_id::{self, OpenIdToken};
use super::proof::{Proof, pool_of};
use crate::emulator::error::Error;
use crate::emulator::identity::Standing;
use crate::emulator::linking::{self, Plan};
use crate::emulator::logins::Verified;
use crate::emulator::pool::Pool;
use crate::emulator::role_choice::{self, Bearer};
use crate::emulator::store::Store;
use crate::emulator::tokens::{self, Claims};

/// How long credentials are good for, in seconds.
const LIFETIME: u64 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetOpenIdToken {
    identity_id: String,
    logins: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetCredentials {
    identity_id: String,
    logins: Option<BTreeMap<String, String>>,
    custom_role_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    identity_id: String,
    credentials: Credentials,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::emulator) struct Credentials {
    pub(in crate::emulator) access_key_id: String,
    pub(in crate::emulator) secret_key: String,
    pub(in crate::emulator) session_token: String,
    pub(in crate::emulator) expiration: u64,
}

pub(super) fn open_id_token(call: &Call<'_>, input: GetOpenIdToken) -> Result<OpenIdToken, Error> {
    let claims = open_id_claims(call, input)?;
    open_id::sign(call, claims)
}

pub(super) fn credentials(call: &Call<'_>, input: GetCredentials) -> Result<Answer, Error> {
    let custom = input.custom_role_arn.as_deref();
    let pool = pool_of(call, &input.identity_id)?;
    let logins = input.logins.unwrap_or_default();
    let proof = Proof::of(call, &pool, &input.identity_id, &logins)?;
    let bearer = match proof.is_empty() {
        true => Bearer::Guest,
        false => Bearer::Authenticated(&proof.public),
    };
    // The role's session has the tags, too.
    proof.tags(&pool)?;
    let pool_id = &pool.configuration.identity_pool_id;
    let mut store = call.store();
    // A refusal links nothing, so the plan is carried out last.
    let plan = plan(call, &store, &input.identity_id, &proof)?;
    role_choice::choose(&pool, call.account(), bearer, custom)?;
    let identity_id = plan.carry_out(&mut store, &proof.logins(), call.date())?;
    let mut fill = |bytes: &mut [u8]| store.fill(pool_id, bytes);
    Ok(Answer {
        identity_id,
        credentials: Credentials::new(&mut fill, call.now() + LIFETIME)?,
    })
}

fn open_id_claims(call: &Call<'_>, input: GetOpenIdToken) -> Result<Claims, Error> {
    let pool = pool_of(call, &input.identity_id)?;
    check_classic_flow(&pool)?;
    let logins = input.logins.unwrap_or_default();
    let proof = Proof::of(call, &pool, &input.identity_id, &logins)?;
    if proof.public.iter().any(Verified::is_saml) {
        // unverified: that SAML needs the enhanced flow is documented, the text is not.
        return Err(Error::invalid(
            "Basic (classic) flow is not supported with SAML providers, please use enhanced flow.",
        ));
    }
    let tags = proof.tags(&pool)?;
    let mut store = call.store();
    let plan = plan(call, &store, &input.identity_id, &proof)?;
    let sub = plan.carry_out(&mut store, &proof.logins(), call.date())?;
    Ok(open_id::claims(
        call,
        (sub, &pool.configuration.identity_pool_id),
        proof.means(),
        tags,
        tokens::LIFETIME,
    ))
}

/// Role mappings are looked at before everything else, also before the logins.
///
/// unverified: the order of the two refusals.
fn check_classic_flow(pool: &Pool) -> Result<(), Error> {
    if !pool.role_mappings.is_empty() {
        return Err(Error::invalid(
            "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow.",
        ));
    }
    if pool.configuration.allow_classic_flow == Some(false) {
        return Err(Error::invalid(
            "Basic (classic) flow is not enabled, please use enhanced flow.",
        ));
    }
    Ok(())
}

/// Whether the bearer of the proof may use the identity, and what to link for it.
fn plan(call: &Call<'_>, store: &Store, id: &str, proof: &Proof) -> Result<Plan, Error> {
    let identity = store.identity(&call.region, id)?;
    if proof.is_empty() {
        if identity.standing() != Standing::Guest {
            return Err(Error::identity_forbidden(id));
        }
        let pool = store.pool(&call.region, &identity.pool_id)?;
        if !pool.configuration.allow_unauthenticated_identities {
            return Err(Error::no_guests());
        }
    }
    linking::plan(
        store,
        &call.region,
        id,
        &proof.logins(),
        proof.own.is_some(),
    )
}

impl Credentials {
    /// Random ones, good until then.
    pub(in crate::emulator) fn new(fill: &mut Fill<'_>, expiration: u64) -> Result<Self, Error> {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let id: String = random::<16>(fill)?
            .iter()
            .filter_map(|byte| BASE32.get(usize::from(byte % 32)))
            .map(|letter| char::from(*letter))
            .collect();
        Ok(Self {
            access_key_id: format!("ASIA{id}"),
            // 30 bytes are 40 letters.
            secret_key: STANDARD.encode(random::<30>(fill)?),
            session_token: STANDARD.encode(random::<480>(fill)?),
            expiration,
        })
    }
}

/// Fills bytes at random.
pub(in crate::emulator) type Fill<'a> = dyn FnMut(&mut [u8]) -> Result<(), Error> + 'a;

fn random<const LENGTH: usize>(fill: &mut Fill<'_>) -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    fill(&mut bytes)?;
    Ok(bytes)
}
