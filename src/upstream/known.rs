//! What is known about pools and identities beside what a call itself says.
//!
//! AWS has no way to ask which pool an identity belongs to, but it tells in passing:
//! who asks a pool for identities is answered with identities of that pool. Those are
//! remembered, as many as there is room for.
//!
//! A pool's tags are asked for and kept for [`TAGS_LAST`]. A write that names the pool and
//! goes through here drops them when it ends. What is changed elsewhere is seen when they
//! are old, and so is a change that ends while an answer from before it is on its way. For
//! a write that is to be judged they are asked for anew, and not kept.
//!
//! Only policies ask for any of this, and where policies are in force no call names a
//! tenant (see [`Authorize`](crate::layers::Authorize)). So an identifier is all that
//! things are known by, in what is known of each target.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_cognitoidentity::operation::describe_identity_pool::builders::DescribeIdentityPoolInputBuilder;
use quick_cache::sync::Cache;

use super::renewal::Renewal;
use super::{Outgoing, Upstream};
use crate::call::Target;
use crate::failure::Failure;
use crate::operation::{Effect, Operation};
use crate::remembered::Remembered;

/// How long the tags of a pool are believed.
pub const TAGS_LAST: Duration = Duration::from_secs(30);

/// How long a pool is believed not to be there: long enough that who asks for pools that
/// never were does not make poolgate ask AWS as often.
pub const ABSENCE_LASTS: Duration = Duration::from_secs(2);

/// How many identities are remembered, and how many pools.
const MOST_IDENTITIES: usize = 100_000;
const MOST_POOLS: usize = 10_000;

/// The tags of a pool.
pub type Tags = BTreeMap<String, String>;

/// The memory. Clones share it.
#[derive(Clone)]
pub(super) struct Known(Arc<Memory>);

struct Memory {
    pools_of_identities: Cache<String, Arc<str>>,
    tags_of_pools: Cache<String, Found>,
}

/// The tags of a pool, or that there is no such pool.
#[derive(Clone)]
struct Found {
    tags: Option<Arc<Tags>>,
    at: Instant,
}

impl Found {
    fn is_fresh(&self, now: Instant) -> bool {
        let lasts = match self.tags {
            Some(_) => TAGS_LAST,
            None => ABSENCE_LASTS,
        };
        now.saturating_duration_since(self.at) < lasts
    }
}

impl Default for Known {
    fn default() -> Self {
        Self(Arc::new(Memory {
            pools_of_identities: Cache::new(MOST_IDENTITIES),
            tags_of_pools: Cache::new(MOST_POOLS),
        }))
    }
}

impl Known {
    /// Forgets what a write to the pool may have changed.
    pub(super) fn forget_tags(&self, pool_id: &str) {
        self.0.tags_of_pools.remove(pool_id);
    }

    fn pools_remembered(&self) -> Remembered {
        remembered(&self.0.pools_of_identities)
    }

    fn tags_remembered(&self) -> Remembered {
        remembered(&self.0.tags_of_pools)
    }
}

fn remembered<V: Clone>(cache: &Cache<String, V>) -> Remembered {
    Remembered {
        cache: "",
        hits: cache.hits(),
        misses: cache.misses(),
        entries: cache.len(),
    }
}

impl Upstream {
    /// What is remembered of pools and identities, of all targets together.
    pub fn remembered(&self) -> [Remembered; 2] {
        let known = || self.ways.all().map(|way| &way.known);
        [
            Remembered::of("pool_tags", known().map(Known::tags_remembered)),
            Remembered::of("pools_of_identities", known().map(Known::pools_remembered)),
        ]
    }

