//! Asks the limits about calls.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::in_flight::{InFlight, Permit};
use super::key::{Key, Keys, subject};
use super::limits::Limits;
use super::selector::{Counted, Kinds, Selector};
use super::table::{CAPACITY, Marked, Price, Table, Wait};
use super::window::nanos;
use crate::caller::Caller;
use crate::failure::{Failure, Limited};
use crate::notes::Allowance;
use crate::operation::Operation;

/// The limits in force, which can be replaced while calls are counted, and what callers
/// have consumed of them.
pub struct Limiter {
    selector: ArcSwap<Selector>,
    keys: Keys,
    table: Table,
    in_flight: Arc<InFlight>,
    origin: Instant,
}

/// A call that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// From where; it counts where nobody has to say who calls.
    pub peer: IpAddr,
    /// What it does.
    pub operation: Operation,
    /// When it came, by the monotonic clock.
    pub at: Instant,
}

/// What the limits make of a call.
#[derive(Debug)]
pub struct Ruling {
    /// Whether it is admitted.
    pub outcome: Result<Admitted, Failure>,
    /// What each limit that counts has decided.
    pub judged: Vec<Judged>,
    /// Whether there was no room for the caller, so that it was counted with others.
    pub shared: bool,
    /// What is left to the caller of its limit, whatever came of the call; of several
    /// windows it is the one with the least. Nothing where none was asked.
    pub allowance: Option<Allowance>,
}

/// A call that is admitted.
#[derive(Debug, Default)]
pub struct Admitted {
    /// The call is under way for as long as these live.
    pub permits: Vec<Permit>,
}

/// What a limit has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The limit.
    pub limit: Arc<str>,
    /// What it decided.
    pub decision: Decision,
}

/// What a limit decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The call is admitted.
    Admitted,
    /// It is refused.
    Refused,
    /// It would be admitted if the limit were in force.
    ShadowAdmitted,
    /// It would be refused if the limit were in force.
    ShadowRefused,
}

impl Limiter {
    /// Counts from `origin` on, which is a time of the monotonic clock.
    pub fn new(limits: &Limits, origin: Instant) -> Self {
        Self::with_capacity(limits, origin, CAPACITY)
    }

    /// The same with room for so many keys.
    pub(super) fn with_capacity(limits: &Limits, origin: Instant, capacity: usize) -> Self {
        let keys = Keys::default();
        Self {
            selector: ArcSwap::from_pointee(Selector::new(limits, &keys)),
            keys,
            table: Table::new(capacity),
            in_flight: Arc::default(),
            origin,
        }
    }

    /// Puts other limits in force. What callers have consumed of limits that keep their
    /// name, by windows that keep their unit, stays consumed.
    pub fn reload(&self, limits: &Limits) {
        let selector = Selector::new(limits, &self.keys);
        self.selector.store(Arc::new(selector));
    }

    /// Asks about a call that weighs at least so much. It is charged if it is admitted.
    pub fn admit(&self, asked: &Asked<'_>, weight: u32) -> Ruling {
        let price = Price {
            now: weight,
            again: weight,
        };
        self.rule(asked, price, true)
    }

    /// Asks once more about a call that was admitted with a weight of `charged` and is
    /// found to weigh more. The rest is charged if it is admitted; what was charged before
    /// stays charged. Only limits that refuse are among those that have
    /// [judged](Ruling::judged): that they admit the call was told before.
    pub fn admit_rest(&self, asked: &Asked<'_>, charged: u32, weight: u32) -> Ruling {
        let price = Price {
            now: weight.saturating_sub(charged),
            again: weight,
        };
        self.rule(asked, price, false)
    }

    /// Forgets keys that owe nothing at this time. How many are left?
    pub fn sweep(&self, now: Instant) -> usize {
        self.table.sweep(self.nanos(now))
    }

    /// How many bytes the table of keys takes.
    pub fn table_bytes(&self) -> usize {
        self.table.bytes()
    }

    fn rule(&self, asked: &Asked<'_>, price: Price, begins: bool) -> Ruling {
        let selector = self.selector.load();
        let key = self.keys.of(asked.caller, asked.peer);
        let one = |kinds| Asking {
            limiter: self,
            selector: &selector,
            kinds,
            asked,
            key,
            price,
            begins,
        };
        let shadow = one(&selector.shadow).answer();
        let mut ruling = one(&selector.enforced).answer();
        let tried = shadow.judged.into_iter().map(|Judged { limit, decision }| {
            let decision = match decision {
                Decision::Refused | Decision::ShadowRefused => Decision::ShadowRefused,
                Decision::Admitted | Decision::ShadowAdmitted => Decision::ShadowAdmitted,
            };
            Judged { limit, decision }
        });
        ruling.judged.extend(tried);
        if let (Ok(admitted), Ok(tried)) = (&mut ruling.outcome, shadow.outcome) {
            admitted.permits.extend(tried.permits);
        }
        ruling
    }

