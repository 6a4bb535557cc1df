//! Tokens of issuers that were verified a moment ago.
//!
//! They are known by their SHA-256, so that no token is kept in memory. An entry is good
//! for 60 seconds at most, not longer than its token, and not longer than the keys of
//! its issuer stay. Refusals are never kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::provider::Provider;
use super::static_tokens::Digest;
use crate::caller::Caller;
use crate::remembered::Remembered;

/// How many tokens are known. 10,000 distinct ones take some MiB.
const MOST: usize = 10_000;

/// How long a token is good without being verified again, which bounds how long a
/// revocation takes.
const GOOD_FOR: Duration = Duration::from_secs(60);

pub(super) struct Cache(quick_cache::sync::Cache<Digest, Arc<Entry>>);

/// A verified token.
pub(super) struct Entry {
    caller: Caller,
    /// On the monotonic clock.
    until: Instant,
    /// On the clock of the wall, in seconds since the Unix epoch.
    expires: f64,
    /// Whose keys verified it, and the provider's count of removals before it did.
    keys: Option<(Arc<Provider>, u64)>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self(quick_cache::sync::Cache::new(MOST))
    }

    /// Who calls with the token, where it was verified a moment ago.
    pub(super) fn get(&self, token: &Digest, instant: Instant, now: f64) -> Option<Caller> {
        let entry = self.0.get(token)?;
        let same_keys = entry
            .keys
            .as_ref()
            .is_none_or(|(provider, removals)| provider.removals() == *removals);
        let is_good = instant < entry.until && now < entry.expires && same_keys;
        is_good.then(|| entry.caller.clone())
    }

    /// What it says of itself.
    pub(super) fn remembered(&self) -> Remembered {
        Remembered {
            cache: "verified_tokens",
            hits: self.0.hits(),
            misses: self.0.misses(),
            entries: self.0.len(),
        }
    }

    pub(super) fn insert(&self, token: Digest, entry: Entry) {
        self.0.insert(token, Arc::new(entry));
    }
}

impl Entry {
    pub(super) fn new(
        caller: Caller,
        instant: Instant,
        expires: f64,
        keys: Option<(Arc<Provider>, u64)>,
    ) -> Self {
        Self {
            caller,
            until: instant + GOOD_FOR,
            expires,
            keys,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::static_tokens::digest;

    #[test]
    fn a_token_is_good_for_a_minute_and_not_beyond_its_end() {
        let start = Instant::now();
        let cache = Cache::new();
        cache.insert(
            digest("long"),
            Entry::new(Caller::anonymous(), start, 1000.0, None),
        );
        cache.insert(
            digest("short"),
            Entry::new(Caller::anonymous(), start, 110.0, None),
        );
        let get = |token, after: u64| {
            let later = start + Duration::from_secs(after);
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let now = 100.0 + after as f64;
            cache.get(&digest(token), later, now).is_some()
        };

        assert!(get("long", 0) && get("long", 59) && !get("long", 60));
        assert!(get("short", 9) && !get("short", 10));
        assert!(!get("other", 0));
    }

    #[test]
    fn the_cache_does_not_grow_beyond_its_bound() {
        let start = Instant::now();
        let cache = Cache::new();
        for token in 0..30_000 {
            let entry = Entry::new(Caller::anonymous(), start, f64::MAX, None);
            cache.insert(digest(&token.to_string()), entry);
        }

        assert!(cache.0.len() <= MOST);
    }
}
