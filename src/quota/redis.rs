//! What callers owe, kept in Redis for several replicas together.
//!
//! A call is decided by one script in one round trip, by the server's clock. When Redis
//! does not answer within a time limit, or with an error, whoever asks is told so at once and
//! decides alone. After five failures in a row, or one that lasts, Redis is left alone; it
//! is tried every second apart from calls, so that none waits for it.

mod cause;
mod connection;
mod script;
mod settings;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use self::cause::{Cause, Kind};
use self::connection::{Connection, Link};
use self::script::Script;
use super::key::Key;
use super::price::{Marked, Price};
use super::window::Window;
use crate::clock::Clock;

pub(super) use self::script::{Charge, Reckoned};
pub use self::settings::RedisSettings;

/// How long Redis is left alone before it is tried again (reference: security, 4.4).
const PAUSE: Duration = Duration::from_secs(1);

/// Where it is counted how Redis fares.
pub trait StoreMeter: Send + Sync + 'static {
    /// Decisions are shared, and failures are told by these reasons.
    fn store(&self, reasons: &[&'static str]);
    /// It has decided in this time.
    fn store_answered(&self, took: Duration);
    /// So many of its values were none of ours, or said what cannot be, and were replaced.
    fn store_damaged(&self, values: u64);
    /// It has not, for this reason.
    fn store_failed(&self, reason: &'static str);
    /// Whether it is left alone.
    fn store_degraded(&self, degraded: bool);
    /// A call was decided without it: `local`, or `denied`.
    fn store_missed(&self, decision: &'static str);
}

/// Redis, as far as it can be reached.
pub struct Redis {
    settings: RedisSettings,
    clock: Clock,
    meter: Arc<dyn StoreMeter>,
    script: Script,
    /// Nothing while it is left alone.
    link: ArcSwapOption<Link>,
    /// Why the last connection is not used any more.
    broken: Mutex<Option<Cause>>,
    breaks: Notify,
}

/// Redis has not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unavailable;

impl Redis {
    /// Nothing is sent before [`keep_connected`](Self::keep_connected) runs.
    pub fn new(settings: &RedisSettings, clock: &Clock, meter: Arc<dyn StoreMeter>) -> Self {
        Self::with_script(settings, clock, meter, Script::new())
    }

    /// By a time in nanoseconds that a test sets, in place of the server's.
    #[cfg(test)]
    pub(super) fn by(
        settings: &RedisSettings,
        clock: &Clock,
        meter: Arc<dyn StoreMeter>,
        time: Arc<std::sync::atomic::AtomicU64>,
    ) -> Self {
        Self::with_script(settings, clock, meter, Script::by(time))
    }

    fn with_script(
        settings: &RedisSettings,
        clock: &Clock,
        meter: Arc<dyn StoreMeter>,
        script: Script,
    ) -> Self {
        meter.store(&Kind::ALL.map(Kind::word));
        meter.store_degraded(true);
        Self {
            settings: settings.clone(),
            clock: clock.clone(),
            meter,
            script,
            link: ArcSwapOption::empty(),
            broken: Mutex::default(),
            breaks: Notify::new(),
        }
    }

    /// Connects, and connects again whenever that is needed, for ever.
    pub async fn keep_connected(&self) {
        let mut told = None;
        loop {
            match self.connect().await {
                Ok(link) => {
                    self.link.store(Some(Arc::new(link)));
                    self.meter.store_degraded(false);
                    tracing::info!("Redis counts callers for all replicas");
                    self.breaks.notified().await;
                    let cause = take(&self.broken);
                    // A connection that is lost may be had again at once.
                    if cause.as_ref().is_none_or(|cause| !cause.kind.lasts()) {
                        sleep(PAUSE).await;
                    }
                    told = cause;
                }
                Err(cause) => {
                    self.meter.store_failed(cause.kind.word());
                    if told.as_ref() != Some(&cause) {
                        warn(&cause);
                        told = Some(cause);
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Charges a call, if Redis answers in time.
    pub(super) async fn charge(&self, charge: &Charge<'_>) -> Result<Reckoned, Unavailable> {
        let Some(link) = self.link.load_full() else {
            return Err(Unavailable);
        };
        let began = self.clock.instant();
        let mut connection = link.connection.clone();
        let charging = self.script.charge(&mut connection, charge);
        let cause = match timeout(self.settings.timeout, charging).await {
            Ok(Ok(reckoned)) => {
                link.answered();
                let took = self.clock.instant().saturating_duration_since(began);
                self.meter.store_answered(took);
                if reckoned.damaged > 0 {
                    self.meter.store_damaged(reckoned.damaged);
                }
                return Ok(reckoned);
            }
            Ok(Err(error)) => Cause::of(&error),
            Err(_) => Cause::new(Kind::Timeout),
        };
        self.meter.store_failed(cause.kind.word());
        if link.failed(cause.kind.lasts()) {
            self.link.store(None);
            self.meter.store_degraded(true);
            warn(&cause);
            *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
            self.breaks.notify_one();
        }
        Err(Unavailable)
    }

    /// A call was decided without it.
    pub(super) fn missed(&self, decision: &'static str) {
        self.meter.store_missed(decision);
    }

    /// A connection that has decided in time, and has written.
    async fn connect(&self) -> Result<Link, Cause> {
        let settings = self.settings.clone();
        // Anew each time, because a password may have been replaced.
        let target = tokio::task::spawn_blocking(move || settings.target()).await;
        let Ok(Ok(target)) = target else {
            return Err(Cause::new(Kind::Settings));
        };
        let connecting = async {
            let mut connection = Connection::open(&target).await?;
            // The first time the script may have to be sent.
            self.probe(&mut connection).await?;
            Ok(connection)
        };
        let late = |_| Cause::new(Kind::Timeout);
        let connected = timeout(settings::CONNECTING, connecting).await;
        let mut connection = connected
            .map_err(late)?
            .map_err(|error: redis::RedisError| Cause::of(&error))?;
        let probing = timeout(self.settings.timeout, self.probe(&mut connection)).await;
        probing.map_err(late)?.map_err(|error| Cause::of(&error))?;
        Ok(Link::new(connection))
    }

    /// A call of nobody, which is charged a millisecond.
    async fn probe(&self, connection: &mut Connection) -> redis::RedisResult<()> {
        let window = Marked {
            mark: Key(0),
            window: Window::per_second(1_000, 1_000_000),
            shown: "probe".into(),
        };
        let charge = Charge {
            key: Key(0),
            groups: [std::slice::from_ref(&window), &[]],
            price: Price::of(1),
            known: &[],
        };
        self.script.charge(connection, &charge).await.map(drop)
    }
}

fn warn(cause: &Cause) {
    tracing::warn!(
        reason = %cause,
        "Redis does not count callers; each replica counts alone until it does"
    );
}

fn take(broken: &Mutex<Option<Cause>>) -> Option<Cause> {
    broken.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Redis").finish_non_exhaustive()
    }
}
