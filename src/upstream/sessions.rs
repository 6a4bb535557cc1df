//! Sessions of a target's role: one for each caller, kept and renewed.
//!
//! 1. Whoever needs a session that is being asked for waits for that answer; one request
//!    is made for all of them, and goes on when they have gone.
//! 2. A session is renewed when two thirds of it are over, by the first call that finds it
//!    so, which does not wait. Shortly before its end it is not used any more.
//! 3. After a failure nobody asks again for a moment: who comes meanwhile has the same
//!    failure; and so has every other caller where the service did not answer. No more than a
//!    few ask at a time.
//! 4. A session that AWS does not take is dropped, and not again and again.
//! 5. As many sessions are kept as there is room for. Nothing of them is logged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::clock::Clock;
use crate::failure::Failure;

mod name;
mod role;

pub(super) use role::ask;

/// How many sessions are kept.
const MOST: usize = 10_000;

/// How long nobody asks again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// How many sessions are asked for at a time.
const AT_ONCE: usize = 32;

/// How long before its end a session is not used any more: a call that begins with it may
/// be signed again for as long as calls may take. Of a short one, no more than a quarter.
const EARLY: Duration = Duration::from_secs(60);

/// A session as it was asked for. It has no `Debug`.
pub(super) struct Session {
    pub(super) credentials: Credentials,
    /// How long it lasts from the time when it was asked for.
    pub(super) lasts: Duration,
}

/// Asks for a session of the caller of this name.
pub(super) type Ask =
    dyn Fn(Arc<str>) -> BoxFuture<'static, Result<Session, Failure>> + Send + Sync;

/// The sessions of a role, by the names of their callers.
pub(super) struct Sessions {
    ask: Arc<Ask>,
    clock: Clock,
    kept: Cache<Arc<str>, Arc<Kept>>,
    places: Arc<Semaphore>,
    down: Arc<Down>,
}

/// When asking failed last for reasons that are nobody's in particular, and how.
type Down = Mutex<Option<(Instant, Failure)>>;

#[derive(Default)]
struct Kept(Mutex<State>);

#[derive(Default)]
struct State {
    held: Option<Held>,
    asked: Option<Asked>,
    failed: Option<(Instant, Failure)>,
    /// When AWS had not taken the last one that was dropped for that.
    dropped: Option<Instant>,
}

struct Held {
    credentials: Credentials,
    renewed: Instant,
    ends: Instant,
}

/// An answer to come, for all who wait for it.
type Asked = Shared<BoxFuture<'static, Result<Credentials, Failure>>>;

impl Sessions {
    pub(super) fn new(ask: Box<Ask>, clock: Clock) -> Self {
        Self {
            ask: Arc::from(ask),
            clock,
            kept: Cache::new(MOST),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            down: Arc::default(),
        }
    }

