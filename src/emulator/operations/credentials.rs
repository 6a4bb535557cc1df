//! What an identity gets for its logins: a token in the classic flow, credentials in
//! the enhanced one. And taking logins away, which needs the same proof.

use std::collections::BTreeMap;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Call, principal_tags};
use crate::emulator::error::Error;
use crate::emulator::linking::{self, Plan};
use crate::emulator::logins::Verified;
use crate::emulator::pool::Pool;
use crate::emulator::role_choice::{self, Bearer};
use crate::emulator::store::{Identity, Login, Standing, Store};
use crate::emulator::tokens::{self, Claims, Tags};
use crate::emulator::{logins, region};

/// How long credentials are good for, in seconds.
const LIFETIME: u64 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetOpenIdToken {
    identity_id: String,
    logins: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OpenIdToken {
    pub(super) identity_id: String,
    pub(super) token: String,
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
struct Credentials {
    access_key_id: String,
    secret_key: String,
    session_token: String,
    expiration: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Unlink {
    identity_id: String,
    logins: BTreeMap<String, String>,
    logins_to_remove: Vec<String>,
}

/// What a logins map proves.
struct Proof {
    /// Logins of public providers.
    public: Vec<Verified>,
    /// A token of our own, made for the identity that is asked for.
    own: Option<Claims>,
}

pub(super) fn open_id_token(call: &Call<'_>, input: GetOpenIdToken) -> Result<OpenIdToken, Error> {
    let claims = open_id_claims(call, input)?;
    // Signing is slow, so the store is free again here.
    let token = call.emulator.signer.sign(&call.region, &claims)?;
    Ok(OpenIdToken {
        identity_id: claims.sub,
        token,
    })
}

pub(super) fn credentials(call: &Call<'_>, input: GetCredentials) -> Result<Answer, Error> {
    let custom = input.custom_role_arn.as_deref();
    let mut store = call.store();
    let pool = pool_of(call, &store, &input.identity_id)?;
    let logins = input.logins.unwrap_or_default();
    let proof = Proof::of(call, pool, &input.identity_id, &logins)?;
    let bearer = match proof.is_empty() {
        true => Bearer::Guest,
        false => Bearer::Authenticated(&proof.public),
    };
    // A refusal links nothing, so the plan is carried out last.
    let plan = plan(call, &store, &input.identity_id, &proof)?;
    role_choice::choose(pool, call.account(), bearer, custom)?;
    let identity_id = plan.carry_out(&mut store, &proof.logins(), call.date())?;
    Ok(Answer {
        identity_id,
        credentials: Credentials::new(call.now() + LIFETIME)?,
    })
}

/// unverified: providers that are not linked are passed over.
pub(super) fn unlink(call: &Call<'_>, input: Unlink) -> Result<(), Error> {
    let mut store = call.store();
    let pool = pool_of(call, &store, &input.identity_id)?;
    let proof = Proof::of(call, pool, &input.identity_id, &input.logins)?;
    let developer = pool.configuration.developer_provider_name.as_ref();
    if developer.is_some_and(|name| input.logins_to_remove.contains(name)) {
        return Err(Error::not_a_public_provider());
    }
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

fn open_id_claims(call: &Call<'_>, input: GetOpenIdToken) -> Result<Claims, Error> {
    let mut store = call.store();
    let pool = pool_of(call, &store, &input.identity_id)?;
    check_classic_flow(pool)?;
    let logins = input.logins.unwrap_or_default();
    let proof = Proof::of(call, pool, &input.identity_id, &logins)?;
    if proof.public.iter().any(Verified::is_saml) {
        // unverified: that SAML needs the enhanced flow is documented, the text is not.
        return Err(Error::invalid(
            "Basic (classic) flow is not supported with SAML providers, please use enhanced flow.",
        ));
    }
    let pool_id = pool.configuration.identity_pool_id.clone();
    let tags = proof.tags(pool);
    let plan = plan(call, &store, &input.identity_id, &proof)?;
    let sub = plan.carry_out(&mut store, &proof.logins(), call.date())?;
    Ok(claims(
        call,
        (sub, &pool_id),
        proof.means(),
        tags,
        tokens::LIFETIME,
    ))
}

/// The claims of a token for an identity of a pool.
pub(super) fn claims(
    call: &Call<'_>,
    (identity_id, pool_id): (String, &str),
    amr: Vec<String>,
    tags: Option<Tags>,
    lifetime: u64,
) -> Claims {
    let now = call.now();
    Claims {
        sub: identity_id,
        aud: pool_id.to_owned(),
        amr,
        tags,
        iss: format!("https://{}", region::issuer(&call.region)),
        pool_arn: call.pool_arn(pool_id),
        exp: now.saturating_add(lifetime),
        iat: now,
    }
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

fn pool_of<'a>(call: &Call<'_>, store: &'a Store, identity_id: &str) -> Result<&'a Pool, Error> {
    let identity = store.identity(&call.region, identity_id)?;
    store.pool(&call.region, &identity.pool_id)
}

impl Proof {
    fn of(
        call: &Call<'_>,
        pool: &Pool,
        identity_id: &str,
        logins: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let mut public = logins.clone();
        let own = public
            .remove(region::issuer(&call.region))
            .map(|token| own_token(call, pool, identity_id, &token))
            .transpose()?;
        Ok(Self {
            public: logins::verify(&pool.configuration, &public, call.now())?,
            own,
        })
    }

    fn is_empty(&self) -> bool {
        self.public.is_empty() && self.own.is_none()
    }

    fn logins(&self) -> Vec<Login> {
        self.public
            .iter()
            .map(|verified| verified.login.clone())
            .collect()
    }

    fn vouches_for(&self, identity: &Identity) -> bool {
        self.own.is_some()
            || self
                .public
                .iter()
                .any(|verified| identity.logins.contains(&verified.login))
    }

    fn means(&self) -> Vec<String> {
        if self.is_empty() {
            return vec!["unauthenticated".to_owned()];
        }
        let mut means = vec!["authenticated".to_owned()];
        if let Some(own) = &self.own {
            means.extend(own.amr.iter().skip(1).cloned());
        }
        means.extend(self.public.iter().flat_map(Verified::means));
        means
    }

    /// unverified: tags of a token of our own are carried over.
    fn tags(&self, pool: &Pool) -> Option<Tags> {
        Tags::of(principal_tags::of_logins(pool, &self.public))
            .or_else(|| self.own.as_ref()?.tags.clone())
    }
}

/// A token of our own proves the identity that it was made for, unless it is a
/// guest's.
///
/// unverified: that tokens of the classic flow do, and not the developer's only.
fn own_token(
    call: &Call<'_>,
    pool: &Pool,
    identity_id: &str,
    token: &str,
) -> Result<Claims, Error> {
    let claims = call
        .emulator
        .signer
        .verify(token)
        .ok_or_else(|| Error::invalid_login_token("Couldn't verify signed token."))?;
    let now = call.now();
    if now >= claims.exp {
        return Err(Error::invalid_login_token(format!(
            "Token expired: {now} >= {}",
            claims.exp
        )));
    }
    let of_this_identity =
        claims.sub == identity_id && claims.aud == pool.configuration.identity_pool_id;
    let authenticated = claims
        .amr
        .first()
        .is_some_and(|first| first == "authenticated");
    if !of_this_identity || !authenticated {
        return Err(Error::logins_do_not_match());
    }
    Ok(claims)
}

impl Credentials {
    fn new(expiration: u64) -> Result<Self, Error> {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let id: String = random::<16>()?
            .iter()
            .filter_map(|byte| BASE32.get(usize::from(byte % 32)))
            .map(|letter| char::from(*letter))
            .collect();
        Ok(Self {
            access_key_id: format!("ASIA{id}"),
            // 30 bytes are 40 letters.
            secret_key: STANDARD.encode(random::<30>()?),
            session_token: STANDARD.encode(random::<480>()?),
            expiration,
        })
    }
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    rand::fill(&mut bytes).map_err(|_| Error::internal())?;
    Ok(bytes)
}
