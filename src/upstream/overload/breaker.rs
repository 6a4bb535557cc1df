//! A circuit breaker: what fails again and again is not tried for a while.

use std::time::{Duration, Instant};

use crate::upstream::meter::Circuit;

/// Of calls in this time so many failures, which are at least half of all, open it; so do so
/// many in a row (reference: security, R11).
const SLOTS: usize = 10;
const SLOT: Duration = Duration::from_secs(1);
const FAILURES: u32 = 20;
const IN_A_ROW: u32 = 10;

/// How long it is open the first time, and at most: each time that a probe fails it is twice
/// as long.
const OPEN: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How many calls are made at a time to see how they end, and how many have to end well.
const PROBES: u32 = 5;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// AWS has answered, whatever it said.
    Well,
    /// AWS or the way there has failed.
    Badly,
    /// It was given up, and nothing is known.
    Unknown,
}

/// A call that the breaker let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Usual,
    Probe,
}

/// The breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    slots: [Slot; SLOTS],
    /// The number of the slot that is filled, and when it began.
    slot: usize,
    began: Instant,
    in_a_row: u32,
    open_for: Duration,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { under_way: u32, ended_well: u32 },
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    well: u32,
    badly: u32,
}

impl Breaker {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: State::Closed,
            slots: Default::default(),
            slot: 0,
            began: now,
            in_a_row: 0,
            open_for: OPEN,
        }
    }

    pub(super) fn circuit(&self) -> Circuit {
        match self.state {
            State::Closed => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::HalfOpen { .. } => Circuit::HalfOpen,
        }
    }

    /// Whether a call would be let through; if not, when to ask again.
    pub(super) fn check(&self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Open { until } if now < until => Err(until - now),
            State::HalfOpen { under_way, .. } if under_way >= PROBES => Err(OPEN),
            _ => Ok(()),
        }
    }

    /// Lets a call through, or not.
    pub(super) fn enter(&mut self, now: Instant) -> Result<Pass, Duration> {
        self.check(now)?;
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen {
                under_way: 0,
                ended_well: 0,
            };
        }
        match &mut self.state {
            State::HalfOpen { under_way, .. } => {
                *under_way += 1;
                Ok(Pass::Probe)
            }
            _ => Ok(Pass::Usual),
        }
    }

    /// A call that was let through has ended. Says whether the state has changed.
    pub(super) fn end(&mut self, pass: Pass, ended: Ended, now: Instant) -> bool {
        match (&mut self.state, pass) {
            (State::Closed, _) => self.count(ended, now),
            (
                State::HalfOpen {
                    under_way,
                    ended_well,
                },
                Pass::Probe,
            ) => {
                *under_way = under_way.saturating_sub(1);
                match ended {
                    Ended::Unknown => false,
                    Ended::Badly => {
                        self.open(now, (self.open_for * 2).min(LONGEST));
                        true
                    }
                    Ended::Well => {
                        *ended_well += 1;
                        let is_well = *ended_well >= PROBES;
                        if is_well {
                            *self = Self::new(now);
                        }
                        is_well
                    }
                }
            }
            // It began before the breaker opened, and says nothing of now.
            (State::Open { .. } | State::HalfOpen { .. }, _) => false,
        }
    }

    fn count(&mut self, ended: Ended, now: Instant) -> bool {
        self.go_to(now);
        let Some(slot) = self.slots.get_mut(self.slot) else {
            return false;
        };
        match ended {
            Ended::Unknown => return false,
            Ended::Well => {
                slot.well += 1;
                self.in_a_row = 0;
                return false;
            }
            Ended::Badly => {
                slot.badly += 1;
                self.in_a_row += 1;
            }
        }
        let sum = |of: fn(&Slot) -> u32| self.slots.iter().map(of).sum::<u32>();
        let (well, badly) = (sum(|slot| slot.well), sum(|slot| slot.badly));
        let opens = self.in_a_row >= IN_A_ROW || badly >= FAILURES && badly >= well;
        if opens {
            self.open(now, OPEN);
        }
        opens
    }

    fn open(&mut self, now: Instant, open_for: Duration) {
        *self = Self {
            state: State::Open {
                until: now + open_for,
            },
            open_for,
            ..Self::new(now)
        };
    }

    /// Empties the slots that time has passed over.
    fn go_to(&mut self, now: Instant) {
        for _ in 0..SLOTS {
            if now.saturating_duration_since(self.began) < SLOT {
                return;
            }
            self.began += SLOT;
            self.slot = (self.slot + 1) % SLOTS;
            if let Some(slot) = self.slots.get_mut(self.slot) {
                *slot = Slot::default();
            }
        }
        // Nothing has ended for longer than all of them.
        if now.saturating_duration_since(self.began) >= SLOT {
            self.began = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    struct Bench {
        breaker: Breaker,
        clock: Clock,
    }

    impl Bench {
        fn new() -> Self {
            let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
            Self {
                breaker: Breaker::new(clock.instant()),
                clock,
            }
        }

        /// Whether a call is let through; it ends at once.
        fn call(&mut self, ended: Ended) -> bool {
            let now = self.clock.instant();
            let pass = self.breaker.enter(now);
            if let Ok(pass) = pass {
                self.breaker.end(pass, ended, now);
            }
            pass.is_ok()
        }

        fn opened() -> Self {
            let mut bench = Self::new();
            while bench.call(Ended::Badly) {}
            bench
        }

        fn wait(&self, by: Duration) {
            self.clock.advance(by);
        }
    }

    #[test]
    fn ten_failures_in_a_row_open_it_and_an_answer_in_between_does_not_let_them() {
        let mut bench = Bench::new();
        for _ in 0..9 {
            bench.call(Ended::Badly);
        }
        bench.call(Ended::Well);
        for _ in 0..9 {
            assert!(bench.call(Ended::Badly));
        }
        assert_eq!(bench.breaker.circuit(), Circuit::Closed);

        bench.call(Ended::Badly);

        assert_eq!(bench.breaker.circuit(), Circuit::Open);
        assert_eq!(bench.breaker.check(bench.clock.instant()), Err(OPEN));
    }

    #[test]
    fn twenty_failures_in_ten_seconds_open_it_if_they_are_half_of_all() {
        for (answers, gap, opens) in [
            (1, Duration::ZERO, true),
            (2, Duration::ZERO, false),
            (1, Duration::from_millis(300), true),
            (1, Duration::from_millis(700), false),
        ] {
            let mut bench = Bench::new();
            for _ in 0..30 {
                for _ in 0..answers {
                    bench.call(Ended::Well);
                }
                bench.call(Ended::Badly);
                bench.wait(gap);
            }

            let circuit = bench.breaker.circuit();
            let opened = circuit != Circuit::Closed;
            assert_eq!(opened, opens, "{answers} for each failure, {gap:?} apart");
        }
    }

    #[test]
    fn calls_that_are_given_up_say_nothing() {
        let mut bench = Bench::new();

        for _ in 0..1000 {
            assert!(bench.call(Ended::Unknown));
        }
    }

    #[test]
    fn after_a_second_five_at_a_time_try_it_and_five_good_ends_close_it() {
        let mut bench = Bench::opened();
        bench.wait(OPEN);
        let now = bench.clock.instant();
        let probes: Vec<_> = (0..6).map(|_| bench.breaker.enter(now)).collect();
        assert_eq!(probes[..5], [Ok(Pass::Probe); 5]);
        assert!(probes[5].is_err());

        // One of them is given up, which makes room for another.
        bench.breaker.end(Pass::Probe, Ended::Unknown, now);
        assert_eq!(bench.breaker.enter(now), Ok(Pass::Probe));
        for _ in 0..5 {
            assert_eq!(bench.breaker.circuit(), Circuit::HalfOpen);
            bench.breaker.end(Pass::Probe, Ended::Well, now);
        }

        assert_eq!(bench.breaker.circuit(), Circuit::Closed);
    }

    #[test]
    fn each_failed_probe_opens_it_for_twice_as_long_up_to_half_a_minute() {
        let mut bench = Bench::opened();
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let open = Duration::from_secs(seconds);
            bench.wait(open - Duration::from_millis(1));
            assert!(!bench.call(Ended::Badly), "{seconds} s");
            bench.wait(Duration::from_millis(1));
            assert!(bench.call(Ended::Badly), "{seconds} s");
        }
    }

    #[test]
    fn what_began_before_it_opened_does_not_count() {
        let mut bench = Bench::new();
        let old = bench.breaker.enter(bench.clock.instant()).unwrap();
        while bench.call(Ended::Badly) {}
        bench.wait(OPEN);
        let now = bench.clock.instant();
        bench.breaker.enter(now).unwrap();

        bench.breaker.end(old, Ended::Badly, now);

        assert_eq!(bench.breaker.circuit(), Circuit::HalfOpen);
    }
}
