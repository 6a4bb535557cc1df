//! Who calls: credentials to [`Caller`].
//!
//! A call proves itself by its connection, with a client certificate, which TLS has
//! verified, or as a process that the kernel vouches for; with a token in `authorization`;
//! or with both. What they are worth is said in the callers file, whose format is in
//! [`callers`].
//!
//! This room promises:
//!
//! * a call is let in only with credentials that hold; one that shows bad ones is
//!   refused, never let in as somebody less;
//! * names come from where they are vouched for: from the subject's alternative names of
//!   a certificate, from signed claims, from the callers file, and from nothing else in
//!   a request; of a process from the user and group that it had when it connected;
//! * why a call was refused is for our log ([`Refusal`]); to callers every refusal is
//!   the same;
//! * no more than 2,000 signatures are verified in a second, whoever sends them;
//! * no part of a token is kept or logged, and nothing in here compares secrets in a
//!   time that depends on them.
//!
//! # What becomes of a token
//!
//! ```text
//! one value, scheme Bearer, at most 8 KiB                          (bearer)
//! verified within the last 60 seconds, by the same keys: done      (cache)
//! three parts, and `iss` is one of the issuers:
//!   too many are being verified: refused                           (verifications)
//!   header, algorithm, key                                         (jws, keys)
//!   the keys are fetched where the token names a new one           (provider)
//!   signature, then the claims                                     (claims)
//!   name, roles and attributes                                     (issuer)
//! any other: listed by its SHA-256                                 (static_tokens)
//! ```
//!
//! # Where others stumbled
//!
//! An algorithm is taken only if the issuer is allowed it and the key is for it, so that
//! a public key is never a secret of HMAC. Keys never come with the token. `crit` is
//! refused. An issuer is one text. All five of `exp`, `iat`, `iss`, `aud` and `sub` have
//! to be there, `nbf` counts, and a token may not be good for more than a day. Tokens
//! bound to a key (`cnf`) are refused, as nobody has proved here to have it.

mod bearer;
mod cache;
pub mod callers;
pub mod certificate;
mod claims;
mod current;
mod issuer;
pub mod jws;
mod jwt;
mod keys;
mod processes;
mod proofs;
mod provider;
mod refusal;
mod static_tokens;
mod verifications;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use crate::caller::{Caller, Peer};
use crate::clock::Clock;
use crate::fetch::Fetch;
use crate::remembered::Remembered;
use cache::Entry;
pub use callers::{Callers, Proofs};
use current::{Current, Source};
use issuer::Issuer;
use jws::Unverified;
use jwt::Jwt;
pub use keys::KeySet;
use provider::Provider;
use refusal::shown;
pub use refusal::{Fault, Method, Refusal};
use static_tokens::{Digest, digest};
use verifications::Verifications;

/// How often it is looked whether keys are to be fetched again.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What an operator sets about who calls.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The callers file.
    pub callers_file: Option<PathBuf>,
    /// What is in it.
    pub callers: Callers,
}

/// Tells who calls. It needs a tokio runtime where keys have to be fetched.
pub struct Authenticator {
    current: ArcSwap<Current>,
    verifications: Verifications,
    clock: Clock,
    fetch: Arc<dyn Fetch>,
}

impl Authenticator {
    /// An authenticator that has no fetched keys yet; see
    /// [`Authenticator::keep_keys_fresh`].
    pub fn new(settings: &Settings, clock: Clock, fetch: Arc<dyn Fetch>) -> Self {
        Self {
            current: ArcSwap::from_pointee(Current::new(settings.callers.clone())),
            verifications: Verifications::new(clock.instant()),
            clock,
            fetch,
        }
    }

