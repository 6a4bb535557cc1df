//! A call that is asked about, step by step: how many are under way, then how often.
//! Whoever keeps what is owed says in between what the call is charged.

use std::sync::Arc;
use std::time::Duration;

use super::in_flight::InFlight;
use super::key::{Key, subject};
use super::limiter::whole_millis;
use super::price::{Charged, Marked, Price, Wait};
use super::ruling::{Admitted, Asked, Decision, Judged, Ruling};
use super::selector::{Counted, Kinds, Selector};
use crate::failure::{Failure, Limited};
use crate::notes::Allowance;

/// A call, and what is asked about it.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) key: Key,
    pub(super) price: Price,
    /// Whether the call is asked about for the first time.
    pub(super) begins: bool,
}

/// A call and the limits of one kind: those in force, or those that are tried.
pub(super) struct Asking<'a> {
    question: Question<'a>,
    at_once: Option<&'a Counted>,
    often: Option<&'a Counted>,
    ruling: Ruling,
}

impl<'a> Asking<'a> {
    /// Counts the call among those under way, before windows are charged, so that a call
    /// that is refused is not charged.
    pub(super) fn begin(
        question: Question<'a>,
        selector: &'a Selector,
        kinds: &'a Kinds,
        in_flight: &Arc<InFlight>,
    ) -> Self {
        let Asked {
            caller, operation, ..
        } = *question.asked;
        let first = |choices| {
            let first = selector.first(choices, caller, operation);
            first.map(Arc::as_ref)
        };
        let mut asking = Self {
            question,
            at_once: first(&kinds.in_flight).filter(|_| question.begins),
            often: first(&kinds.windows),
            ruling: Ruling {
                outcome: Ok(Admitted::default()),
                judged: Vec::new(),
                shared: false,
                allowance: None,
            },
        };
        if let Some(limit) = asking.at_once {
            asking.enter(limit, in_flight);
        }
        asking
    }

    /// What is to be charged: all of it, or none.
    pub(super) fn windows(&self) -> &'a [Marked] {
        match (self.often, &self.ruling.outcome) {
            (Some(limit), Ok(_)) => &limit.windows,
            _ => &[],
        }
    }

    /// The windows have decided, at this price.
    pub(super) fn charged(&mut self, charged: Charged, price: Price) {
        self.ruling.shared |= charged.shared;
        let Some(limit) = self.often else {
            return;
        };
        let Some(Marked { window, shown, .. }) = limit.windows.get(charged.window) else {
            return;
        };
        self.ruling.allowance = Some(Allowance {
            limit: Arc::clone(&limit.name),
            most: window.burst(),
            left: window.left(charged.owed, price.times),
            full_in: Duration::from_nanos(charged.owed),
        });
        let limited = || self.limited(limit, Arc::clone(shown), window.burst());
        let failure = match charged.refused {
            None => return,
            Some(Wait::For(nanos)) => Failure::RateLimited {
                limited: limited(),
                wait: whole_millis(nanos),
            },
            Some(Wait::Forever) => Failure::TooHeavy {
                limited: limited(),
                weight: price.again,
            },
        };
        self.refuse(limit, failure);
    }

    /// Nobody can say what the windows would decide.
    pub(super) fn undecided(&mut self) {
        if let Some(limit) = self.often {
            self.refuse(limit, Failure::LimitsUnavailable);
        }
    }

    /// What came of it all.
    pub(super) fn ruling(self) -> Ruling {
        let Self {
            question,
            at_once,
            often,
            mut ruling,
        } = self;
        if ruling.outcome.is_ok() && question.begins {
            let other = at_once.filter(|one| often.is_none_or(|often| often.name != one.name));
            let limits = often.into_iter().chain(other);
            ruling.judged.extend(limits.map(|limit| Judged {
                limit: Arc::clone(&limit.name),
                decision: Decision::Admitted,
            }));
        }
        ruling
    }

    fn enter(&mut self, limit: &Counted, in_flight: &Arc<InFlight>) {
        let Some((mark, most)) = limit.in_flight else {
            return;
        };
        match InFlight::enter(in_flight, self.question.key, mark, most) {
            Some(permit) => {
                self.ruling.shared |= permit.is_shared();
                if let Ok(admitted) = &mut self.ruling.outcome {
                    admitted.permits.push(permit);
                }
            }
            None => {
                let window = format!("{most} in flight");
                let limited = self.limited(limit, window.into(), most.into());
                self.refuse(limit, Failure::TooManyCalls(limited));
            }
        }
    }

    fn refuse(&mut self, limit: &Counted, failure: Failure) {
        self.ruling.outcome = Err(failure);
        self.ruling.judged.push(Judged {
            limit: Arc::clone(&limit.name),
            decision: Decision::Refused,
        });
    }

    fn limited(&self, limit: &Counted, window: Arc<str>, most: u64) -> Limited {
        let Asked { caller, peer, .. } = *self.question.asked;
        Limited {
            limit: Arc::clone(&limit.name),
            window,
            most,
            subject: subject(caller, peer),
        }
    }
}
