//! What the logins map of a request proves about the identity that it asks for.

use std::collections::BTreeMap;

use super::{Call, principal_tags};
use crate::emulator::error::Error;
use crate::emulator::identity::{Identity, Login};
use crate::emulator::logins::Verified;
use crate::emulator::pool::Pool;
use crate::emulator::region;
use crate::emulator::tokens::{Claims, Tags};

/// What a logins map proves.
pub(super) struct Proof {
    /// Logins of public providers.
    pub(super) public: Vec<Verified>,
    /// A token of our own, made for the identity that is asked for.
    pub(super) own: Option<Claims>,
}

/// The pool of an identity as it is at this moment. The logins of a request are verified
/// with it while others use the store; then the identity is looked up anew, because it may
/// have gone in the meantime, and its pool with it.
pub(super) fn pool_of(call: &Call<'_>, identity_id: &str) -> Result<Pool, Error> {
    let store = call.store();
    let identity = store.identity(&call.region, identity_id)?;
    store.pool(&call.region, &identity.pool_id).cloned()
}

impl Proof {
    pub(super) fn of(
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
            public: call.verifier().verify(&pool.configuration, &public)?,
            own,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.public.is_empty() && self.own.is_none()
    }

    pub(super) fn logins(&self) -> Vec<Login> {
        self.public
            .iter()
            .map(|verified| verified.login.clone())
            .collect()
    }

    pub(super) fn vouches_for(&self, identity: &Identity) -> bool {
        self.own.is_some()
            || self
                .public
                .iter()
                .any(|verified| identity.logins.contains(&verified.login))
    }

    pub(super) fn means(&self) -> Vec<String> {
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
    pub(super) fn tags(&self, pool: &Pool) -> Result<Option<Tags>, Error> {
        let tags = principal_tags::of_logins(pool, &self.public);
        principal_tags::check_size(&tags)?;
        Ok(Tags::of(tags).or_else(|| self.own.as_ref()?.tags.clone()))
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