    /// The credentials of a caller's session.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) async fn credentials(&self, caller: &str) -> Result<Credentials, Failure> {
        let kept = self.kept(caller);
        let asked = {
            let mut state = kept.lock();
            let now = self.clock.instant();
            let held = state.held.as_ref().filter(|held| now < held.ends);
            if let Some(held) = held {
                let credentials = held.credentials.clone();
                let is_old = now >= held.renewed;
                if is_old && state.asked.is_none() && state.failure(now).is_none() {
                    state.asked = Some(self.begin(caller, &kept));
                }
                return Ok(credentials);
            }
            match (&state.asked, state.failure(now)) {
                (Some(asked), _) => asked.clone(),
                (None, Some(failure)) => return Err(failure),
                (None, None) => {
                    let asked = self.begin(caller, &kept);
                    state.asked.insert(asked).clone()
                }
            }
        };
        asked.await
    }

    /// Drops a session that AWS does not take any more, unless one of this caller was dropped
    /// a shorter time ago than `at_most_every`. Says whether another one can be had.
    pub(super) fn forget(
        &self,
        caller: &str,
        credentials: &Credentials,
        at_most_every: Duration,
    ) -> bool {
        let Some(kept) = self.kept.get(caller) else {
            return true;
        };
        let mut state = kept.lock();
        let is_held = |held: &Held| {
            let key = held.credentials.access_key_id();
            key == credentials.access_key_id()
        };
        if !state.held.as_ref().is_some_and(is_held) {
            return true;
        }
        let now = self.clock.instant();
        let since = |then| now.saturating_duration_since(then);
        if state
            .dropped
            .map(since)
            .is_some_and(|it| it < at_most_every)
        {
            return false;
        }
        state.held = None;
        state.dropped = Some(now);
        true
    }

    fn kept(&self, caller: &str) -> Arc<Kept> {
        if let Some(kept) = self.kept.get(caller) {
            return kept;
        }
        let made = self
            .kept
            .get_or_insert_with(&Arc::from(caller), || Ok::<_, Failure>(Arc::default()));
        made.unwrap_or_default()
    }

    /// Asks in a task of its own, which outlives those who wait.
    fn begin(&self, caller: &str, kept: &Arc<Kept>) -> Asked {
        let (clock, kept) = (self.clock.clone(), Arc::clone(kept));
        let (places, down) = (Arc::clone(&self.places), Arc::clone(&self.down));
        let (ask, caller) = (Arc::clone(&self.ask), Arc::from(caller));
        let task = async move {
            // It is never closed.
            let _place = places.acquire_owned().await;
            let began = clock.instant();
            // It may have turned out while this one waited for its place.
            let known = recent(&lock(&down), began).cloned();
            let answer = match known {
                Some(known) => Err(known),
                None => {
                    let asking = std::panic::AssertUnwindSafe(ask(caller));
                    let answer = asking.catch_unwind().await;
                    let answer =
                        answer.unwrap_or_else(|_| Err(failed("asking for a session panicked")));
                    let now = clock.instant();
                    match &answer {
                        Ok(_) => *lock(&down) = None,
                        Err(failure @ Failure::RoleUnavailable { .. }) => {
                            *lock(&down) = Some((now, failure.clone()));
                        }
                        Err(_) => {}
                    }
                    answer.map_err(|failure| (now, failure))
                }
            };
            let mut state = kept.lock();
            state.asked = None;
            match answer {
                Ok(session) => {
                    let held = Held::new(session, began);
                    let credentials = held.credentials.clone();
                    state.held = Some(held);
                    state.failed = None;
                    Ok(credentials)
                }
                // Its time is when somebody was asked: what others found out puts off nobody's
                // next try any longer.
                Err((at, failure)) => {
                    state.failed = Some((at, failure.clone()));
                    Err(failure)
                }
            }
        };
        let task = tokio::spawn(task.in_current_span());
        let ended = async move {
            let ended = task.await;
            ended.unwrap_or_else(|_| Err(failed("asking for a session was cut")))
        };
        ended.boxed().shared()
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    /// The last failure, where it was a moment ago.
    fn failure(&self, now: Instant) -> Option<Failure> {
        recent(&self.failed, now).map(|(_, failure)| failure.clone())
    }
}

/// A failure and its time, where it was a moment ago.
fn recent(failed: &Option<(Instant, Failure)>, now: Instant) -> Option<&(Instant, Failure)> {
    let is_recent = |at: &Instant| now.saturating_duration_since(*at) < PAUSE;
    failed.as_ref().filter(|(at, _)| is_recent(at))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    fn new(session: Session, began: Instant) -> Self {
        let Session { credentials, lasts } = session;
        Self {
            credentials,
            renewed: began + lasts * 2 / 3,
            ends: began + lasts.saturating_sub(EARLY.min(lasts / 4)),
        }
    }
}

fn failed(cause: &str) -> Failure {
    Failure::Internal {
        cause: cause.to_owned(),
    }
}

#[cfg(test)]
mod tests;
