//! Keys that are fetched from their issuer.
//!
//! * They are fetched at the start, again when the issuer's `max-age` has passed (held
//!   between 5 minutes and an hour, less up to a tenth by chance, so that many
//!   instances do not ask at once), and when a token names a key that is not there.
//! * One fetch is under way at a time, in a task of its own: a caller that hangs up
//!   does not end it. Its slot is taken before it begins, and whatever comes of it, 30
//!   seconds pass before the next one. Strangers with made-up names of keys cannot turn
//!   requests against the issuer; nor does a name that they guess and the issuer has not
//!   published yet keep its key out for longer than that.
//! * Keys are replaced by a good answer only. Without one they are used for 24 hours.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::keys::KeySet;
use crate::clock::Clock;
use crate::fetch::{Document, Fetch, MOST_BYTES};

/// How long an issuer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How long an issuer is left alone.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// The bounds of `max-age`. Without one the least counts, so that keys an issuer takes
/// back do not linger.
const LEAST_AGE: Duration = Duration::from_secs(5 * 60);
const MOST_AGE: Duration = Duration::from_secs(60 * 60);

/// How long keys are used while the issuer does not answer.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// An issuer's keys and their address.
pub(super) struct Provider {
    url: String,
    state: Mutex<State>,
    /// Counts the times that keys were taken away.
    removals: AtomicU64,
    /// Counts the fetches that ended.
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    keys: Arc<KeySet>,
    fetched: Option<Instant>,
    due: Option<Instant>,
    asked: Option<Instant>,
    is_asking: bool,
}

impl Provider {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            state: Mutex::default(),
            removals: AtomicU64::new(0),
            ended: watch::Sender::new(0),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The keys, none where they are older than a day.
    pub(super) fn keys(&self, now: Instant) -> Arc<KeySet> {
        let state = self.state();
        match state.is_fresh(now) {
            true => Arc::clone(&state.keys),
            false => Arc::default(),
        }
    }

    /// Whether there are any. A good answer has at least one.
    pub(super) fn has_keys(&self, now: Instant) -> bool {
        self.state().is_fresh(now)
    }

    /// A number that changes when a key is taken away. What is remembered of the keys
    /// is good as long as it is the same.
    pub(super) fn removals(&self) -> u64 {
        self.removals.load(Ordering::Acquire)
    }

    /// Looks for a key that is not there, by a fetch where one may be made or is under
    /// way; returns when it has ended.
    pub(super) async fn look_for(self: &Arc<Self>, fetch: &Arc<dyn Fetch>, clock: &Clock) {
        let now = clock.instant();
        let (mut ended, is_ours) = {
            let mut state = self.state();
            // Under the lock, so that the end is not missed.
            let ended = self.ended.subscribe();
            let is_ours = state.claim(now);
            if !is_ours && !state.is_asking {
                return;
            }
            (ended, is_ours)
        };
        if is_ours {
            self.ask(fetch, clock);
        }
        // The sender lives as long as `self`.
        let _ = ended.changed().await;
    }

    /// Fetches the keys where it is time for it; returns when that has ended.
    pub(super) async fn refresh(self: &Arc<Self>, fetch: &Arc<dyn Fetch>, clock: &Clock) {
        let now = clock.instant();
        let mut ended = self.ended.subscribe();
        let is_ours = {
            let mut state = self.state();
            state.due.is_none_or(|due| now >= due) && state.claim(now)
        };
        if is_ours {
            self.ask(fetch, clock);
            // The sender lives as long as `self`.
            let _ = ended.changed().await;
        }
    }

    fn ask(self: &Arc<Self>, fetch: &Arc<dyn Fetch>, clock: &Clock) {
        let asking = Asking(Arc::clone(self));
        let (fetch, clock) = (Arc::clone(fetch), clock.clone());
        tokio::spawn(async move {
            let provider = &asking.0;
            let answer = tokio::time::timeout(TIMEOUT, fetch.fetch(&provider.url))
                .await
                .unwrap_or_else(|_| Err("no answer in time".to_owned()));
            provider.take(answer, clock.instant());
        });
    }

    /// Takes an answer that is good; the keys stay as they are with any other.
    fn take(&self, answer: Result<Document, String>, now: Instant) {
        let read = answer.and_then(|document| {
            if document.body.len() > MOST_BYTES {
                return Err(format!("more than {MOST_BYTES} bytes"));
            }
            Ok((KeySet::read(&document.body)?, document.max_age))
        });
        let mut state = self.state();
        match read {
            Ok((keys, max_age)) => {
                if !keys.keeps(&state.keys) {
                    self.removals.fetch_add(1, Ordering::Release);
                }
                state.keys = Arc::new(keys);
                state.fetched = Some(now);
                let age = max_age.unwrap_or(LEAST_AGE).clamp(LEAST_AGE, MOST_AGE);
                state.due = Some(now + age - by_chance(age / 10));
            }
            Err(error) => {
                state.due = Some(now + COOL_DOWN);
                let url = &self.url;
                tracing::warn!(%url, %error, "cannot fetch the keys of an issuer; those at hand stay");
            }
        }
    }

    /// A panic cannot leave the state half changed: nothing in between can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch under way. Whatever becomes of it, those who wait learn of its end.
struct Asking(Arc<Provider>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.state().is_asking = false;
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}

impl State {
    fn is_fresh(&self, now: Instant) -> bool {
        let age = |fetched| now.saturating_duration_since(fetched);
        self.fetched.is_some_and(|fetched| age(fetched) < STALE)
    }

    /// Takes the slot of a fetch, if there may be one.
    fn claim(&mut self, now: Instant) -> bool {
        let rested = |asked| now.saturating_duration_since(asked) >= COOL_DOWN;
        let may_ask = !self.is_asking && self.asked.is_none_or(rested);
        if may_ask {
            self.is_asking = true;
            self.asked = Some(now);
        }
        may_ask
    }
}

/// A span from nothing up to `most`. Without the system's randomness: nothing.
fn by_chance(most: Duration) -> Duration {
    let mut byte = [0];
    match aws_lc_rs::rand::fill(&mut byte) {
        Ok(()) => most * u32::from(u8::from_ne_bytes(byte)) / 255,
        Err(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_taken_once_in_thirty_seconds_and_never_twice_at_a_time() {
        let start = Instant::now();
        let mut state = State::default();

        assert!(state.claim(start));
        assert!(!state.claim(start + COOL_DOWN), "one is under way");
        state.is_asking = false;
        assert!(!state.claim(start + COOL_DOWN - Duration::from_secs(1)));
        assert!(state.claim(start + COOL_DOWN));
    }

    #[test]
    fn chance_keeps_its_bound() {
        let most = Duration::from_secs(360);
        for _ in 0..100 {
            assert!(by_chance(most) <= most);
        }
    }
}
