//! Time, passed in: the system's, or one that a test turns by hand.
//!
//! No other file reads a clock. Wall-clock time is for what leaves the process
//! (dates, token life times); monotonic time is for durations.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
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
    Runtime {
        started: (SystemTime, tokio::time::Instant),
    },
    Apart {
        base: Arc<Clock>,
        moved: Arc<Moved>,
    },
}

/// How far a clock is from the one it goes with.
#[derive(Debug, Default)]
struct Moved {
    wall_micros: AtomicI64,
    /// All ways forward, because monotonic time knows no other.
    forward_micros: AtomicU64,
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

    /// The clock that the timers of the async runtime go by, which a test can pause.
    pub fn of_runtime() -> Self {
        Self(Source::Runtime {
            started: (SystemTime::now(), tokio::time::Instant::now()),
        })
    }

    /// A clock that goes as this one does and can be moved without it.
    pub fn apart(&self) -> Self {
        Self(Source::Apart {
            base: Arc::new(self.clone()),
            moved: Arc::default(),
        })
    }

    /// The wall-clock time.
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Source::System => SystemTime::now(),
            Source::Manual { started, .. } => started.0 + self.advanced(),
            Source::Runtime { started } => started.0 + started.1.elapsed(),
            Source::Apart { base, moved } => {
                let micros = moved.wall_micros.load(Ordering::SeqCst);
                let by = Duration::from_micros(micros.unsigned_abs());
                let there = match micros < 0 {
                    true => base.now().checked_sub(by),
                    false => base.now().checked_add(by),
                };
                there.unwrap_or_else(|| base.now())
            }
        }
    }

    /// The monotonic time.
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::now(),
            Source::Manual { started, .. } => started.1 + self.advanced(),
            Source::Runtime { .. } => tokio::time::Instant::now().into_std(),
            Source::Apart { base, moved } => {
                let micros = moved.forward_micros.load(Ordering::SeqCst);
                let forward = Duration::from_micros(micros);
                let there = base.instant().checked_add(forward);
                there.unwrap_or_else(|| base.instant())
            }
        }
    }

    /// Moves a manual clock, or one that is apart from another, and all its clones,
    /// forward. The clocks of the system and of the runtime cannot be moved.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::System | Source::Runtime { .. } => {}
            Source::Manual { advanced_nanos, .. } => {
                let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
                advanced_nanos.fetch_add(nanos, Ordering::SeqCst);
            }
            Source::Apart { moved, .. } => moved.forward(by),
        }
    }

    /// Sets a clock that is apart from another, and all its clones, to a time; others are
    /// left alone. Monotonic time goes along where that is later.
    pub fn set(&self, to: SystemTime) {
        let Source::Apart { moved, .. } = &self.0 else {
            return;
        };
        match to.duration_since(self.now()) {
            Ok(by) => moved.forward(by),
            Err(back) => {
                let micros = i64::try_from(back.duration().as_micros()).unwrap_or(i64::MAX);
                moved.wall_micros.fetch_sub(micros, Ordering::SeqCst);
            }
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
            Source::System | Source::Runtime { .. } | Source::Apart { .. } => Duration::ZERO,
            Source::Manual { advanced_nanos, .. } => {
                Duration::from_nanos(advanced_nanos.load(Ordering::SeqCst))
            }
        }
    }
}

impl Moved {
    /// What is below a microsecond counts as a whole one, so that nobody is early.
    fn forward(&self, by: Duration) {
        let micros = i64::try_from(by.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX);
        self.wall_micros.fetch_add(micros, Ordering::SeqCst);
        self.forward_micros
            .fetch_add(micros.unsigned_abs(), Ordering::SeqCst);
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

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_the_runtime_goes_as_timers_do() {
        let clock = Clock::of_runtime();
        let (wall, before) = (clock.now(), clock.instant());

        tokio::time::advance(Duration::from_secs(5)).await;

        assert_eq!(clock.instant() - before, Duration::from_secs(5));
        assert_eq!(
            clock.now().duration_since(wall).unwrap(),
            clock.instant() - before
        );
    }

    #[test]
    fn a_clock_apart_goes_with_the_other_and_is_moved_without_it() {
        let base = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(1000));
        let apart = base.apart();
        let clone = apart.clone();
        let before = apart.instant();

        base.advance(Duration::from_secs(1));
        apart.advance(Duration::from_secs(10));
        assert_eq!((base.epoch_seconds(), clone.epoch_seconds()), (1001, 1011));

        clone.set(SystemTime::UNIX_EPOCH + Duration::from_secs(500));
        base.advance(Duration::from_secs(1));
        assert_eq!((base.epoch_seconds(), apart.epoch_seconds()), (1002, 501));
        assert_eq!(apart.instant() - before, Duration::from_secs(12));

        apart.set(SystemTime::UNIX_EPOCH + Duration::from_secs(601));
        assert_eq!(apart.epoch_seconds(), 601);
        assert_eq!(apart.instant() - before, Duration::from_secs(112));
    }
}
