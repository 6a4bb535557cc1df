//! Counting together with other replicas, and what becomes of calls while that cannot be.
//!
//! Redis decides. What it answers is remembered, in the time of its clock, for two ends:
//!
//! * The next question brings along what is known to be owed. Should Redis have forgotten
//!   it, it learns it again from those who ask, so that a flushed or restarted server
//!   gives nothing back.
//! * While Redis does not answer, each replica decides alone by what it remembers, and
//!   counts every call as many times as there are replicas: together they admit what
//!   one may.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::asking::{Asking, Question};
use super::price::{Marked, Price, judge};
use super::redis::{Charge, Reckoned, Redis};
use super::settings::OnStoreFailure;
use super::table::Table;
use crate::operation::{Effect, Operation};

/// By how much the clock of Redis may be set back before what is remembered is reckoned anew,
/// in nanoseconds. A call that waits moves it by less.
const LEAP: u64 = 1_000_000_000;

/// Where callers are counted for several replicas.
pub struct Shared {
    redis: Arc<Redis>,
    replicas: u32,
    on_failure: OnStoreFailure,
    /// The time of Redis when we began to count, in nanoseconds since the Unix epoch.
    origin: AtomicU64,
}

impl Shared {
    /// `now` is the time at which counting begins, which is a guess until Redis has told
    /// its own.
    pub fn new(
        redis: Arc<Redis>,
        replicas: u32,
        on_failure: OnStoreFailure,
        now: SystemTime,
    ) -> Self {
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or(Duration::ZERO).as_nanos();
        Self {
            redis,
            replicas,
            on_failure,
            origin: AtomicU64::new(u64::try_from(since).unwrap_or_default()),
        }
    }

    /// The time of Redis so many nanoseconds after we began to count.
    pub(super) fn time(&self, nanos: u64) -> u64 {
        self.origin.load(Ordering::Relaxed).saturating_add(nanos)
    }

    /// Charges a call that came so many nanoseconds after we began to count: the limits in
    /// force, and beside them those that are tried.
    pub(super) async fn charge(
        &self,
        table: &Table,
        question: &Question<'_>,
        askings: &mut [Asking<'_>; 2],
        nanos: u64,
    ) {
        let groups = askings.each_ref().map(|asking| asking.windows());
        let windows = || groups.into_iter().flatten();
        if windows().next().is_none() {
            return;
        }
        let known: Vec<_> = windows()
            .map(|marked| table.own(question.key, marked))
            .collect();
        let charge = Charge {
            key: question.key,
            groups,
            price: question.price,
            known: &known,
        };
        match self.redis.charge(&charge).await {
            Ok(reckoned) => {
                self.set_time(reckoned.now, nanos, table);
                together(table, &charge, askings, &reckoned);
            }
            Err(_) => self.alone(table, question, askings, nanos),
        }
    }

    fn alone(
        &self,
        table: &Table,
        question: &Question<'_>,
        askings: &mut [Asking<'_>; 2],
        nanos: u64,
    ) {
        let price = Price {
            times: self.replicas,
            ..question.price
        };
        let now = self.time(nanos);
        let [enforced, tried] = askings;
        let denies = self.on_failure.denies(question.asked.operation);
        if denies && !enforced.windows().is_empty() {
            enforced.undecided();
            self.redis.missed("denied");
        } else {
            self.redis.missed("local");
        }
        for asking in [enforced, tried] {
            let windows = asking.windows();
            if !windows.is_empty() {
                let charged = table.charge(question.key, windows, price, now);
                asking.charged(charged, price);
            }
        }
    }

    fn set_time(&self, now: u64, nanos: u64, table: &Table) {
        let origin = now.saturating_sub(nanos);
        let before = self.origin.swap(origin, Ordering::Relaxed);
        // A clock that leaps ahead is believed: this machine may have slept meanwhile.
        let behind = before.saturating_sub(origin);
        if behind > LEAP {
            table.set_back(behind);
        }
    }
}

/// Concludes what Redis has reckoned, and remembers it.
fn together(
    table: &Table,
    charge: &Charge<'_>,
    askings: &mut [Asking<'_>; 2],
    reckoned: &Reckoned,
) {
    let (mut owed, price) = (&*reckoned.owed, charge.price);
    let mut known = charge.known.iter().copied();
    for asking in askings {
        let windows = asking.windows();
        let Some((own, others)) = owed.split_at_checked(windows.len()) else {
            return;
        };
        owed = others;
        if windows.is_empty() {
            continue;
        }
        let of = |index: usize| own.get(index).copied().unwrap_or(u64::MAX);
        let charged = judge(windows, price, |index, _| of(index));
        for (marked @ Marked { window, .. }, before) in windows.iter().zip(own) {
            let after = match charged.refused {
                None => window.charge(*before, price).unwrap_or(*before),
                Some(_) => *before,
            };
            let (known, debt) = (known.next().flatten(), window.debt(after, reckoned.now));
            table.remember(charge.key, marked, known, debt, reckoned.now);
        }
        asking.charged(charged, price);
    }
}

impl OnStoreFailure {
    fn denies(self, operation: Operation) -> bool {
        match self {
            Self::Local => false,
            Self::DenyIssue => operation.effect() == Effect::Issue,
            Self::Deny => true,
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}
