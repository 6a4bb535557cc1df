//! How many calls of a caller are under way.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::Key;
use super::table::Plain;

/// A power of two.
const SHARDS: usize = 16;
/// The most keys of one shard, 100,000 in all.
const MOST: usize = super::table::CAPACITY / SHARDS;

/// Counts of calls under way. A key is here while it has some; what does not fit shares
/// one count for each limit.
#[derive(Debug)]
pub(super) struct InFlight {
    shards: Vec<Mutex<Counts>>,
    shared: Mutex<Counts>,
    most_keys: usize,
}

type Counts = HashMap<Key, u32, BuildHasherDefault<Plain>>;

/// A call under way, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    counts: Arc<InFlight>,
    /// The shard; nothing for a shared count.
    shard: Option<usize>,
    key: Key,
}

impl Default for InFlight {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl InFlight {
    pub(super) fn new(most_keys: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            shared: Mutex::default(),
            most_keys,
        }
    }

    /// One more call, if that makes no more than `most`.
    pub(super) fn enter(counts: &Arc<Self>, caller: Key, mark: Key, most: u32) -> Option<Permit> {
        let place = caller.place(SHARDS);
        let key = caller.with(mark);
        let mut shard = lock(counts.shards.get(place)?);
        let (shard, key) = match shard.contains_key(&key) || shard.len() < counts.most_keys {
            true => {
                add(&mut shard, key, most)?;
                (Some(place), key)
            }
            false => {
                drop(shard);
                add(&mut lock(&counts.shared), mark, most)?;
                (None, mark)
            }
        };
        let counts = Arc::clone(counts);
        Some(Permit { counts, shard, key })
    }
}

impl Permit {
    /// Whether it is of a count that callers share.
    pub(super) fn is_shared(&self) -> bool {
        self.shard.is_none()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let counts = match self.shard {
            Some(shard) => self.counts.shards.get(shard),
            None => Some(&self.counts.shared),
        };
        let Some(mut counts) = counts.map(lock) else {
            return;
        };
        if let Some(count) = counts.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

fn add(counts: &mut Counts, key: Key, most: u32) -> Option<()> {
    let under_way = counts.get(&key).copied().unwrap_or_default();
    if under_way >= most {
        return None;
    }
    counts.insert(key, under_way + 1);
    Some(())
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Key = Key(1 << 64);

    #[test]
    fn a_call_that_has_ended_makes_room_for_another() {
        let counts = Arc::new(InFlight::default());
        let enter = |caller| InFlight::enter(&counts, Key(caller), LIMIT, 2);

        let first = enter(1);
        let second = enter(1);
        assert!(first.is_some() && second.is_some() && enter(1).is_none());
        assert!(enter(2).is_some(), "another caller");
        drop(first);

        assert!(enter(1).is_some());
    }

    #[test]
    fn callers_who_do_not_fit_share_one_count_and_those_who_do_keep_theirs() {
        let counts = Arc::new(InFlight::new(1));
        let enter = |caller| InFlight::enter(&counts, Key(caller), LIMIT, 2);

        let own = enter(1).unwrap();
        let shared = [enter(2).unwrap(), enter(3).unwrap()];

        assert!(!own.is_shared() && shared.iter().all(Permit::is_shared));
        assert!(enter(4).is_none(), "two are under way in the shared count");
        let again = enter(1).unwrap();
        drop((own, again, shared));
        assert!(!enter(4).unwrap().is_shared());
        assert!(counts.shards.iter().all(|shard| lock(shard).is_empty()));
        assert!(lock(&counts.shared).is_empty());
    }
}
