//! Whose turn it is: those who wait for an answer before those who do not, and in each class
//! one caller after the other.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Account;
use super::budget::{Budget, Tokens};
use super::fair::{FairQueue, Place};
use crate::call::{Class, Flow};

/// Of so many turns one is for those who can wait, also while others do not end.
const TURNS: u32 = 8;
/// A caller asks for little who has had fewer tokens than these within this time.
const LITTLE: u32 = 3;
const WITHIN: Duration = Duration::from_secs(1);

/// Tokens, and those who wait for one.
#[derive(Debug)]
pub(super) struct Turns<W> {
    pub(super) budget: Budget,
    interactive: FairQueue<W>,
    batch: FairQueue<W>,
    /// Whose turn was last.
    last: Option<u128>,
    /// How many turns batch has waited for.
    since_batch: u32,
    /// Who has had tokens lately: since when, and how many.
    served: HashMap<u128, (Instant, u32)>,
}

/// Whether one more can wait.
pub(super) enum Room {
    Free,
    /// When this one has given way.
    After((Class, Place)),
    None,
}

impl<W> Turns<W> {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            interactive: FairQueue::default(),
            batch: FairQueue::default(),
            last: None,
            since_batch: 0,
            served: HashMap::new(),
        }
    }

    /// Takes a token if nobody waits. Those that are kept are for callers who ask for little,
    /// so that who asks for much does not keep them waiting.
    pub(super) fn take_at_once(&mut self, flow: Flow, now: Instant) -> bool {
        let tokens = match flow.class {
            Class::Interactive if self.asks_for_little(flow.key, now) => Tokens::All,
            _ => Tokens::AboveReserve,
        };
        let takes = self.len() == 0 && self.budget.take(tokens);
        if takes {
            self.note_served(flow.key, now);
        }
        takes
    }

    fn asks_for_little(&self, flow: u128, now: Instant) -> bool {
        let served = self.served.get(&flow);
        served.is_none_or(|(since, count)| *count < LITTLE || is_over(*since, now))
    }

    /// How long a further call of this caller would wait.
    pub(super) fn wait(&self, flow: Flow, now: Instant) -> Duration {
        let (own, other) = (self.queue_of(flow.class), self.queue_of(other(flow.class)));
        let ahead = own.ahead_of(flow.key);
        let turns = usize::try_from(TURNS).unwrap_or(usize::MAX);
        let others = match flow.class {
            // Of one caller alone each second turn is batch's.
            Class::Interactive if own.is_only(flow.key) => ahead.min(other.len()),
            Class::Interactive => (ahead / turns).min(other.len()),
            Class::Batch if other.flows() == 1 => (ahead + 1).min(other.len()),
            Class::Batch => other.len().min((ahead + 1) * (turns - 1)),
        };
        let modest = self.asks_for_little(flow.key, now);
        let tokens = match flow.class {
            Class::Interactive if own.has_less(flow.key, modest) => Tokens::All,
            Class::Batch if !other.is_empty() => Tokens::All,
            _ => Tokens::AboveReserve,
        };
        self.budget.wait(ahead + others, tokens)
    }

    /// How many turns a class has in a second, where that is bounded.
    pub(super) fn rate_of(&self, class: Class) -> Option<f64> {
        let rate = self.budget.rate()?;
        Some(match class {
            Class::Batch if !self.interactive.is_empty() => rate / f64::from(TURNS),
            _ => rate,
        })
    }

    /// Whether there is room for one more of this caller.
    pub(super) fn room(&self, flow: Flow, account: &Account) -> Room {
        let queue = self.queue_of(flow.class);
        if queue.waiting_of(flow.key) >= account.max_waiting_of_caller {
            return Room::None;
        }
        if self.len() < account.max_waiting {
            return Room::Free;
        }
        let last = match flow.class {
            // Whoever can wait gives way first.
            Class::Interactive if !self.batch.is_empty() => {
                self.batch.last().map(|place| (Class::Batch, place))
            }
            class => queue.last_behind(flow.key).map(|place| (class, place)),
        };
        last.map_or(Room::None, Room::After)
    }

    pub(super) fn push(&mut self, flow: Flow, waiter: W, now: Instant) -> Place {
        let modest = self.asks_for_little(flow.key, now);
        self.queue(flow.class).push(flow.key, modest, waiter)
    }

    /// Takes one out that does not wait any more, if it is still here.
    pub(super) fn remove(&mut self, (class, place): (Class, Place)) -> Option<W> {
        self.queue(class).remove(place)
    }

    /// Who is next, if there is a token for it.
    pub(super) fn next(&mut self, now: Instant) -> Option<W> {
        let (class, tokens) = self.turn()?;
        if !self.budget.take(tokens) {
            return None;
        }
        let last = self.last;
        let (flow, waiter) = self.queue(class).pop(last)?;
        let is_batch = class == Class::Batch;
        self.since_batch = match is_batch || self.batch.is_empty() {
            true => 0,
            false => self.since_batch + 1,
        };
        self.note_served(flow, now);
        Some(waiter)
    }

    /// How long it takes until somebody has its turn, if nobody comes or goes.
    pub(super) fn next_in(&self) -> Duration {
        let turn = self.turn();
        turn.map_or(Duration::MAX, |(_, tokens)| self.budget.wait(0, tokens))
    }

    /// Whose turn it is, and of which tokens one is for it: those for whom somebody waits,
    /// unless that is all one caller who was next before, or the others have waited for long.
    fn turn(&self) -> Option<(Class, Tokens)> {
        let (is_urgent, can_wait) = (!self.interactive.is_empty(), !self.batch.is_empty());
        let again = self.last.is_some_and(|last| self.interactive.is_only(last));
        let long = self.since_batch + 1 >= TURNS;
        let (class, is_due) = match (is_urgent, can_wait) {
            (false, false) => return None,
            (true, true) if again || long => (Class::Batch, true),
            (true, _) => (Class::Interactive, self.interactive.is_due(self.last)),
            (false, true) => (Class::Batch, false),
        };
        match is_due {
            true => Some((class, Tokens::All)),
            false => Some((class, Tokens::AboveReserve)),
        }
    }

    /// Forgets who has had a token long ago.
    pub(super) fn forget(&mut self, now: Instant) {
        self.served.retain(|_, (since, _)| !is_over(*since, now));
    }

    fn note_served(&mut self, flow: u128, now: Instant) {
        self.last = Some(flow);
        // Where there is no bound, nobody is kept waiting.
        if self.budget.rate().is_some() {
            let (since, count) = self.served.entry(flow).or_insert((now, 0));
            if is_over(*since, now) {
                (*since, *count) = (now, 0);
            }
            *count += 1;
        }
    }

    fn queue(&mut self, class: Class) -> &mut FairQueue<W> {
        match class {
            Class::Interactive => &mut self.interactive,
            Class::Batch => &mut self.batch,
        }
    }

    fn queue_of(&self, class: Class) -> &FairQueue<W> {
        match class {
            Class::Interactive => &self.interactive,
            Class::Batch => &self.batch,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.interactive.len() + self.batch.len()
    }
}

fn is_over(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) >= WITHIN
}

fn other(class: Class) -> Class {
    match class {
        Class::Interactive => Class::Batch,
        Class::Batch => Class::Interactive,
    }
}
