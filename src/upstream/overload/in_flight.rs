//! How many calls may be under way: fewer when answers take longer than they used to.
//!
//! Whoever has some of the places may take another only while a part of that many is free (a
//! dynamic threshold), and writes leave some to all else: a caller alone has three quarters of
//! them, two have two fifths each, and whoever has none finds one, however much a few others
//! ask for. Writes are carried to their end also when nobody waits for them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::call::Flow;
use crate::operation::{Effect, Operation};

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

/// A caller may have so many times as many places as are free.
const TIMES_FREE: usize = 3;
/// One in so many places is kept for what is no write.
const KEPT: usize = 4;

/// The calls under way in a region.
#[derive(Debug)]
pub(super) struct InFlight {
    limit: f64,
    fewest: f64,
    most: f64,
    all: Places,
    writes: Places,
    lowered: Option<Instant>,
}

/// What is asked of a call that wants a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Whose it is.
    pub(super) flow: Flow,
    /// Whether it is carried to its end.
    pub(super) is_write: bool,
}

impl Kind {
    pub(super) fn of(operation: Operation, flow: Flow) -> Self {
        let is_write = operation.effect() == Effect::Write;
        Self { flow, is_write }
    }
}

/// Calls under way, and how many of them are of each caller. Callers are here while they
/// have some.
#[derive(Debug, Default)]
struct Places {
    taken: usize,
    of_flow: HashMap<u128, usize>,
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
            all: Places::default(),
            writes: Places::default(),
            lowered: None,
        }
    }

    pub(super) fn under_way(&self) -> usize {
        self.all.taken
    }

    /// How many may be under way.
    pub(super) fn limit(&self) -> usize {
        // It lies between two small whole numbers.
        self.limit as usize
    }

    /// Whether there is a place for such a call.
    pub(super) fn has_room(&self, kind: Kind) -> bool {
        let limit = self.limit();
        let for_writes = limit - limit / KEPT;
        self.all.has_room(kind.flow, limit)
            && (!kind.is_write || self.writes.has_room(kind.flow, for_writes))
    }

    pub(super) fn enter(&mut self, kind: Kind) {
        self.all.enter(kind.flow);
        if kind.is_write {
            self.writes.enter(kind.flow);
        }
    }

    /// A call has ended that was slow, or was not.
    pub(super) fn end(&mut self, kind: Kind, slow: bool, now: Instant) {
        // A limit that is not used is neither too low nor too high: what is slow then is so
        // for other reasons.
        let is_used = self.all.taken * 2 >= self.limit();
        self.leave(kind);
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
    pub(super) fn leave(&mut self, kind: Kind) {
        self.all.leave(kind.flow);
        if kind.is_write {
            self.writes.leave(kind.flow);
        }
    }
}

impl Places {
    /// Whether one of so many places is left for a call of this caller. Calls of nobody in
    /// particular keep nothing from each other.
    fn has_room(&self, flow: Flow, places: usize) -> bool {
        let own = self.of_flow.get(&flow.key).copied().unwrap_or_default();
        let free = places.saturating_sub(self.taken);
        match flow == Flow::default() {
            true => free > 0,
            false => own < free.saturating_mul(TIMES_FREE),
        }
    }

    fn enter(&mut self, flow: Flow) {
        self.taken += 1;
        *self.of_flow.entry(flow.key).or_default() += 1;
    }

