//! When those come back who were refused.
//!
//! Were all of them told the moment at which one more could wait for its turn, all would come
//! then, and all but one would be refused again. So the calls of a caller are told times one
//! after the other, as far apart as its part of the rate has turns.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The latest that anybody is told: who does not wait as told would be told ever later times.
const LATEST: Duration = Duration::from_secs(30);
/// How often those are forgotten whose times have passed, and how many are kept.
const BETWEEN: Duration = Duration::from_millis(100);
const MOST: usize = 10_000;

/// The times that were told.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// Of each caller the next time to be told.
    next: HashMap<u128, Instant>,
    swept: Option<Instant>,
}

impl Promises {
    /// In how long a call that is refused now shall come back, which can be in no less than
    /// `least`, where so many turns are had in a second.
    pub(super) fn make(
        &mut self,
        flow: u128,
        least: Duration,
        rate: Option<f64>,
        now: Instant,
    ) -> Duration {
        self.sweep(now);
        if self.next.len() >= MOST && !self.next.contains_key(&flow) {
            return least;
        }
        let next = self.next.get(&flow).copied().unwrap_or(now);
        let at = next.max(now + least).min(now + LATEST.max(least));
        self.next.insert(flow, at);
        let apart = self.next.len() as f64 / rate.unwrap_or(f64::INFINITY);
        let apart = Duration::try_from_secs_f64(apart).unwrap_or(LATEST);
        self.next.insert(flow, at + apart.min(LATEST));
        at - now
    }

    /// Nobody else wants what this caller has got: what it was told before is void.
    pub(super) fn forget(&mut self, flow: u128) {
        self.next.remove(&flow);
    }

    fn sweep(&mut self, now: Instant) {
        let is_due = |then: Instant| now.saturating_duration_since(then) >= BETWEEN;
        if self.swept.is_none_or(is_due) {
            self.next.retain(|_, next| *next > now);
            self.swept = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn times_of_a_caller_follow_each_other_and_callers_share_the_turns() {
        let now = Clock::manual(std::time::SystemTime::UNIX_EPOCH).instant();
        let mut promises = Promises::default();
        let mut told = |flow| promises.make(flow, millis(40), Some(25.0), now);

        assert_eq!(
            [told(1), told(1), told(1)],
            [millis(40), millis(80), millis(120)]
        );
        assert_eq!([told(2), told(2)], [millis(40), millis(120)]);
        assert_eq!(told(1), millis(160), "told before there was another");
        assert_eq!(told(1), millis(240));
    }

    #[test]
    fn nobody_is_told_to_stay_away_for_long_and_what_has_passed_is_forgotten() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut promises = Promises::default();
        for _ in 0..10_000 {
            let told = promises.make(1, millis(1), Some(0.5), clock.instant());
            assert!(told <= LATEST);
        }
        promises.forget(1);
        let told = promises.make(1, millis(1), Some(0.5), clock.instant());
        assert_eq!(told, millis(1));

        for flow in 0..20_000 {
            promises.make(flow, millis(1), Some(1000.0), clock.instant());
        }
        assert_eq!(promises.next.len(), MOST);
        clock.advance(LATEST * 2);
        promises.make(1, millis(1), Some(1.0), clock.instant());
        assert_eq!(promises.next.len(), 1);
    }
}
