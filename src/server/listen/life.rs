//! How long a connection lives: long-lived ones are sent away now and then, so that load
//! balances and certificates get changed, and idle ones are not kept.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::telemetry::metrics::Ending;

/// How much an age is spread, in thousandths to either side: peers that came together are
/// not to come back together.
const JITTER: u128 = 100;

/// Bounds on the life of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// How old it becomes before its peer is told to go away.
    pub age: Duration,
    /// How long it may have no call under way before its peer is told so.
    pub idle: Duration,
    /// How long calls under way may take to end then.
    pub grace: Duration,
    /// How long its peer may take nothing of what it is owed.
    pub stall: Duration,
}

impl Default for Life {
    /// Reference: security, 4.2.
    fn default() -> Self {
        Self {
            age: Duration::from_secs(1_800),
            idle: Duration::from_secs(300),
            grace: Duration::from_secs(30),
            stall: Duration::from_secs(10),
        }
    }
}

/// Why a connection has lived long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Age,
    Idle,
}

impl Over {
    pub(super) fn ending(self) -> Ending {
        match self {
            Self::Age => Ending::Age,
            Self::Idle => Ending::Idle,
        }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Age => "age",
            Self::Idle => "idle",
        })
    }
}

impl Life {
    /// The same with an age of its own, which `random` chooses.
    pub(super) fn spread(self, random: u128) -> Self {
        let thousandths = 1_000 - JITTER + random % (2 * JITTER + 1);
        let age = self.age.as_millis().saturating_mul(thousandths) / 1_000;
        Self {
            age: Duration::from_millis(u64::try_from(age).unwrap_or(u64::MAX)),
            ..self
        }
    }

    /// Waits until a connection has lived long enough; `calls` are those under way.
    pub(super) async fn over(self, mut calls: watch::Receiver<usize>) -> Over {
        tokio::select! {
            () = sleep(self.age) => Over::Age,
            () = idle(&mut calls, self.idle) => Over::Idle,
        }
    }
}

/// Ends when no call has been under way for this long.
async fn idle(calls: &mut watch::Receiver<usize>, long: Duration) {
    loop {
        if calls.wait_for(|calls| *calls == 0).await.is_err() {
            // The connection has ended, and with it whoever waits here.
            return std::future::pending().await;
        }
        let begun = timeout(long, calls.changed()).await;
        match begun {
            Err(_) => return,
            Ok(Ok(())) => {}
            Ok(Err(_)) => return std::future::pending().await,
        }
    }
}

/// Counts a call as under way while it lives.
#[derive(Debug)]
pub(crate) struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    pub(super) fn new(calls: &watch::Sender<usize>) -> Self {
        // Whoever waits wants to know of the first and of the last, and nothing between.
        calls.send_if_modified(|calls| {
            *calls += 1;
            *calls == 1
        });
        Self(calls.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_if_modified(|calls| {
            *calls = calls.saturating_sub(1);
            *calls == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const LIFE: Life = Life {
        age: Duration::from_secs(1_800),
        idle: Duration::from_secs(300),
        grace: Duration::from_secs(30),
        stall: Duration::from_secs(10),
    };

    #[test]
    fn ages_are_spread_by_a_tenth_to_either_side() {
        let ages: Vec<u64> = (0..1_000)
            .map(|random| LIFE.spread(random).age.as_secs())
            .collect();

        assert_eq!(ages.iter().min(), Some(&1_620));
        assert_eq!(ages.iter().max(), Some(&1_980));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_calls_is_idle_and_one_with_calls_grows_old() {
        let begun = Instant::now();
        let calls = watch::Sender::new(0);
        assert_eq!(LIFE.over(calls.subscribe()).await, Over::Idle);
        assert_eq!(begun.elapsed(), LIFE.idle);

        let begun = Instant::now();
        let call = UnderWay::new(&calls);
        assert_eq!(LIFE.over(calls.subscribe()).await, Over::Age);
        assert_eq!(begun.elapsed(), LIFE.age);
        drop(call);
    }

    #[tokio::test(start_paused = true)]
    async fn each_call_begins_the_idle_time_anew() {
        let begun = Instant::now();
        let calls = watch::Sender::new(0);
        let over = tokio::spawn(LIFE.over(calls.subscribe()));
        for _ in 0..3 {
            sleep(Duration::from_secs(200)).await;
            drop(UnderWay::new(&calls));
        }

        assert_eq!(over.await.unwrap(), Over::Idle);
        assert_eq!(begun.elapsed().as_secs(), 900);
    }
}
