//! Amazon Cognito Identity: all 23 operations, as a service that speaks AWS JSON 1.1.
//!
//! It sits *under* the AWS SDK: [`Connector`] takes the place of the network, so the
//! SDK's own serializer, signer, retries and endpoints work as they do with AWS.
//! It behaves, as far as that is known, like the real service, down to the texts of
//! its errors.
//!
//! It promises that
//!
//! 1. a request that is refused has changed nothing;
//! 2. what it answers follows from what it was told before, and from the clock it
//!    was given; only identifiers, keys and credentials are random, and these follow
//!    from a seed if one is set (the signing key does not);
//! 3. its tokens are real: whoever has [`Emulator::jwks`] can verify them;
//! 4. nothing it was given is shown in a log or by `Debug`;
//! 5. with a data directory, what it has acknowledged is there after a restart, however
//!    the process ended.
//!
//! It has AWS's quotas when they are switched on, and no IAM; of STS it has, over a
//! socket, what the classic flow ends with. Signatures are required where AWS requires
//! them, and verified over a socket when secrets are known; roles need not exist, but
//! have to be roles of the account; credentials look real and open nothing, but for those
//! of a role that somebody who signed has assumed.
//!
//! # Login tokens
//!
//! They are checked in the order of the real service: that it is a token, that its
//! issuer is the provider it is passed for, its signature, its end (with five minutes
//! of grace), its audience, and that the pool trusts both.
//!
//! The signature is verified where the issuer's keys are known: an operator writes
//! them down or says where to fetch them ([`Settings::issuers`]), and test issuers
//! ([`Settings::test_issuers`]) live in the emulator and sign what a test asks for
//! ([`Emulator::mint`]). Tokens of all other issuers are believed as they are, and
//! opaque tokens of Facebook, Amazon and Twitter are each a user of its own, unless
//! [`LoginTokens::Strict`] refuses them.
//!
//! SAML assertions of a provider whose metadata is known are checked for their issuer,
//! signature, dates, audience, subject and roles; of others, subject and attributes are
//! read and believed. Tokens of the emulator itself are always verified.
//!
//! # The map
//!
//! `protocol` reads a request and writes an answer, `operations` has a function for
//! each operation, `store` has the state in memory under one lock, which is never held
//! while a key is generated or fetched, a token is signed or verified, or a disk is
//! written to.
//! `disk` keeps a copy of the state, `snapshot` shows it and brings it back. `reply` takes
//! a request through, to a bad end where `faults` says so, and `time` turns the clock. Between
//! them are `logins` (who is it), `issuers` (who vouches for that), `linking` (which
//! identity is that), `role_choice` and `tokens`; `jws` signs.
//!
//! # Isolation
//!
//! Per access key, each pool belongs to the key whose signature made it, and a signed
//! request sees what belongs to its own key. The four operations that AWS wants unsigned
//! find the pool by its identifier or by that of an identity, which nobody can guess. A
//! pool that was made without isolation belongs to no key.
//!
//! # Unverified behaviour
//!
//! No public record says how the real service does these things. Each is marked
//! `unverified` where it is decided.
//!
//! * Wire: the texts of `SerializationException`, `UnknownOperationException`,
//!   `InternalErrorException`, `ConcurrentModificationException` and
//!   `ExternalServiceException`; the HTTP status of throttled requests; that a message is
//!   repeated in a header up to a length, and a value in a message; the answers to other
//!   methods and paths and to bodies above 2 MiB; the discovery document; the texts that
//!   refuse signatures.
//! * STS: what is said of a session's key without its token; that a role's trust policy is the one that AWS's console writes for the pool; that
//!   the caller of `GetCallerIdentity` is the account's root; that roles of rules are the
//!   pool's roles as well; the order of the checks.
//! * Limits: the texts of all limits; how many requests come through at once, and that
//!   malformed ones are not counted; that tags beyond fifty are an invalid parameter;
//!   that too many linked logins are `LimitExceededException` in every operation.
//!   Type and text for principal tags beyond 460 bytes in all.
//! * Tags: the texts of refused tags; that an ARN of another region is denied; that
//!   `UntagResource` passes over keys that are not there.
//! * Pools: the order of `ListIdentityPools` and `ListIdentities`; type and text for a
//!   page token that is no good; that login providers other than the documented ones
//!   are accepted; that a user pool without client, and a malformed provider ARN, are
//!   refused as invalid providers are.
//! * `UpdateIdentityPool`: that `AllowClassicFlow` left out makes it unset; that tags
//!   given replace all tags; that role mappings and principal tags of a provider that
//!   goes stay; type and text for another developer provider name.
//! * Roles: that `GetIdentityPoolRoles` leaves out what is empty; that role mappings
//!   left out of `SetIdentityPoolRoles` are removed; the texts of most refused
//!   mappings; that a custom role without a mapping, or one that the token does not
//!   list, is a forbidden role; that the first provider by name decides among several;
//!   that a claim with several values matches with one of them; that an assertion with
//!   several roles and no choice is a wrong configuration.
//! * Principal tags: that a map is empty before it is set; type and text for a provider
//!   that the pool does not have; the names of the default tags (`client`, `username`).
//! * Identities: which identity survives a merge without a clear one (the eldest); that
//!   a disabled identity with logins leads to where these are; that `Logins` is left
//!   out for guests; that `DeleteIdentities` counts unknown identities as deleted; that
//!   `GetId` does not look at the account; that `UnlinkIdentity` passes over providers
//!   that are not linked; the text for a second user of one provider.
//! * Login tokens: the texts for a missing `iss`, `exp` or `sub`; that a slash at the
//!   end of an issuer makes no difference; the text for a user who is signed out
//!   everywhere; the text for tokens that strictness refuses; the texts for a SAML
//!   assertion that is refused, the order in which it is checked, that its recipient is
//!   not, and which algorithms may sign it.
//! * Tokens: that a token of the classic flow, too, is a login of its identity, and
//!   that its tags are carried over; the `amr` of social providers; that several
//!   applications of one social provider are separated by `;`; the text that refuses
//!   SAML in the classic flow and a malformed assertion; the issuers in China and
//!   GovCloud; which of the two refusals of the classic flow comes first.
//! * Developers: the type for a developer provider that the pool does not have; the
//!   texts for users that are not found, registered elsewhere or do not belong to the
//!   identity; that a public login of another identity is refused along with a
//!   registered user; the default page of `LookupDeveloperIdentity`; that merging two users of
//!   one identity does nothing.