    fn nanos(&self, at: Instant) -> u64 {
        nanos(self.origin, at)
    }
}

/// A call and the limits of one kind: those in force, or those that are tried.
struct Asking<'a> {
    limiter: &'a Limiter,
    selector: &'a Selector,
    kinds: &'a Kinds,
    asked: &'a Asked<'a>,
    key: Key,
    price: Price,
    /// Whether the call is asked about for the first time.
    begins: bool,
}

impl Asking<'_> {
    fn answer(&self) -> Ruling {
        let (caller, operation) = (self.asked.caller, self.asked.operation);
        let first = |choices| self.selector.first(choices, caller, operation);
        let mut ruling = Ruling {
            outcome: Ok(Admitted::default()),
            judged: Vec::new(),
            shared: false,
            allowance: None,
        };
        let at_once = first(&self.kinds.in_flight).filter(|_| self.begins);
        let often = first(&self.kinds.windows);
        // Before windows are charged, so that a call that is refused is not charged.
        if let Some(limit) = at_once {
            self.enter(limit, &mut ruling);
        }
        if let (Some(limit), Ok(_)) = (often, &ruling.outcome) {
            self.charge(limit, &mut ruling);
        }
        if ruling.outcome.is_ok() && self.begins {
            let other = at_once.filter(|one| often.is_none_or(|often| often.name != one.name));
            let limits = often.into_iter().chain(other);
            ruling.judged.extend(limits.map(|limit| Judged {
                limit: Arc::clone(&limit.name),
                decision: Decision::Admitted,
            }));
        }
        ruling
    }

    fn enter(&self, limit: &Counted, ruling: &mut Ruling) {
        let Some((mark, most)) = limit.in_flight else {
            return;
        };
        match InFlight::enter(&self.limiter.in_flight, self.key, mark, most) {
            Some(permit) => {
                ruling.shared |= permit.is_shared();
                if let Ok(admitted) = &mut ruling.outcome {
                    admitted.permits.push(permit);
                }
            }
            None => {
                let window = format!("{most} in flight");
                let limited = self.limited(limit, window.into(), most.into());
                ruling.refuse(limit, Failure::TooManyCalls(limited));
            }
        }
    }

    fn charge(&self, limit: &Counted, ruling: &mut Ruling) {
        let now = self.limiter.nanos(self.asked.at);
        let charged = self
            .limiter
            .table
            .charge(self.key, &limit.windows, self.price, now);
        ruling.shared |= charged.shared;
        let Some(Marked { window, shown, .. }) = limit.windows.get(charged.window) else {
            return;
        };
        let allowance = Allowance {
            limit: Arc::clone(&limit.name),
            most: window.burst(),
            left: window.left(charged.owed),
            full_in: Duration::from_nanos(charged.owed),
        };
        let limited = || self.limited(limit, Arc::clone(shown), window.burst());
        ruling.allowance = Some(allowance);
        let failure = match charged.refused {
            None => return,
            Some(Wait::For(nanos)) => Failure::RateLimited {
                limited: limited(),
                wait: whole_millis(nanos),
            },
            Some(Wait::Forever) => Failure::TooHeavy {
                limited: limited(),
                weight: self.price.again,
            },
        };
        ruling.refuse(limit, failure);
    }

    fn limited(&self, limit: &Counted, window: Arc<str>, most: u64) -> Limited {
        Limited {
            limit: Arc::clone(&limit.name),
            window,
            most,
            subject: subject(self.asked.caller, self.asked.peer),
        }
    }
}

impl Ruling {
    fn refuse(&mut self, limit: &Counted, failure: Failure) {
        self.outcome = Err(failure);
        self.judged.push(Judged {
            limit: Arc::clone(&limit.name),
            decision: Decision::Refused,
        });
    }
}

/// Callers are told milliseconds, and one who comes back then must not be early.
pub(super) fn whole_millis(nanos: u64) -> Duration {
    Duration::from_millis(nanos.div_ceil(1_000_000))
}

impl fmt::Debug for Limiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Limiter").finish_non_exhaustive()
    }
}
