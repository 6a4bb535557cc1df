//! How many calls may be under way: fewer when answers take longer than they used to.

use std::time::{Duration, Instant};

/// The fewest that may be under way, if no fewer are set.
const FEWEST: usize = 16;
/// What is left of the limit when a call was slow, and how soon it is lowered again.
const LOWERED: f64 = 0.9;
const BETWEEN: Duration = Duration::from_millis(100);

/// A call is slow that takes so many times as long as usual, and so much longer.
const TIMES: u32 = 4;
const LONGER: Duration = Duration::from_millis(50);
/// How long it takes, in seconds, until what is usual has followed calls that are not slow,
/// and those that are.
const FOLLOWS: f64 = 5.0;
const FOLLOWS_SLOW: f64 = 600.0;
/// The most that one call counts.
const MOST: f64 = 0.1;

/// The calls under way in a region.
#[derive(Debug)]
pub(super) struct InFlight {
    limit: f64,
    fewest: f64,
    most: f64,
    under_way: usize,
    lowered: Option<Instant>,
}

/// How long calls of one operation take.
#[derive(Debug, Default)]
pub(super) struct Usual(Option<Known>);

#[derive(Debug)]
struct Known {
    seconds: f64,
    at: Instant,
}

impl InFlight {
    /// At most so many.
    pub(super) fn new(most: usize) -> Self {
        Self {
            limit: most as f64,
            fewest: FEWEST.min(most) as f64,
            most: most as f64,
            under_way: 0,
            lowered: None,
        }
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// How many may be under way.
    pub(super) fn limit(&self) -> usize {
        // It lies between two small whole numbers.
        self.limit as usize
    }

    pub(super) fn is_full(&self) -> bool {
        self.under_way >= self.limit()
    }

    pub(super) fn enter(&mut self) {
        self.under_way += 1;
    }

    /// A call has ended that was slow, or was not.
    pub(super) fn end(&mut self, slow: bool, now: Instant) {
        // A limit that is not used is neither too low nor too high: what is slow then is so
        // for other reasons.
        let is_used = self.under_way * 2 >= self.limit();
        self.under_way = self.under_way.saturating_sub(1);
        if !slow {
            if is_used {
                self.limit = (self.limit + 1.0 / self.limit).min(self.most);
            }
            return;
        }
        if !is_used {
            return;
        }
        let is_new = |then: Instant| now.saturating_duration_since(then) >= BETWEEN;
        if self.lowered.is_none_or(is_new) {
            self.limit = (self.limit * LOWERED).max(self.fewest);
            self.lowered = Some(now);
        }
    }

    /// A call has ended that says nothing.
    pub(super) fn leave(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

impl Usual {
    /// Whether a call that took so long was slow.
    pub(super) fn is_slow(&self, took: Duration) -> bool {
        self.0.as_ref().is_some_and(|usual| {
            let usual = Duration::try_from_secs_f64(usual.seconds).unwrap_or(Duration::MAX);
            took > usual.saturating_mul(TIMES).saturating_add(LONGER)
        })
    }

    /// A call was answered.
    pub(super) fn learn(&mut self, took: Duration, now: Instant) {
        let follows = match self.is_slow(took) {
            true => FOLLOWS_SLOW,
            false => FOLLOWS,
        };
        let seconds = took.as_secs_f64();
        let usual = self.0.get_or_insert(Known { seconds, at: now });
        let since = now.saturating_duration_since(usual.at).as_secs_f64();
        usual.seconds += (seconds - usual.seconds) * (since / follows).min(MOST);
        usual.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn slow_calls_lower_the_limit_tenfold_and_good_ones_raise_it_again() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut in_flight = InFlight::new(256);
        for _ in 0..FEWEST - 1 {
            in_flight.enter();
        }
        for _ in 0..40 {
            in_flight.enter();
            in_flight.end(true, clock.instant());
            clock.advance(BETWEEN);
        }
        assert_eq!(in_flight.limit(), 256, "one in sixteen is used");

        while !in_flight.is_full() {
            in_flight.enter();
        }
        while in_flight.under_way() >= FEWEST {
            in_flight.end(true, clock.instant());
            clock.advance(BETWEEN);
        }
        assert!(
            (FEWEST..=31).contains(&in_flight.limit()),
            "{}",
            in_flight.limit()
        );

        for _ in 0..10_000 {
            in_flight.enter();
            in_flight.end(false, clock.instant());
        }

        let raised = in_flight.limit();
        assert!((30..=34).contains(&raised), "twice what is used: {raised}");
    }

    #[test]
    fn slow_calls_that_end_together_lower_it_once() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut in_flight = InFlight::new(100);

        for _ in 0..100 {
            in_flight.enter();
        }
        for _ in 0..50 {
            in_flight.end(true, clock.instant());
        }

        assert_eq!(in_flight.limit(), 90);
    }

    #[test]
    fn a_limit_that_is_set_low_stays_there() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut in_flight = InFlight::new(4);
        in_flight.enter();
        in_flight.end(true, clock.instant());

        assert_eq!(in_flight.limit(), 4);
    }

    #[test]
    fn what_is_slow_is_told_from_what_is_usual() {
        let mut usual = Usual::default();
        let millis = Duration::from_millis;
        assert!(!usual.is_slow(millis(5000)), "nothing is known");
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let learn = |usual: &mut Usual, took, seconds: u32| {
            for _ in 0..seconds * 100 {
                clock.advance(millis(10));
                usual.learn(millis(took), clock.instant());
            }
        };
        learn(&mut usual, 50, 30);
        assert!(!usual.is_slow(millis(249)));
        assert!(usual.is_slow(millis(252)));

        learn(&mut usual, 1000, 60);
        assert!(usual.is_slow(millis(1000)), "a minute is not the rule");
        learn(&mut usual, 1000, 300);
        assert!(!usual.is_slow(millis(1100)), "but what stays so is");
    }
}
