//! What keys owe, in bounded memory.
//!
//! The table has so many places. When they are taken, keys that owe nothing any more are
//! forgotten, which changes nothing: a key that is not there owes nothing. While all that
//! are left owe something, further keys share one place for each window, so that a flood
//! of callers gets together what one caller may, and nobody who has used up a limit is
//! forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::size_of;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::key::Key;
use super::price::{Charged, Marked, Price, judge};
use super::window::Debt;

/// The most keys (reference: security, T-Q2).
pub(super) const CAPACITY: usize = 100_000;
/// A power of two.
const SHARDS: usize = 64;
/// How long a shard is not looked through again that was still full after it, in
/// nanoseconds.
const PAUSE: u64 = 100_000_000;

pub(super) struct Table {
    shards: Vec<Mutex<Shard>>,
    shared: Mutex<Debts>,
    /// How many keys a shard has at most.
    most: usize,
    len: AtomicUsize,
}

type Debts = HashMap<Key, Debt, BuildHasherDefault<Plain>>;

#[derive(Default)]
struct Shard {
    debts: Debts,
    /// Until when it is not looked through.
    full_until: u64,
}

impl Table {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            shared: Mutex::default(),
            most: capacity / SHARDS,
            len: AtomicUsize::new(0),
        }
    }

    /// Charges all windows or none. There is at least one window. What was reckoned by other
    /// terms is kept by those of the windows, whatever becomes of the call: from then on it
    /// is given back as the caller is told.
    pub(super) fn charge(&self, key: Key, windows: &[Marked], price: Price, now: u64) -> Charged {
        let Some(shard) = self.shards.get(key.place(SHARDS)) else {
            return Charged::NONE;
        };
        let mut shard = lock(shard);
        let missing = |shard: &Shard| {
            let keys = windows.iter().map(|window| key.with(window.mark));
            keys.filter(|key| !shard.debts.contains_key(key)).count()
        };
        let before = shard.debts.len();
        // Most of the time there is room for all, and nobody has to look which are missing.
        let has_room =
            before + windows.len() <= self.most || shard.has_room(missing, self.most, now);
        let mut shared = (!has_room).then(|| lock(&self.shared));
        let mut place = Places {
            key,
            debts: &mut shard.debts,
            shared: shared.as_deref_mut(),
        };
        let charged = charge(&mut place, windows, price, now);
        let after = shard.debts.len();
        self.count(before, after);
        charged
    }

    /// What a key owes to a window.
    pub(super) fn owed(&self, key: Key, Marked { mark, window, .. }: &Marked, now: u64) -> u64 {
        let Some(shard) = self.shards.get(key.place(SHARDS)) else {
            return u64::MAX;
        };
        let mut shard = lock(shard);
        let own = shard.debts.get(&key.with(*mark)).copied();
        let is_full = own.is_none() && !shard.has_room(|_| 1, self.most, now);
        let debt = match is_full {
            true => lock(&self.shared).get(mark).copied(),
            false => own,
        };
        window.owed(debt, now)
    }

    /// What a key was last known to owe to a window, of its own.
    pub(super) fn own(&self, key: Key, marked: &Marked) -> Option<Debt> {
        let shard = lock(self.shards.get(key.place(SHARDS))?);
        shard.debts.get(&key.with(marked.mark)).copied()
    }

    /// Keeps in mind what a key owes as others have reckoned it, if there is room. Nothing
    /// is wrong if there is none: it is a help for later. They were told what was `known`.
    /// Where no more has become known since, they know better; otherwise what is more counts.
    pub(super) fn remember(
        &self,
        key: Key,
        marked: &Marked,
        known: Option<Debt>,
        debt: Debt,
        now: u64,
    ) {
        let Some(shard) = self.shards.get(key.place(SHARDS)) else {
            return;
        };
        let mut shard = lock(shard);
        let (own, before) = (key.with(marked.mark), shard.debts.len());
        let here = shard.debts.get(&own).copied();
        let owed = |debt| marked.window.owed(debt, now);
        let counts = match here {
            None => debt.until > now && shard.has_room(|_| 1, self.most, now),
            Some(_) => here == known || owed(here) < owed(Some(debt)),
        };
        if counts {
            shard.debts.insert(own, debt);
        }
        self.count(before, shard.debts.len());
    }

    /// Goes by a clock that is so much behind the one before. What is owed stays the same.
    pub(super) fn set_back(&self, by: u64) {
        let shift = |debts: &mut Debts| {
            for debt in debts.values_mut() {
                debt.until = debt.until.saturating_sub(by);
            }
        };
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.full_until = 0;
            shift(&mut shard.debts);
        }
        shift(&mut lock(&self.shared));
    }

    /// Forgets keys that owe nothing. How many are left?
    pub(super) fn sweep(&self, now: u64) -> usize {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let before = shard.debts.len();
            shard.sweep(now);
            self.count(before, shard.debts.len());
        }
        lock(&self.shared).retain(|_, debt| debt.until > now);
        self.len.load(Ordering::Relaxed)
    }

    /// What the table takes, in bytes: its places, taken or free.
    pub(super) fn bytes(&self) -> usize {
        let shards = self.shards.iter();
        let places: usize = shards.map(|shard| self::places(&lock(shard).debts)).sum();
        let places = places + self::places(&lock(&self.shared));
        // A byte of control beside each place.
        places * (size_of::<(Key, Debt)>() + 1) + SHARDS * size_of::<Mutex<Shard>>()
    }

    fn count(&self, before: usize, after: usize) {
        match after.checked_sub(before) {
            Some(more) => self.len.fetch_add(more, Ordering::Relaxed),
            None => self.len.fetch_sub(before - after, Ordering::Relaxed),
        };
    }
}

