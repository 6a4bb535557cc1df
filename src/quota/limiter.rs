//! Asks the limits about calls.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::FutureExt;

use super::asking::{Asking, Question};
use super::in_flight::InFlight;
use super::key::Keys;
use super::limits::Limits;
use super::price::Price;
use super::ruling::{Asked, Ruling};
use super::selector::Selector;
use super::shared::Shared;
use super::table::{CAPACITY, Table};
use super::window::nanos;

/// The limits in force, which can be replaced while calls are counted, and what callers
/// have consumed of them.
pub struct Limiter {
    selector: ArcSwap<Selector>,
    keys: Keys,
    table: Table,
    in_flight: Arc<InFlight>,
    origin: Instant,
    shared: Option<Shared>,
}

impl Limiter {
    /// Counts from `origin` on, which is a time of the monotonic clock, for this process
    /// alone.
    pub fn new(limits: &Limits, origin: Instant) -> Self {
        Self::with_capacity(limits, origin, CAPACITY)
    }

    /// The same with room for so many keys.
    pub(super) fn with_capacity(limits: &Limits, origin: Instant, capacity: usize) -> Self {
        Self::with(limits, origin, capacity, Keys::default(), None)
    }

    /// Counts together with others who have the same limits and the same `secret`.
    pub fn shared(limits: &Limits, origin: Instant, secret: &[u8], shared: Shared) -> Self {
        Self::with(limits, origin, CAPACITY, Keys::shared(secret), Some(shared))
    }

    fn with(
        limits: &Limits,
        origin: Instant,
        capacity: usize,
        keys: Keys,
        shared: Option<Shared>,
    ) -> Self {
        Self {
            selector: ArcSwap::from_pointee(Selector::new(limits, &keys)),
            keys,
            table: Table::new(capacity),
            in_flight: Arc::default(),
            origin,
            shared,
        }
    }

    /// Puts other limits in force. What callers have consumed of limits that keep their
    /// name, by windows that keep their unit, stays consumed, as a share of the burst.
    pub fn reload(&self, limits: &Limits) {
        let selector = Selector::new(limits, &self.keys);
        self.selector.store(Arc::new(selector));
    }

    /// Asks about a call that weighs at least so much, wherever callers are counted. It is
    /// charged if it is admitted.
    pub async fn decide(&self, asked: &Asked<'_>, weight: u32) -> Ruling {
        match &self.shared {
            None => self.admit(asked, weight),
            Some(shared) => {
                let question = self.question(asked, Price::of(weight), true);
                self.ask(shared, question).boxed().await
            }
        }
    }

    /// Asks once more about a call that was admitted with a weight of `charged` and is
    /// found to weigh more. The rest is charged if it is admitted; what was charged before
    /// stays charged. Only limits that refuse are among those that have
    /// [judged](Ruling::judged): that they admit the call was told before.
    pub async fn decide_rest(&self, asked: &Asked<'_>, charged: u32, weight: u32) -> Ruling {
        match &self.shared {
            None => self.admit_rest(asked, charged, weight),
            Some(shared) => {
                let question = self.question(asked, rest(charged, weight), false);
                self.ask(shared, question).boxed().await
            }
        }
    }

    /// [`decide`](Self::decide) by what this process has counted, and nobody else.
    pub fn admit(&self, asked: &Asked<'_>, weight: u32) -> Ruling {
        self.rule(self.question(asked, Price::of(weight), true))
    }

    /// [`decide_rest`](Self::decide_rest) by what this process has counted, and nobody
    /// else.
    pub fn admit_rest(&self, asked: &Asked<'_>, charged: u32, weight: u32) -> Ruling {
        self.rule(self.question(asked, rest(charged, weight), false))
    }

    /// The limits in force, a line for each.
    pub fn in_force(&self) -> String {
        self.selector.load().text.clone()
    }

    /// Forgets keys that owe nothing at this time. How many are left?
    pub fn sweep(&self, now: Instant) -> usize {
        let now = nanos(self.origin, now);
        let now = self.shared.as_ref().map_or(now, |shared| shared.time(now));
        self.table.sweep(now)
    }

    /// How many bytes the table of keys takes.
    pub fn table_bytes(&self) -> usize {
        self.table.bytes()
    }

    fn question<'a>(&self, asked: &'a Asked<'a>, price: Price, begins: bool) -> Question<'a> {
        Question {
            asked,
            key: self.keys.of(asked.caller, asked.peer),
            price,
            begins,
        }
    }

    fn rule(&self, question: Question<'_>) -> Ruling {
        let selector = self.selector.load();
        let now = nanos(self.origin, question.asked.at);
        let kinds = [&selector.shadow, &selector.enforced];
        let [tried, ruling] = kinds.map(|kinds| {
            let mut asking = Asking::begin(question, &selector, kinds, &self.in_flight);
            let windows = asking.windows();
            if !windows.is_empty() {
                let (key, price) = (question.key, question.price);
                let charged = self.table.charge(key, windows, price, now);
                asking.charged(charged, price);
            }
            asking.ruling()
        });
        ruling.beside(tried)
    }

    async fn ask(&self, shared: &Shared, question: Question<'_>) -> Ruling {
        // Not a guard, which is not made to be held for long.
        let selector = self.selector.load_full();
        let begin = |kinds| Asking::begin(question, &selector, kinds, &self.in_flight);
        let mut askings = [begin(&selector.enforced), begin(&selector.shadow)];
        let now = nanos(self.origin, question.asked.at);
        shared
            .charge(&self.table, &question, &mut askings, now)
            .await;
        let [ruling, tried] = askings.map(Asking::ruling);
        ruling.beside(tried)
    }
}

fn rest(charged: u32, weight: u32) -> Price {
    Price {
        now: weight.saturating_sub(charged),
        ..Price::of(weight)
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