mod connector;
mod disk;
mod document;
mod error;
mod faults;
pub mod front;
mod identity;
mod issuers;
mod jws;
mod linking;
mod logins;
mod operations;
mod paging;
mod pool;
mod protocol;
mod quotas;
mod random;
mod region;
mod reply;
mod role_choice;
mod settings;
mod signature;
mod snapshot;
mod store;
mod sts;
mod time;
mod tokens;
mod xml;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

pub use connector::Connector;
pub use disk::OpenError;
pub use faults::Rules;
use issuers::Issuers;
pub use issuers::{
    Issuer, KeySet, Keys, LoginTokens, MintError, Minted, SamlProvider, SigningKey, Wanted,
    issuer_url, read_issuers, read_saml_metadata,
};
pub use quotas::{Overrides, Quotas};
pub use reply::{HalfBody, Reply};
pub use settings::{Isolation, Settings};
pub use signature::SecretKeys;
pub use snapshot::{RestoreError, SnapshotError};
pub use time::{OutOfRange, Pace};
pub use tokens::KeyUnavailable;

use crate::clock::Clock;
use crate::fetch::Fetch;
use crate::operation::{Effect, Operation};
use disk::Disk;
use faults::Faults;
use quotas::Buckets;
use random::Random;
use signature::Issued;
use store::Store;
use tokens::Signer;

/// The emulator. Share it in an [`Arc`].
pub struct Emulator {
    settings: Settings,
    /// Its own clock, and the one that goes for everybody.
    clock: Clock,
    outside: Clock,
    /// Held while the clock is turned.
    turning: Mutex<()>,
    store: Mutex<Store>,
    disk: Option<Disk>,
    signer: Signer,
    issuers: Issuers,
    key_source: Option<Arc<dyn Fetch>>,
    buckets: Buckets,
    faults: Faults,
    /// The keys of roles that were assumed.
    issued: Issued,
}

/// Shows nothing of the state, which has secrets in it.
impl fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Emulator")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Emulator {
    /// An emulator without a pool, in memory whatever the settings say.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        let store = empty_store(&settings, false);
        let issuers = Issuers::new(&settings);
        let faults = Faults::new(settings.faults.clone(), random(&settings));
        Self {
            clock: settings.pace.clock(&clock),
            outside: clock,
            turning: Mutex::default(),
            settings,
            store: Mutex::new(store),
            disk: None,
            signer: Signer::default(),
            issuers,
            key_source: None,
            buckets: Buckets::default(),
            faults,
            issued: Issued::default(),
        }
    }

    /// An emulator with what its data directory keeps, or one in memory without a
    /// directory.
    pub fn open(settings: Settings, clock: Clock) -> Result<Self, OpenError> {
        let Some(directory) = &settings.data_dir else {
            return Ok(Self::new(settings, clock));
        };
        let (disk, key_file, contents) = Disk::open(directory)?;
        let signer = Signer::kept_in(key_file)?;
        let store = empty_store(&settings, true);
        let store = disk::fill(directory, store, contents)?;
        Ok(Self {
            store: Mutex::new(store),
            disk: Some(disk),
            signer,
            ..Self::new(settings, clock)
        })
    }

    /// The same emulator, with what fetches the keys of login providers. Without it,
    /// tokens of providers whose keys have to be fetched are refused.
    pub fn with_key_source(mut self, source: Arc<dyn Fetch>) -> Self {
        self.key_source = Some(source);
        self
    }

    /// Answers a request in AWS JSON 1.1.
    ///
    /// It waits for the processor and, in operations that write to a data directory, for
    /// the disk. [`Emulator::is_slow`] tells which requests are to be kept off an async
    /// thread. Where [`Emulator::needs_keys`] says so, [`Emulator::prepare`] comes first.
    pub fn handle(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let result = protocol::read(request, &self.settings.default_region)
            .and_then(|request| self.within_quotas(request))
            .and_then(|request| operations::run(self, request));
        protocol::write(result)
    }

    /// Whether a request may take long. Signing a token takes a millisecond, and the first
    /// time a key has to be generated, which takes some hundred; a disk takes its time.
    pub fn is_slow(&self, request: &Request<Bytes>) -> bool {
        protocol::operation(request).is_some_and(|operation| {
            let signs = matches!(
                operation,
                Operation::GetOpenIdToken | Operation::GetOpenIdTokenForDeveloperIdentity
            );
            signs || self.disk.is_some() && operation.effect() != Effect::Read
        })
    }

    /// A panic cannot leave a change half done that matters: every operation checks
    /// first and changes then.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn empty_store(&self) -> Store {
        empty_store(&self.settings, self.disk.is_some())
    }
}

fn empty_store(settings: &Settings, notes_changes: bool) -> Store {
    Store::new(random(settings), notes_changes)
}

fn random(settings: &Settings) -> Random {
    settings.seed.map_or(Random::System, Random::Seeded)
}
