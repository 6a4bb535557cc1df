//! The emulator's own clock, which a test turns: for tokens that expire, dates of
//! identities and quotas that fill up. What happens outside, signatures of clients and
//! the fetching of keys, goes by the clock that the emulator was given.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::Emulator;
use crate::clock::Clock;

/// What the clock does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// It goes with the one that the emulator was given.
    #[default]
    System,
    /// It stands.
    Manual,
}

/// The years that can be written with four digits, less one for what lies ahead.
const LATEST: Duration = Duration::from_secs(253_370_764_800);

/// A time that the clock cannot show.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock goes from 1970 to 9998")]
pub struct OutOfRange;

impl Pace {
    pub(super) fn clock(self, outside: &Clock) -> Clock {
        match self {
            Self::System => outside.apart(),
            Self::Manual => Clock::manual(outside.now()).apart(),
        }
    }
}

impl Emulator {
    /// What the emulator's clock shows.
    pub fn time(&self) -> SystemTime {
        self.clock.now()
    }

    /// Turns the clock forward.
    pub fn advance_time(&self, by: Duration) -> Result<(), OutOfRange> {
        let _turning = self.turning();
        let to = self.clock.now().checked_add(by).ok_or(OutOfRange)?;
        within_range(to)?;
        self.clock.advance(by);
        Ok(())
    }

    /// Sets the clock, forward or back.
    pub fn set_time(&self, to: SystemTime) -> Result<(), OutOfRange> {
        let _turning = self.turning();
        within_range(to)?;
        self.clock.set(to);
        Ok(())
    }

    /// One at a time: where the clock goes is checked by where it stands.
    fn turning(&self) -> MutexGuard<'_, ()> {
        self.turning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn within_range(time: SystemTime) -> Result<(), OutOfRange> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    match since.is_ok_and(|since| since <= LATEST) {
        true => Ok(()),
        false => Err(OutOfRange),
    }
}
