//! What is known of one operation in a region.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::breaker::{Breaker, Ended, Pass};
use super::in_flight::Usual;
use crate::call::Flow;
use crate::upstream::meter::Circuit;

/// How long a call waits until it asks again that finds no place among those that try an
/// operation, and how many of those may be of one caller: otherwise an impatient one could
/// have all of them, and nobody ever find out that it is well.
const ASKS_AGAIN: Duration = Duration::from_secs(1);
const PROBES_OF_CALLER: usize = 2;

/// What is known of an operation.
pub(super) struct Watched {
    pub(super) usual: Usual,
    breaker: Breaker,
    /// When a call was last answered, and who has given up since.
    answered: Option<Instant>,
    gave_up: HashSet<u128>,
    /// How many calls each caller has under way that try it.
    probes: HashMap<u128, usize>,
}

impl Watched {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            usual: Usual::default(),
            breaker: Breaker::new(now),
            answered: None,
            gave_up: HashSet::new(),
            probes: HashMap::new(),
        }
    }

    pub(super) fn circuit(&self) -> Circuit {
        self.breaker.circuit()
    }

    /// Whether a call would be let through; if not, when to ask again.
    pub(super) fn check(&self, flow: Flow, now: Instant) -> Result<(), Duration> {
        self.breaker.check(now)?;
        let own = self.probes.get(&flow.key).copied().unwrap_or_default();
        match flow != Flow::default() && own >= PROBES_OF_CALLER {
            true => Err(ASKS_AGAIN),
            false => Ok(()),
        }
    }

    /// Lets a call through, or not.
    pub(super) fn enter(&mut self, flow: Flow, now: Instant) -> Result<Pass, Duration> {
        self.check(flow, now)?;
        let pass = self.breaker.enter(now)?;
        if pass == Pass::Probe {
            *self.probes.entry(flow.key).or_default() += 1;
        }
        Ok(pass)
    }

    /// A call that was let through has ended. Says whether the state has changed.
    pub(super) fn end(&mut self, flow: Flow, pass: Pass, ended: Ended, now: Instant) -> bool {
        if let (Pass::Probe, Some(own)) = (pass, self.probes.get_mut(&flow.key)) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.probes.remove(&flow.key);
            }
        }
        if ended == Ended::Well {
            self.answered = Some(now);
            self.gave_up.clear();
        }
        self.breaker.end(pass, ended, now)
    }

    /// Somebody has given up a call after a long time. Whether that says something of AWS: not
    /// if anybody was answered meanwhile, and of each caller once until somebody is. Those that
    /// belong to nobody in particular count each.
    pub(super) fn gave_up(&mut self, flow: Flow, began: Instant) -> bool {
        if self.answered.is_some_and(|at| at >= began) {
            return false;
        }
        flow == Flow::default() || self.gave_up.insert(flow.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// Gives up calls until the breaker opens; how many were that?
    fn give_up(watched: &mut Watched, clock: &Clock, flows: impl Iterator<Item = u128>) -> usize {
        let given_up = flows.map(Flow::of).take_while(|flow| {
            let now = clock.instant();
            let Ok(pass) = watched.enter(*flow, now) else {
                return false;
            };
            clock.advance(Duration::from_millis(10));
            let ended = match watched.gave_up(*flow, now) {
                true => Ended::Badly,
                false => Ended::Unknown,
            };
            watched.end(*flow, pass, ended, clock.instant());
            true
        });
        given_up.count()
    }

    #[test]
    fn one_who_gives_up_again_and_again_opens_nothing_and_ten_do() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut watched = Watched::new(clock.instant());

        assert_eq!(
            give_up(&mut watched, &clock, std::iter::repeat_n(1, 500)),
            500
        );
        assert_eq!(give_up(&mut watched, &clock, 2..500), 9);
        assert_eq!(watched.circuit(), Circuit::Open);
    }

    #[test]
    fn one_who_gives_up_leaves_calls_that_try_it_to_others() {
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let mut watched = Watched::new(clock.instant());
        give_up(&mut watched, &clock, 0..20);
        clock.advance(Duration::from_secs(2));

        let now = clock.instant();
        let passes = (0..10).map_while(|_| watched.enter(Flow::of(1), now).ok());
        let passes: Vec<_> = passes.collect();
        assert_eq!(passes, [Pass::Probe; PROBES_OF_CALLER]);
        for patient in 2..=4 {
            assert_eq!(watched.enter(Flow::of(patient), now), Ok(Pass::Probe));
        }
        for pass in passes {
            watched.end(Flow::of(1), pass, Ended::Unknown, now);
        }
        for patient in 2..=6 {
            if patient > 4 {
                watched.enter(Flow::of(patient), now).unwrap();
            }
            watched.end(Flow::of(patient), Pass::Probe, Ended::Well, now);
        }
        assert_eq!(watched.circuit(), Circuit::Closed);
        assert!(watched.probes.is_empty());
    }
}
