//! Changes of one pool go one after the other.
//!
//! A caller has one change at most among those that wait for a pool, and waits for its own
//! ones before that: so callers take turns, however many changes each of them wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

use crate::call::Flow;

/// One lock for each pool that is being changed, and one for each caller who changes it.
#[derive(Default)]
pub(super) struct PoolLocks(Mutex<Locks>);

type Lock = tokio::sync::Mutex<()>;
type Locks = HashMap<(String, Option<u128>), Weak<Lock>>;

/// The right to change a pool, shared by a caller and the task of its write.
pub(super) type PoolLock = Arc<Held>;

/// It is let go in this order: the caller's next change waits behind those of others.
pub(super) struct Held {
    _pool: OwnedMutexGuard<()>,
    _own: OwnedMutexGuard<()>,
}

impl PoolLocks {
    /// Waits until nobody else changes the pool.
    pub(super) async fn lock(&self, pool_id: &str, flow: Flow) -> PoolLock {
        let own = self.of(pool_id, Some(flow.key)).lock_owned().await;
        let pool = self.of(pool_id, None).lock_owned().await;
        Arc::new(Held {
            _pool: pool,
            _own: own,
        })
    }

    fn of(&self, pool_id: &str, flow: Option<u128>) -> Arc<Lock> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (pool_id.to_owned(), flow);
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::<Lock>::default();
        locks.insert(key, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_pool_has_one_lock_while_it_is_held_and_none_after() {
        let locks = PoolLocks::default();
        let first = locks.lock("a", Flow::of(1)).now_or_never().unwrap();

        assert!(locks.lock("a", Flow::of(2)).now_or_never().is_none());
        assert!(locks.lock("b", Flow::of(2)).now_or_never().is_some());

        drop(first);
        let _other = locks.lock("c", Flow::of(1)).now_or_never();
        assert!(locks.lock("a", Flow::of(2)).now_or_never().is_some());
        assert!(locks.0.lock().unwrap().len() <= 4);
    }

    #[tokio::test]
    async fn callers_take_turns_however_many_changes_each_wants() {
        let locks = Arc::new(PoolLocks::default());
        let made = Arc::new(Mutex::new(String::new()));
        let first = locks.lock("a", Flow::of(1)).await;
        let mut changes = tokio::task::JoinSet::new();
        for (key, name) in [(1, 'e'); 6]
            .into_iter()
            .chain([(2, 'a'), (2, 'a'), (3, 'b')])
        {
            let (locks, made) = (Arc::clone(&locks), Arc::clone(&made));
            changes.spawn(async move {
                let _held = locks.lock("a", Flow::of(key)).await;
                made.lock().unwrap().push(name);
            });
            tokio::task::yield_now().await;
        }

        drop(first);
        changes.join_all().await;

        let made = made.lock().unwrap().clone();
        let last = made.rfind(['a', 'b']).unwrap();
        assert!(
            last <= 4,
            "the others are done before most of the first: {made}"
        );
    }
}
