//! Refusals of strangers: the first ones in full, the rest counted.
//!
//! Whoever calls without having proved who it is can make us write. This room promises:
//!
//! 1. Of one address, [`FULL_EACH`] refusals in a minute get a record each; the others
//!    are counted. An address of IPv6 stands for its network of 64 bits, because that is
//!    what one stranger gets, and one of IPv4 written as IPv6 for itself.
//! 2. Of all addresses together, a minute makes at most [`MOST_FULL`] records and
//!    [`MOST_SUMMARIES`] summaries, however many addresses there are.
//!    None of them has more than [`MOST_BYTES`] bytes.
//! 3. Nothing gets lost: records, and counts in summaries, add up to the refusals.
//! 4. Not more than [`MOST_ADDRESSES`] addresses are told apart at a time. Refusals of
//!    those beyond, and of those that have no summary of their own because
//!    [`MOST_SUMMARIES`] others were refused more often, are in one for the [`Source::Others`].
//!
//! A minute begins with a refusal and ends when [`Strangers::due`] is called after it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::Clock;

mod event;
#[cfg(test)]
mod tests;

pub(super) use event::summary_event;

/// How many refusals of one address are recorded in a minute.
pub const FULL_EACH: u64 = 10;

/// How many refusals of all addresses are recorded in a minute.
pub const MOST_FULL: u64 = 100;

/// How many summaries there are at the end of a minute.
pub const MOST_SUMMARIES: usize = 100;

/// How many bytes the line of a refusal has at most, and the one of a summary: all texts
/// of strangers in it are short.
pub const MOST_BYTES: usize = 4096;

/// How many addresses are told apart.
pub const MOST_ADDRESSES: usize = 10_000;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts refusals of those who have not proved who they are.
pub struct Strangers {
    clock: Clock,
    minute: Mutex<Minute>,
}

/// What becomes of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It gets a record of its own.
    Record,
    /// It is counted, and will be in a summary.
    Counted,
}

/// Who was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// One address.
    Address(IpAddr),
    /// The network of 64 bits that begins with this address.
    Network(Ipv6Addr),
    /// Those whose address is not known.
    Unknown,
    /// Several that are not told apart.
    Others,
}

/// Refusals of one source that have no record of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Who was refused.
    pub source: Source,
    /// How often.
    pub count: u64,
    /// How often for which reason.
    pub by_reason: BTreeMap<&'static str, u64>,
    /// When the first of them was refused.
    pub from: SystemTime,
    /// When the last was.
    pub until: SystemTime,
}

impl Strangers {
    /// Nobody has been refused yet.
    pub fn new(clock: Clock) -> Self {
        let minute = Mutex::default();
        Self { clock, minute }
    }

    /// Takes note of a refusal, and says what becomes of it.
    pub fn refused(&self, address: Option<IpAddr>, reason: &'static str) -> Verdict {
        let (now, instant) = (self.clock.now(), self.clock.instant());
        let minute = &mut *self.minute();
        minute.began.get_or_insert(instant);
        match entry(&mut minute.entries, Source::of(address)) {
            Some(entry) if entry.full < FULL_EACH && minute.full < MOST_FULL => {
                entry.full += 1;
                minute.full += 1;
                return Verdict::Record;
            }
            Some(entry) => entry.counted.add(reason, now),
            None => minute.others.add(reason, now),
        }
        Verdict::Counted
    }

    /// The summaries of a minute that is over, those with most refusals first. To be
    /// called about each second.
    pub fn due(&self) -> Vec<Summary> {
        let now = self.clock.instant();
        let mut minute = self.minute();
        let is_over = |began: Instant| now.saturating_duration_since(began) >= MINUTE;
        match minute.began.is_some_and(is_over) {
            true => std::mem::take(&mut *minute).summaries(),
            false => Vec::new(),
        }
    }

    /// The summaries of the minute that has begun, for when the process ends.
    pub fn rest(&self) -> Vec<Summary> {
        std::mem::take(&mut *self.minute()).summaries()
    }

    fn minute(&self) -> MutexGuard<'_, Minute> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V6(address)) => {
                let network = u128::from(address) >> 64 << 64;
                Self::Network(Ipv6Addr::from(network))
            }
            Some(address) => Self::Address(address),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(formatter, "{address}"),
            Self::Network(address) => write!(formatter, "{address}/64"),
            Self::Unknown => formatter.write_str("unknown"),
            Self::Others => formatter.write_str("others"),
        }
    }
}

/// What has been refused since a minute began.
#[derive(Default)]
struct Minute {
    began: Option<Instant>,
    full: u64,
    entries: HashMap<Source, Entry>,
    others: Counted,
}

#[derive(Default)]
struct Entry {
    full: u64,
    counted: Counted,
}

/// The reasons are few: they stand in the code.
#[derive(Default)]
struct Counted {
    by_reason: Vec<(&'static str, u64)>,
    span: Option<(SystemTime, SystemTime)>,
}

/// The entry of a source; none where there is no room for another.
fn entry(entries: &mut HashMap<Source, Entry>, source: Source) -> Option<&mut Entry> {
    if entries.len() < MOST_ADDRESSES {
        return Some(entries.entry(source).or_default());
    }
    entries.get_mut(&source)
}

impl Minute {
    fn summaries(self) -> Vec<Summary> {
        let mut others = self.others;
        let entries = self.entries.into_iter();
        let mut counted: Vec<(Source, Counted)> = entries
            .map(|(source, entry)| (source, entry.counted))
            .filter(|(_, counted)| counted.count() > 0)
            .collect();
        counted.sort_unstable_by_key(|(source, counted)| (Reverse(counted.count()), *source));
        // One place is the others', if there are any.
        let is_full = counted.len() + usize::from(others.count() > 0) > MOST_SUMMARIES;
        let kept = if is_full {
            MOST_SUMMARIES - 1
        } else {
            counted.len()
        };
        for (_, counted) in counted.drain(kept..) {
            others.merge(&counted);
        }
        counted.push((Source::Others, others));
        let summaries = counted.into_iter();
        summaries
            .filter_map(|(source, counted)| counted.summary(source))
            .collect()
    }
}

impl Counted {
    fn add(&mut self, reason: &'static str, now: SystemTime) {
        self.add_many(reason, 1);
        self.reach(now, now);
    }

    fn merge(&mut self, other: &Self) {
        for (reason, count) in &other.by_reason {
            self.add_many(reason, *count);
        }
        if let Some((from, until)) = other.span {
            self.reach(from, until);
        }
    }

    fn add_many(&mut self, reason: &'static str, count: u64) {
        match self
            .by_reason
            .iter_mut()
            .find(|(known, _)| *known == reason)
        {
            Some((_, counted)) => *counted += count,
            None => self.by_reason.push((reason, count)),
        }
    }

    fn reach(&mut self, from: SystemTime, until: SystemTime) {
        let (first, last) = self.span.unwrap_or((from, until));
        self.span = Some((first.min(from), last.max(until)));
    }

    fn count(&self) -> u64 {
        self.by_reason.iter().map(|(_, count)| count).sum()
    }

    /// Nothing where nothing was counted.
    fn summary(self, source: Source) -> Option<Summary> {
        let (from, until) = self.span?;
        Some(Summary {
            source,
            count: self.count(),
            by_reason: self.by_reason.into_iter().collect(),
            from,
            until,
        })
    }
}
