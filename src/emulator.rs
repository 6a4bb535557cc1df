//! Amazon Cognito Identity in memory: all 23 operations, as a service that speaks
//! AWS JSON 1.1.
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
//!    was given; only identifiers, keys and credentials are random;
//! 3. its tokens are real: whoever has [`Emulator::jwks`] can verify them;
//! 4. nothing it was given is shown in a log or by `Debug`.
//!
//! It has AWS's quotas when they are switched on, and no IAM; of STS it has, over a socket, what the classic
//! flow ends with. Signatures are required where AWS
//! requires them, and verified over a socket when secrets are known; roles need not exist, but have to be roles of the
//! account; credentials look real and open nothing.
//!
//! # Login tokens
//!
//! There are no issuers to ask, so the signature of a provider's token is not
//! verified. Everything else is checked, in the order of the real service: that it is
//! a token, that its issuer is the provider it is passed for, its end (with five
//! minutes of grace), its audience, and that the pool trusts both. Opaque tokens are
//! accepted from Facebook, Amazon and Twitter, and each is a user of its own. SAML
//! assertions are read for the subject and the attributes, not for their conditions.
//! Tokens of the emulator itself *are* verified.
//!
//! # The map
//!
//! `protocol` reads a request and writes an answer, `operations` has a function for
//! each operation, `store` keeps the state under one lock, which is never held while
//! a key is generated or a token is signed. Between them are `logins` (who is it),
//! `linking` (which identity is that), `role_choice` and `tokens`.
//!
//! # Unverified behaviour
//!
//! No public record says how the real service does these things. Each is marked
//! `unverified` where it is decided.
//!
//! * Wire: the texts of `SerializationException`, `UnknownOperationException` and
//!   `InternalErrorException`; that a message is repeated in a header up to a length; the
//!   answers to other methods and paths and to bodies above 2 MiB; the discovery document; the texts that refuse signatures.
//! * STS: that a role's trust policy is the one that AWS's console writes for the pool; that
//!   the caller of `GetCallerIdentity` is the account's root; that roles of rules are the
//!   pool's roles as well; the order of the checks.
//! * Limits: the texts of all limits; how many requests come through at once, and that
//!   malformed ones are not counted; that tags beyond fifty are an invalid parameter;
//!   that too many linked logins are `LimitExceededException` in every operation. The
//!   documented 460 bytes of principal tags in all are not enforced.
//! * Tags: the texts of refused tags; that an ARN of another region is denied; that `UntagResource` passes over keys that are
//!   not there.
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
//!   end of an issuer makes no difference.
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
mod error;
pub mod front;
mod identity;
mod linking;
mod logins;
mod operations;
mod paging;
mod pool;
mod protocol;
mod quotas;
mod region;
mod role_choice;
mod signature;
mod store;
mod sts;
mod tokens;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

pub use connector::Connector;
pub use quotas::{Overrides, Quotas};
pub use signature::SecretKeys;
pub use tokens::KeyUnavailable;

use crate::clock::Clock;
use protocol::WellFormed;
use quotas::Buckets;
use store::Store;
use tokens::Signer;

/// What the emulator has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The AWS account that everything belongs to.
    pub account_id: String,
    /// The region of a request that neither its host nor its signature places.
    pub default_region: String,
    /// The secrets of access keys, which requests over a socket are held against. While
    /// none is known, every signature that is well-formed is good.
    pub secret_keys: SecretKeys,
    /// AWS's quotas, off by default.
    pub quotas: Quotas,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account_id: "123456789012".to_owned(),
            default_region: "us-east-1".to_owned(),
            secret_keys: SecretKeys::default(),
            quotas: Quotas::default(),
        }
    }
}

/// The emulator. Share it in an [`Arc`](std::sync::Arc).
pub struct Emulator {
    settings: Settings,
    clock: Clock,
    store: Mutex<Store>,
    signer: Signer,
    buckets: Buckets,
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
    /// An emulator without a pool.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            settings,
            clock,
            store: Mutex::default(),
            signer: Signer::default(),
            buckets: Buckets::default(),
        }
    }

    /// Answers a request in AWS JSON 1.1.
    ///
    /// It does not wait for anything but the processor. Operations that sign a token
    /// are slow enough, most of all the first one, to be kept off an async thread.
    pub fn handle(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let result = protocol::read(request, &self.settings.default_region)
            .and_then(|request| self.within_quotas(request))
            .and_then(|request| operations::run(self, request));
        protocol::write(result)
    }

    fn within_quotas(&self, request: WellFormed) -> Result<WellFormed, error::Error> {
        let now = self.clock.instant();
        self.buckets
            .take(
                &self.settings.quotas,
                &request.region,
                request.operation,
                now,
            )
            .map(|()| request)
    }

    /// The JSON Web Key Set that verifies the emulator's tokens. Slow the first time.
    ///
    /// There is one key. It has a name in every region that has a pool, and in the
    /// default one.
    pub fn jwks(&self) -> Result<Value, KeyUnavailable> {
        let store = self.store();
        let mut regions = store.regions();
        regions.insert(&self.settings.default_region);
        let regions: Vec<String> = regions.into_iter().map(str::to_owned).collect();
        // Generating the key is slow, so the store is free again by then.
        drop(store);
        self.signer.jwks(regions.iter().map(String::as_str))
    }

    /// A panic cannot leave a change half done that matters: every operation checks
    /// first and changes then.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
