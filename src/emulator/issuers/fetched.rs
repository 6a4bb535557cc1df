//! Keys that are fetched from their provider.
//!
//! They are fetched when a token needs them, before the state is locked: the first
//! time, when the token names a key that is not there, and when an hour has passed.
//! Whatever came of it, thirty seconds pass before the provider is asked again, so
//! that tokens made up by a stranger cannot turn requests against the provider.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use serde::Deserialize;

use super::{Issuers, KeySet};
use crate::clock::Clock;
use crate::emulator::{Emulator, protocol};
use crate::fetch::Fetch;
use crate::operation::Operation;

/// How old keys may get.
const REFRESH: Duration = Duration::from_secs(3600);

/// How long a provider is left alone.
const COOL_DOWN: Duration = Duration::from_secs(30);

pub(super) struct Fetched {
    url: String,
    state: Mutex<State>,
    /// Held while the provider is asked, so that one asks for all who wait.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: KeySet,
    fetched: Option<Instant>,
    asked: Option<Instant>,
}

impl Fetched {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn verify(&self, token: &str) -> bool {
        self.state().keys.verify(token)
    }

    /// Asks the provider where that is due for a token that names this key.
    async fn refresh(&self, key_id: Option<&str>, source: &dyn Fetch, clock: &Clock) {
        if !self.is_due(key_id, clock.instant()) {
            return;
        }
        let _asking = self.asking.lock().await;
        if !self.is_due(key_id, clock.instant()) {
            return;
        }
        let answer = source.fetch(&self.url).await.and_then(|document| {
            let json = serde_json::from_slice(&document.body).map_err(|error| error.to_string())?;
            KeySet::of_json(&json)
        });
        let now = clock.instant();
        let mut state = self.state();
        state.asked = Some(now);
        match answer {
            Ok(keys) => {
                state.keys = keys;
                state.fetched = Some(now);
            }
            // The old keys stay: they verified what they verify a moment ago.
            Err(error) => {
                tracing::warn!(url = %self.url, %error, "cannot fetch the keys of a login provider");
            }
        }
    }

    fn is_due(&self, key_id: Option<&str>, now: Instant) -> bool {
        let state = self.state();
        let older = |than: Duration, then: Instant| now.saturating_duration_since(then) >= than;
        let rested = state.asked.is_none_or(|asked| older(COOL_DOWN, asked));
        let stale = state.fetched.is_none_or(|fetched| older(REFRESH, fetched));
        rested && (stale || !state.keys.has(key_id))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "Logins")]
    logins: BTreeMap<String, String>,
}

impl Emulator {
    /// Whether the answer to a request may need keys that have to be fetched. Such a
    /// request is given to [`Emulator::prepare`] first.
    pub fn needs_keys<Body>(&self, request: &Request<Body>) -> bool {
        self.key_source.is_some()
            && self.issuers.fetches()
            && matches!(
                protocol::operation(request),
                Some(
                    Operation::GetId
                        | Operation::GetOpenIdToken
                        | Operation::GetCredentialsForIdentity
                        | Operation::GetOpenIdTokenForDeveloperIdentity
                        | Operation::UnlinkIdentity
                )
            )
    }

    /// Fetches the keys that the login tokens of a request need.
    pub async fn prepare(&self, request: &Request<Bytes>) {
        let Some(source) = self.key_source.as_deref() else {
            return;
        };
        // What is not well-formed is refused later, and needs no keys.
        let Ok(body) = serde_json::from_slice::<Body>(request.body()) else {
            return;
        };
        for (provider, token) in &body.logins {
            self.issuers
                .refresh(provider, token, source, &self.outside)
                .await;
        }
    }
}

impl Issuers {
    async fn refresh(&self, provider: &str, token: &str, source: &dyn Fetch, clock: &Clock) {
        let Some(fetched) = self.fetched(provider) else {
            return;
        };
        if let Ok(header) = jsonwebtoken::decode_header(token) {
            fetched.refresh(header.kid.as_deref(), source, clock).await;
        }
    }
}
