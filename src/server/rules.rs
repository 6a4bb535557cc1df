//! Who calls and who may: the engines that say so, opened before anything is served.

use std::sync::Arc;
use std::time::Duration;

use super::http_fetch::HttpFetch;
use super::Parts;
use crate::authn::Authenticator;
use crate::clock::Clock;

/// How long an issuer may take to send its keys (reference: security, T-J4).
const KEYS_TIMEOUT: Duration = Duration::from_secs(3);

/// The engines that every call has to pass.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who calls.
    pub authenticator: Arc<Authenticator>,
}

impl Rules {
    /// Opens the engines. Nothing is fetched yet.
    pub(super) fn open(parts: &Parts, clock: &Clock) -> Self {
        let fetch = Arc::new(HttpFetch::new(KEYS_TIMEOUT));
        let authenticator = Authenticator::new(&parts.authn, clock.clone(), fetch);
        Self {
            authenticator: Arc::new(authenticator),
        }
    }
}
