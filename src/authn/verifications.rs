//! How many signatures are verified, whoever sends them.
//!
//! A brake for each address stands before this room; a flood from many addresses passes it.
//! This one bounds what all of them cost together. The dearest signatures that are taken
//! cost some 0.2 ms (`benches/callers.rs`), so that all that are verified in a second take
//! less than half of one core.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many in a second (reference: security, T-Q1), and how many at once.
const PER_SECOND: u64 = 2000;
const BURST: u64 = 1000;
/// How long one takes, in nanoseconds.
const INTERVAL: u64 = 1_000_000_000 / PER_SECOND;

/// Lets so many verifications begin. It is the generic cell rate algorithm with one number.
#[derive(Debug)]
pub(super) struct Verifications {
    origin: Instant,
    /// When as many as at once may begin again, in nanoseconds since `origin`.
    free_at: AtomicU64,
}

impl Verifications {
    pub(super) fn new(origin: Instant) -> Self {
        Self {
            origin,
            free_at: AtomicU64::new(0),
        }
    }

    /// Lets one begin, or says how long that takes, in whole milliseconds.
    pub(super) fn begin(&self, now: Instant) -> Result<(), Duration> {
        let now = now.saturating_duration_since(self.origin).as_nanos();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let after = |free_at: u64| {
            let after = free_at.max(now).saturating_add(INTERVAL);
            (after.saturating_sub(now) <= BURST * INTERVAL).then_some(after)
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.free_at.fetch_update(set, fetch, after) {
            Ok(_) => Ok(()),
            Err(free_at) => {
                let owed = free_at.saturating_sub(now) + INTERVAL;
                let wait = owed.saturating_sub(BURST * INTERVAL);
                Err(Duration::from_millis(wait.div_ceil(1_000_000)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn so_many_begin_at_once_and_so_many_in_each_second() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let verifications = Verifications::new(clock.instant());
        let begun = || {
            let tries = (0..10 * PER_SECOND).map(|_| verifications.begin(clock.instant()));
            tries.take_while(Result::is_ok).count()
        };

        assert_eq!(begun(), 1000);
        let wait = verifications.begin(clock.instant()).unwrap_err();
        assert_eq!(wait, Duration::from_millis(1));
        clock.advance(wait);
        assert_eq!(begun(), 2);
        clock.advance(Duration::from_secs(60));
        assert_eq!(begun(), 1000);
    }
}
