//! The end of the process, in steps, each logged and none without a limit:
//!
//! 1. health says NOT_SERVING;
//! 2. notice: calls are still taken while load balancers learn of it;
//! 3. nothing is accepted, every peer is told to go away;
//! 4. grace: calls under way and writes upstream may end;
//! 5. what is left is cut and counted.
//!
//! A second signal skips to the last step. A peer that is silent, that never ends
//! its request or that never spoke cannot hold the process.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::health::{Health, State};
use super::listen::Serving;
use super::signals::{Signal, Signals};
use crate::clock::Clock;

/// How long a peer without calls may take to acknowledge that it was told to go
/// away. Also covers the last bytes of answers on their way out.
pub(super) const FAREWELL: Duration = Duration::from_secs(2);

/// How long the steps may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long calls are still taken after the first signal.
    pub notice: Duration,
    /// How long calls under way may take to end after the notice.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            notice: Duration::from_secs(5),
            grace: Duration::from_secs(25),
        }
    }
}

/// What was left at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    /// Calls that were cut.
    pub calls_cut: usize,
    /// Writes upstream whose end nobody saw.
    pub writes_cut: usize,
    /// Connections that did not end by themselves.
    pub connections_cut: usize,
    /// Whether something could not be recorded at the end.
    pub unrecorded: bool,
    /// What was not needed of the grace; nothing after a second signal.
    pub grace_left: Duration,
}

impl Outcome {
    /// Whether every call and every write came to its end, and was recorded.
    pub fn is_clean(self) -> bool {
        !self.unrecorded && self.calls_cut == 0 && self.writes_cut == 0
    }
}

/// Goes through the steps. `first` is the signal that began the end; `writes` are
/// the writes upstream that go on when their caller has left.
pub async fn drain(
    settings: &Settings,
    first: Signal,
    signals: &mut Signals,
    health: &Health,
    serving: &Serving,
    writes: &TaskTracker,
) -> Outcome {
    let grace_left = tokio::select! {
        biased;
        signal = signals.next() => {
            tracing::warn!(?signal, "drain: second signal, ending at once");
            health.set(State::Draining).await;
            Duration::ZERO
        }
        left = gently(settings, first, health, serving, writes) => left,
    };
    let outcome = cut(serving, writes).await;
    Outcome {
        grace_left,
        ..outcome
    }
}

/// Gives back what was not needed of the grace.
async fn gently(
    settings: &Settings,
    first: Signal,
    health: &Health,
    serving: &Serving,
    writes: &TaskTracker,
) -> Duration {
    tracing::info!(signal = ?first, "drain: health says NOT_SERVING");
    health.set(State::Draining).await;

    if first == Signal::Terminate && !settings.notice.is_zero() {
        tracing::info!(notice = ?settings.notice, "drain: calls are still taken");
        tokio::time::sleep(settings.notice).await;
    }

    serving.stop();
    writes.close();
    health.end_watches().await;
    tracing::info!(
        grace = ?settings.grace,
        connections = serving.open_connections(),
        calls = serving.open_calls(),
        writes = writes.len(),
        "drain: nothing is accepted; waiting for calls under way"
    );
    let quiet = async {
        serving.calls_ended().await;
        writes.wait().await;
        // A peer that does not even acknowledge has nothing to lose.
        let _ = timeout(FAREWELL, serving.connections_ended()).await;
    };
    // What is left when the time is over is cut and counted next.
    let clock = Clock::of_runtime();
    let began = clock.instant();
    let _ = timeout(settings.grace, quiet).await;
    let took = clock.instant().saturating_duration_since(began);
    settings.grace.saturating_sub(took)
}

async fn cut(serving: &Serving, writes: &TaskTracker) -> Outcome {
    let outcome = Outcome {
        calls_cut: serving.open_calls(),
        writes_cut: writes.len(),
        connections_cut: serving.open_connections(),
        unrecorded: false,
        grace_left: Duration::ZERO,
    };
    serving.cut();
    serving.connections_ended().await;
    let Outcome {
        calls_cut,
        writes_cut,
        connections_cut,
        ..
    } = outcome;
    if outcome.is_clean() {
        tracing::info!(connections_cut, "drain: ended, no call was cut");
    } else {
        tracing::warn!(
            calls_cut,
            writes_cut,
            connections_cut,
            "drain: ended, calls were cut"
        );
    }
    outcome
}

#[cfg(test)]
mod tests;
