//! Time, passed in: the system's, or one that a test turns by hand.
//!
//! No other file reads a clock. Wall-clock time is for what leaves the process
//! (dates, token life times); monotonic time is for durations.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A source of time. Cheap to clone; clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual {
        started: (SystemTime, Instant),
        advanced_nanos: Arc<AtomicU64>,
    },
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: SystemTime) -> Self {
        Self(Source::Manual {
            started: (start, Instant::now()),
            advanced_nanos: Arc::default(),
        })
    }

    /// The wall-clock time.
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Source::System => SystemTime::now(),
            Source::Manual { started, .. } => started.0 + self.advanced(),
        }
    }

    /// The monotonic time.
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::now(),
            Source::Manual { started, .. } => started.1 + self.advanced(),
        }
    }

    /// Moves a manual clock, and all its clones, forward. The system's clock
    /// cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual { advanced_nanos, .. } = &self.0 {
            let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            advanced_nanos.fetch_add(nanos, Ordering::SeqCst);
        }
    }

    /// Seconds since the Unix epoch; 0 before it.
    pub fn epoch_seconds(&self) -> u64 {
        self.now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    fn advanced(&self) -> Duration {
        match &self.0 {
            Source::System => Duration::ZERO,
            Source::Manual { advanced_nanos, .. } => {
                Duration::from_nanos(advanced_nanos.load(Ordering::SeqCst))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_it_is_advanced_and_all_its_clones_with_it() {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(100));
        let clone = clock.clone();
        let before = clone.instant();

        clock.advance(Duration::from_secs(5));

        assert_eq!(clone.epoch_seconds(), 105);
        assert_eq!(clone.instant() - before, Duration::from_secs(5));
    }
}