    /// Who calls with these credentials.
    ///
    /// `peer` is the other side of the connection, `authorization` every value of the header
    /// of this name. It waits only where keys have to be fetched, and not longer than 3
    /// seconds.
    pub fn authenticate<'a>(
        &'a self,
        peer: Option<&'a Peer>,
        authorization: impl Iterator<Item = &'a [u8]>,
    ) -> impl Future<Output = Result<Caller, Refusal>> + Send {
        let token = bearer::token(authorization);
        async move {
            let token = token?;
            let current = self.current.load_full();
            let connected = proofs::of_connection(&current.callers, peer)?;
            let borne = match token {
                Some(token) => Some(self.bearer_of(token, &current).await?),
                None => None,
            };
            proofs::decide(&current.callers, peer, connected, borne)
        }
    }

    /// Takes other callers from the next call on. Calls under way keep the old ones.
    /// Fetched keys stay with the issuers that have the same address for theirs, and no
    /// token counts as verified any more.
    pub fn reload(&self, callers: Callers) {
        let next = self.current.load().with(callers);
        self.current.store(Arc::new(next));
    }

    /// Fetches keys when it is time for it, for as long as it is polled. The first round
    /// is at once, so that the first token does not have to wait. `looked` is called after
    /// each round.
    pub async fn keep_keys_fresh<F: Future<Output = ()>>(&self, looked: impl Fn() -> F) {
        loop {
            self.refresh_keys().await;
            looked().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether nobody can be let in for want of keys: callers come with tokens of issuers
    /// only, and no key of any issuer is at hand. `proofs` is what peers can show beside
    /// tokens.
    pub fn lacks_keys(&self, proofs: Proofs) -> bool {
        let current = self.current.load();
        current.callers.are_known_by_issuers_alone(proofs)
            && !current.has_keys(self.clock.instant())
    }

    /// What is remembered of tokens; a reload forgets it.
    pub fn remembered(&self) -> Remembered {
        self.current.load().cache.remembered()
    }

    /// Fetches the keys for which it is time, and returns when that has ended.
    pub async fn refresh_keys(&self) {
        let current = self.current.load_full();
        let fetches = current
            .providers()
            .map(|provider| provider.refresh(&self.fetch, &self.clock));
        futures_util::future::join_all(fetches).await;
    }

    /// Who bears a token.
    async fn bearer_of(&self, token: &str, current: &Current) -> Result<Caller, Refusal> {
        let digest = digest(token);
        // Others are never in there.
        if jws::has_three_parts(token) {
            let known = current.cache.get(&digest, self.clock.instant(), self.now());
            if let Some(caller) = known {
                return Ok(caller);
            }
        }
        let cause = match Jwt::read(token) {
            None => "the token is not in the callers file".to_owned(),
            Some(Err(cause)) => cause,
            Some(Ok(jwt)) => match current.issuer(&jwt.issuer) {
                None => format!(
                    "the issuer {} is not in the callers file",
                    shown(&jwt.issuer)
                ),
                Some((issuer, source)) => {
                    let begun = self.verifications.begin(self.clock.instant());
                    begun.map_err(Refusal::busy)?;
                    let caller = self.verified(&jwt, digest, issuer, source, current);
                    // In a box, because most tokens were verified before.
                    let caller = Box::pin(caller).await;
                    return caller;
                }
            },
        };
        let now = self.clock.epoch_seconds();
        match current.callers.tokens.find(token, &digest, now) {
            Ok(Some(caller)) => Ok(caller),
            Ok(None) => Err(Refusal::new(Method::Token, cause)),
            Err(cause) => Err(Refusal::new(Method::Token, cause)),
        }
    }

    async fn verified(
        &self,
        jwt: &Jwt<'_>,
        digest: Digest,
        issuer: &Issuer,
        source: &Source,
        current: &Current,
    ) -> Result<Caller, Refusal> {
        let refused = |cause| Refusal::new(Method::Jwt, cause);
        let keys = self.verify(jwt, issuer, source).await?;
        let (instant, now) = (self.clock.instant(), self.now());
        let media_type = jwt.signed.media_type();
        let claims = claims::check(&jwt.claims, media_type, issuer, now).map_err(refused)?;
        let caller = issuer.caller(&claims, &jwt.claims, &current.callers.certificates);
        let caller = caller.map_err(refused)?;
        let entry = Entry::new(caller.clone(), instant, claims.taken_until, keys);
        current.cache.insert(digest, entry);
        Ok(caller)
    }

    /// Verifies the signature; tells on which keys the answer depends.
    async fn verify(
        &self,
        jwt: &Jwt<'_>,
        issuer: &Issuer,
        source: &Source,
    ) -> Result<Option<(Arc<Provider>, u64)>, Refusal> {
        let refused = |why: Unverified| Refusal::new(Method::Jwt, why.cause());
        let signed = &jwt.signed;
        let provider = match source {
            Source::Written(keys) => {
                let verified = signed.verify(keys, &issuer.algorithms);
                return verified.map(|()| None).map_err(refused);
            }
            Source::Fetched(provider) => provider,
        };
        let verify = || {
            // Counted before, so that a key that goes meanwhile is noticed.
            let removals = provider.removals();
            let keys = provider.keys(self.clock.instant());
            let verified = signed.verify(&keys, &issuer.algorithms);
            verified.map(|()| Some((Arc::clone(provider), removals)))
        };
        match verify() {
            Err(Unverified::UnknownKey) => {}
            other => return other.map_err(refused),
        }
        provider.look_for(&self.fetch, &self.clock).await;
        // That there are none says nothing against the token.
        if !provider.has_keys(self.clock.instant()) {
            return Err(Refusal::no_keys(provider.url()));
        }
        verify().map_err(refused)
    }

    /// Seconds since the Unix epoch.
    fn now(&self) -> f64 {
        let since = self.clock.now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0.0, |since| since.as_secs_f64())
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Authenticator")
            .field("callers", &self.current.load().callers)
            .finish_non_exhaustive()
    }
}