    /// Remembers that AWS said these identities are of this pool.
    pub fn remember<'a>(
        &self,
        target: &Target,
        pool_id: &str,
        identities: impl IntoIterator<Item = &'a str>,
    ) {
        let Ok(way) = self.ways.to(target) else {
            return;
        };
        let pool_id: Arc<str> = pool_id.into();
        for identity in identities {
            let known = &way.known.0.pools_of_identities;
            known.insert(identity.to_owned(), Arc::clone(&pool_id));
        }
    }

    /// The pool of an identity, where AWS has told it of this target's account.
    pub fn pool_of(&self, target: &Target, identity_id: &str) -> Option<Arc<str>> {
        let way = self.ways.to(target).ok()?;
        way.known.0.pools_of_identities.get(identity_id)
    }

    /// The tags of a pool, or nothing when AWS says that there is no such pool. A call
    /// that changes something is judged by what AWS says at this moment, others by what
    /// it said up to [`TAGS_LAST`] ago, or [`ABSENCE_LASTS`] where it said that there is
    /// no such pool.
    ///
    /// # Errors
    ///
    /// [`Failure::PolicyFactsUnavailable`] when AWS cannot be asked, and the failures of a
    /// call whose region is not served, whose deadline passes, or that is not made.
    pub async fn pool_tags(
        &self,
        call: &Outgoing,
        pool_id: &str,
        now: Instant,
    ) -> Result<Option<Arc<Tags>>, Failure> {
        let kept = match call.operation.effect() {
            Effect::Write => None,
            Effect::Read | Effect::Issue => {
                Some(&self.ways.to(&call.target)?.known.0.tags_of_pools)
            }
        };
        match kept.and_then(|kept| kept.get(pool_id)) {
            Some(found) if found.is_fresh(now) => return Ok(found.tags),
            Some(_) => {
                kept.and_then(|kept| kept.remove(pool_id));
            }
            None => {}
        }
        let asking = Outgoing {
            operation: Operation::DescribeIdentityPool,
            pool_id: Some(pool_id.to_owned()),
            // What AWS says here is no answer to the caller.
            notes: Default::default(),
            ..call.clone()
        };
        let make = |asking, renewal| self.tags(asking, renewal, kept, pool_id, now);
        // A call of the SDK is kilobytes large, which most who ask here do not have to move.
        Box::pin(self.renewing(asking, make)).await
    }

    async fn tags(
        &self,
        mut asking: Outgoing,
        renewal: Renewal,
        kept: Option<&Cache<String, Found>>,
        pool_id: &str,
        now: Instant,
    ) -> Result<Option<Arc<Tags>>, Failure> {
        let Some(kept) = kept else {
            return self.ask_for_tags(asking, renewal, pool_id).await;
        };
        // Before others wait for this call's answer, because they would wait as long as its
        // session does.
        let way = self.ways.to(&asking.target)?;
        let (operation, caller) = (asking.operation, &asking.caller);
        let session = self.credentials(way, operation, caller, asking.left);
        (_, asking.left) = session.await?;
        // One asks for all who wait; when it gives up, the next one asks.
        let asked = kept.get_or_insert_async(pool_id, async {
            let tags = self.ask_for_tags(asking, renewal, pool_id).await?;
            Ok::<_, Failure>(Found { tags, at: now })
        });
        Ok(asked.await?.tags)
    }

    async fn ask_for_tags(
        &self,
        asking: Outgoing,
        renewal: Renewal,
        pool_id: &str,
    ) -> Result<Option<Arc<Tags>>, Failure> {
        let input = DescribeIdentityPoolInputBuilder::default().identity_pool_id(pool_id);
        let send = |aws| async move { input.send_with(&aws).await };
        let described = self.call_holding(None, renewal, asking, send).await;
        match described {
            Ok(pool) if pool.identity_pool_id == pool_id => {
                let tags = pool.identity_pool_tags.unwrap_or_default();
                Ok(Some(Arc::new(tags.into_iter().collect())))
            }
            Ok(_) => Err(Failure::PolicyFactsUnavailable {
                cause: "the pool's description lacks its identifier".to_owned(),
            }),
            Err(Failure::Aws(error)) if error.code == "ResourceNotFoundException" => Ok(None),
            Err(
                failure @ (Failure::UnknownRegion { .. }
                | Failure::DeadlineExceeded
                | Failure::AccountQuota(_)
                | Failure::UpstreamOverloaded { .. }
                | Failure::CircuitOpen { .. }
                | Failure::RoleRefused { .. }
                | Failure::RoleUnavailable { .. }),
            ) => Err(failure),
            Err(failure) => Err(Failure::PolicyFactsUnavailable {
                cause: failure.to_string(),
            }),
        }
    }
}