impl Shard {
    fn has_room(&mut self, missing: impl Fn(&Self) -> usize, most: usize, now: u64) -> bool {
        if self.debts.len() + missing(self) <= most {
            return true;
        }
        if now < self.full_until {
            return false;
        }
        self.sweep(now);
        // Looking through is cheap only if it makes much room.
        if self.debts.len() > most / 2 {
            self.full_until = now.saturating_add(PAUSE);
        }
        self.debts.len() + missing(self) <= most
    }

    fn sweep(&mut self, now: u64) {
        self.debts.retain(|_, debt| debt.until > now);
    }
}

/// Where the debts of a key are: its own, and shared ones where there is no room for more
/// of its own.
struct Places<'a> {
    key: Key,
    debts: &'a mut Debts,
    shared: Option<&'a mut Debts>,
}

impl Places<'_> {
    fn get(&self, mark: Key) -> (Option<Debt>, bool) {
        let own = self.debts.get(&self.key.with(mark)).copied();
        match (own, self.shared.as_deref()) {
            (None, Some(shared)) => (shared.get(&mark).copied(), true),
            (own, _) => (own, false),
        }
    }

    fn set(&mut self, mark: Key, debt: Debt) {
        let own = self.key.with(mark);
        match self.shared.as_deref_mut() {
            Some(shared) if !self.debts.contains_key(&own) => shared.insert(mark, debt),
            _ => self.debts.insert(own, debt),
        };
    }
}

fn charge(places: &mut Places<'_>, windows: &[Marked], price: Price, now: u64) -> Charged {
    let (mut shared, mut is_changed) = (false, false);
    let charged = judge(windows, price, |_, marked| {
        let (debt, is_shared) = places.get(marked.mark);
        shared |= is_shared;
        is_changed |= debt.is_some_and(|debt| !marked.window.reckoned(debt));
        marked.window.owed(debt, now)
    });
    let is_admitted = charged.refused.is_none();
    if is_admitted || is_changed {
        for Marked { mark, window, .. } in windows {
            let (debt, _) = places.get(*mark);
            let before = window.owed(debt, now);
            let after = match is_admitted {
                true => window.charge(before, price).unwrap_or(before),
                false => before,
            };
            if after > 0 || debt.is_some() {
                places.set(*mark, window.debt(after, now));
            }
        }
    }
    Charged { shared, ..charged }
}

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        // The lower half: the upper one has chosen the shard.
        self.0 = u64::try_from(hash & u128::from(u64::MAX)).unwrap_or_default();
    }
}

/// The places of a map, of which it fills seven in eight.
fn places(debts: &Debts) -> usize {
    debts
        .capacity()
        .saturating_mul(8)
        .div_ceil(7)
        .next_power_of_two()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