    fn leave(&mut self, flow: Flow) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(own) = self.of_flow.get_mut(&flow.key) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.of_flow.remove(&flow.key);
            }
        }
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

    const ANYBODY: Kind = Kind {
        flow: Flow {
            key: 0,
            class: crate::call::Class::Interactive,
        },
        is_write: false,
    };

    fn kind(key: u128, is_write: bool) -> Kind {
        let flow = Flow::of(key);
        Kind { flow, is_write }
    }

    fn take_all(in_flight: &mut InFlight, kind: Kind) -> usize {
        let places = std::iter::from_fn(|| in_flight.has_room(kind).then(|| in_flight.enter(kind)));
        places.count()
    }

    #[test]
    fn a_caller_alone_has_most_places_and_the_rest_is_left_to_others() {
        let mut in_flight = InFlight::new(16);

        assert_eq!(take_all(&mut in_flight, kind(1, false)), 12);
        assert_eq!(take_all(&mut in_flight, kind(2, false)), 3);
        assert!(in_flight.has_room(kind(3, false)), "it has none");
        in_flight.leave(kind(1, false));
        assert!(
            !in_flight.has_room(kind(1, false)),
            "it has more than others"
        );
        assert!(in_flight.has_room(kind(2, false)));
    }

    #[test]
    fn writes_leave_places_to_reads_and_to_writes_of_others() {
        let mut in_flight = InFlight::new(16);

        assert_eq!(take_all(&mut in_flight, kind(1, true)), 9);
        assert_eq!(take_all(&mut in_flight, kind(2, true)), 3);
        assert_eq!(take_all(&mut in_flight, kind(3, true)), 0);
        assert_eq!(take_all(&mut in_flight, kind(3, false)), 3);
        for (flow, writes) in [(1, 9), (2, 3)] {
            (0..writes).for_each(|_| in_flight.leave(kind(flow, true)));
        }
        assert_eq!(in_flight.all.of_flow.len(), 1, "who has none is not here");
    }

    #[test]
    fn whoever_has_none_finds_a_place_beside_a_few_who_take_all_they_can() {
        for others in 1..=5 {
            let mut in_flight = InFlight::new(16);
            // In turns, and as often as there is room for any of them.
            while (1..=others).any(|flow| in_flight.has_room(kind(flow, false))) {
                for flow in 1..=others {
                    if in_flight.has_room(kind(flow, false)) {
                        in_flight.enter(kind(flow, false));
                    }
                }
            }
            assert!(in_flight.has_room(kind(9, false)), "{others}");
            assert!(in_flight.under_way() >= 12, "{others}");
        }
    }

    #[test]
    fn few_places_are_places_still() {
        for (places, had) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4)] {
            let mut in_flight = InFlight::new(places);
            assert_eq!(take_all(&mut in_flight, kind(1, false)), had, "{places}");
            assert!(take_all(&mut InFlight::new(places), kind(1, true)) > 0);
        }
    }

    #[test]
    fn slow_calls_lower_the_limit_tenfold_and_good_ones_raise_it_again() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut in_flight = InFlight::new(256);
        for _ in 0..FEWEST - 1 {
            in_flight.enter(ANYBODY);
        }
        for _ in 0..40 {
            in_flight.enter(ANYBODY);
            in_flight.end(ANYBODY, true, clock.instant());
            clock.advance(BETWEEN);
        }
        assert_eq!(in_flight.limit(), 256, "one in sixteen is used");

        while in_flight.has_room(ANYBODY) {
            in_flight.enter(ANYBODY);
        }
        while in_flight.under_way() >= FEWEST {
            in_flight.end(ANYBODY, true, clock.instant());
            clock.advance(BETWEEN);
        }
        assert!(
            (FEWEST..=31).contains(&in_flight.limit()),
            "{}",
            in_flight.limit()
        );

        for _ in 0..10_000 {
            in_flight.enter(ANYBODY);
            in_flight.end(ANYBODY, false, clock.instant());
        }

        let raised = in_flight.limit();
        assert!((30..=34).contains(&raised), "twice what is used: {raised}");
    }

    #[test]
    fn slow_calls_that_end_together_lower_it_once() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut in_flight = InFlight::new(100);

        for _ in 0..100 {
            in_flight.enter(ANYBODY);
        }
        for _ in 0..50 {
            in_flight.end(ANYBODY, true, clock.instant());
        }

        assert_eq!(in_flight.limit(), 90);
    }

    #[test]
    fn a_limit_that_is_set_low_stays_there() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut in_flight = InFlight::new(4);
        in_flight.enter(ANYBODY);
        in_flight.end(ANYBODY, true, clock.instant());

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
