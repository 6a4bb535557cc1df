//! What goes wrong on purpose: rules that a test sets, so that it sees how its code takes
//! it when AWS throttles, fails, is slow or falls silent.
//!
//! A rule is for some operations, or all. Every rule that a call falls under counts it;
//! delays add up, and the first rule that does anything else decides. With a seed, which
//! calls are hit follows from it and from their order. A call that waits holds no lock.
//!
//! The requests of an SDK in process and those over a socket are hit alike;
//! [`Emulator::handle`](super::Emulator::handle) is below both and knows no faults.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::error::Error;
use super::random::Random;
use crate::operation::Operation;

mod rules;

pub use rules::Rules;
use rules::{Fault, Rule, When};

/// The rules in force.
pub(super) struct Faults {
    rules: Mutex<Vec<Active>>,
    random: Random,
}

/// A rule with what it has seen.
#[derive(Clone)]
struct Active {
    rule: Rule,
    seen: u64,
    hit: u64,
    drawn: u64,
}

/// What becomes of a call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fate {
    pub(super) delay: Duration,
    pub(super) end: End,
}

/// How a call ends.
#[derive(Debug, Default, PartialEq)]
pub(super) enum End {
    #[default]
    Well,
    /// It is refused and changes nothing.
    Refused(Error),
    /// It never arrives.
    RequestLost,
    /// It is done, and the answer never arrives.
    AnswerLost,
    /// It is done, and half of the answer arrives.
    AnswerCut,
}

impl Faults {
    pub(super) fn new(rules: Rules, random: Random) -> Self {
        let faults = Self {
            rules: Mutex::default(),
            random,
        };
        faults.replace(rules);
        faults
    }

    /// Puts rules in the place of those in force; they have seen nothing yet.
    pub(super) fn replace(&self, rules: Rules) {
        let active = |rule| Active {
            rule,
            seen: 0,
            hit: 0,
            drawn: 0,
        };
        *self.rules() = rules.0.into_iter().map(active).collect();
    }

    /// The rules in force, with how many calls each has seen and hit.
    pub(super) fn shown(&self) -> Value {
        // Calls wait for the lock, and the text takes its time.
        let rules = self.rules().clone();
        let shown = rules.iter().map(|active| {
            let mut shown = active.rule.shown();
            shown.insert("seen".to_owned(), json!(active.seen));
            shown.insert("hit".to_owned(), json!(active.hit));
            Value::Object(shown)
        });
        json!({"rules": shown.collect::<Vec<_>>()})
    }

    /// What becomes of the next call of an operation.
    pub(super) fn fate(&self, operation: Operation) -> Fate {
        let mut fate = Fate::default();
        for (place, active) in self.rules().iter_mut().enumerate() {
            if !active.rule.is_for(operation) || !active.strikes(self.random, place) {
                continue;
            }
            let end = match &active.rule.fault {
                Fault::Delay(delay) => {
                    fate.delay = fate.delay.saturating_add(*delay);
                    continue;
                }
                Fault::Refuse(error) => End::Refused(error.clone()),
                Fault::LoseRequest => End::RequestLost,
                Fault::LoseAnswer => End::AnswerLost,
                Fault::CutAnswer => End::AnswerCut,
            };
            if fate.end == End::Well {
                fate.end = end;
            }
        }
        fate
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Active>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    /// Counts a call and tells whether it is hit.
    fn strikes(&mut self, random: Random, place: usize) -> bool {
        self.seen = self.seen.saturating_add(1);
        let strikes = match self.rule.when {
            When::Always => true,
            When::Every(nth) => self.seen.is_multiple_of(nth),
            When::Times(times) => self.seen <= times,
            When::Millionths(likely) => {
                let mut bytes = [0; 8];
                let sequence = format!("fault {place}");
                // Where the system has no random bytes left, nothing is hit.
                random
                    .fill(&sequence, &mut self.drawn, &mut bytes)
                    .is_ok_and(|()| u64::from_be_bytes(bytes) % 1_000_000 < u64::from(likely))
            }
        };
        self.hit = self.hit.saturating_add(u64::from(strikes));
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::error::Kind;

    #[test]
    fn a_rule_strikes_its_operations_as_often_as_it_says() {
        let throttle = json!({"fault": "throttle"});
        for (why, rule, expected) in [
            ("always", json!({}), "xxxxxxxxxx"),
            ("every third", json!({"every": 3}), "..x..x..x."),
            ("the first two", json!({"times": 2}), "xx........"),
            ("never", json!({"probability": 0.0}), ".........."),
            ("surely", json!({"probability": 1.0}), "xxxxxxxxxx"),
            (
                "another operation",
                json!({"operations": ["GetId"]}),
                "..........",
            ),
        ] {
            let faults = faults(&[merged(&throttle, &rule)], Random::System);

            assert_eq!(ten_calls(&faults), expected, "{why}");
        }
    }

    #[test]
    fn with_a_seed_the_same_calls_are_hit_each_time_and_each_rule_has_its_own_luck() {
        let rule = json!({"fault": "throttle", "probability": 0.5});
        let one = ten_calls(&faults(std::slice::from_ref(&rule), Random::Seeded(7)));
        let same = ten_calls(&faults(std::slice::from_ref(&rule), Random::Seeded(7)));
        let other = ten_calls(&faults(&[rule], Random::Seeded(8)));

        assert_eq!(one, same);
        assert_ne!(one, other);
        assert!(one.contains('x') && one.contains('.'), "{one}");
    }

    #[test]
    fn delays_add_up_and_the_first_other_rule_decides() {
        let rules = [
            json!({"fault": "delay", "delay": "1s"}),
            json!({"fault": "error", "code": "InternalErrorException", "every": 2}),
            json!({"fault": "delay", "delay": "20ms"}),
            json!({"fault": "lose-answer"}),
        ];
        let faults = faults(&rules, Random::System);
        let delay = Duration::from_millis(1020);

        let (first, second) = (faults.fate(Operation::GetId), faults.fate(Operation::GetId));

        assert_eq!(
            first,
            Fate {
                delay,
                end: End::AnswerLost
            }
        );
        let refused = Error::new(Kind::InternalError, "Internal error");
        assert_eq!(
            second,
            Fate {
                delay,
                end: End::Refused(refused)
            }
        );
        let shown = faults.shown();
        let counts = |place: usize| {
            (
                &shown["rules"][place]["seen"],
                &shown["rules"][place]["hit"],
            )
        };
        assert_eq!(counts(1), (&json!(2), &json!(1)));
        assert_eq!(counts(3), (&json!(2), &json!(2)));
    }

    fn faults(rules: &[Value], random: Random) -> Faults {
        Faults::new(Rules::of_json(&json!({"rules": rules})).unwrap(), random)
    }

    fn ten_calls(faults: &Faults) -> String {
        let hit = || faults.fate(Operation::DescribeIdentity).end != End::Well;
        (0..10).map(|_| if hit() { 'x' } else { '.' }).collect()
    }

    fn merged(one: &Value, other: &Value) -> Value {
        let mut both = one.as_object().unwrap().clone();
        both.extend(other.as_object().unwrap().clone());
        Value::Object(both)
    }
}
