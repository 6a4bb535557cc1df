//! AWS's quotas: how often an operation may be called in a region, and how many pools
//! and user pools there may be. Off unless switched on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Emulator;
use super::error::{Error, Kind};
use super::protocol::WellFormed;
use crate::operation::Operation;

const POOLS: &str = "IdentityPools";
const USER_POOLS: &str = "CognitoIdentityProviders";

/// How long an empty bucket takes to be full.
const FILLS: Duration = Duration::from_secs(1);

/// How many buckets there can be that are not full. Clients name the regions.
const MOST_BUCKETS: usize = 10_000;

/// Which quotas there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Whether any is enforced.
    pub enforced: bool,
    /// Other numbers than AWS's defaults.
    pub overrides: Overrides,
}

/// Quotas by their names: an operation's, in requests per second, or a resource's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, u32>);

impl Overrides {
    /// Reads `NAME=NUMBER`, separated by commas.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(|one| {
                let one = one.trim();
                let (name, number) = one
                    .split_once('=')
                    .ok_or_else(|| format!("`{one}` is not `NAME=NUMBER`"))?;
                if Operation::from_name(name).is_none() && ![POOLS, USER_POOLS].contains(&name) {
                    return Err(format!("`{name}` is not the name of a quota"));
                }
                let number = number
                    .parse()
                    .map_err(|_| format!("`{number}` is not a whole number"))?;
                Ok((name.to_owned(), number))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Quotas {
    /// How many pools there may be in an account and region.
    pub(super) fn pools(&self) -> usize {
        self.resources(POOLS, 1000)
    }

    /// How many clients of user pools there may be in an identity pool.
    pub(super) fn user_pools(&self) -> usize {
        self.resources(USER_POOLS, 50)
    }

    fn resources(&self, name: &str, usual: u32) -> usize {
        if !self.enforced {
            return usize::MAX;
        }
        let most = self.overrides.0.get(name).copied().unwrap_or(usual);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Requests per second; nothing for an operation without a number.
    fn requests(&self, operation: Operation) -> Option<u32> {
        let overridden = self.overrides.0.get(operation.name()).copied();
        overridden.or(match operation {
            Operation::GetId => Some(25),
            Operation::GetOpenIdToken | Operation::GetCredentialsForIdentity => Some(200),
            Operation::GetOpenIdTokenForDeveloperIdentity => Some(50),
            Operation::DeleteIdentities | Operation::ListTagsForResource => Some(10),
            Operation::ListIdentities | Operation::TagResource | Operation::UntagResource => {
                Some(5)
            }
            // AWS publishes no number for the others.
            _ => None,
        })
    }
}

impl Emulator {
    /// Refuses a request that is one too many.
    pub(super) fn within_quotas(&self, request: WellFormed) -> Result<WellFormed, Error> {
        let (quotas, now) = (&self.settings.quotas, self.clock.instant());
        self.buckets
            .take(quotas, &request.region, request.operation, now)
            .map(|()| request)
    }
}

/// What is left of the quotas on requests: for each operation in each region a bucket
/// that holds a second's worth.
///
/// unverified: how much AWS lets through at once.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<Kept>);

/// A bucket that is not there is full.
#[derive(Debug, Default)]
struct Kept {
    buckets: HashMap<(String, Operation), Bucket>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    filled: Instant,
}

impl Buckets {
    /// Takes one request out of its bucket, or refuses it.
    pub(super) fn take(
        &self,
        quotas: &Quotas,
        region: &str,
        operation: Operation,
        now: Instant,
    ) -> Result<(), Error> {
        let Some(rate) = quotas.requests(operation).filter(|_| quotas.enforced) else {
            return Ok(());
        };
        let rate = f64::from(rate);
        let exceeded = || Error::new(Kind::TooManyRequests, "Rate exceeded");
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.sweep(now);
        let key = (region.to_owned(), operation);
        if kept.buckets.len() >= MOST_BUCKETS && !kept.buckets.contains_key(&key) {
            return Err(exceeded());
        }
        let bucket = kept.buckets.entry(key).or_insert(Bucket {
            left: rate,
            filled: now,
        });
        let since = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.left = (bucket.left + since * rate).min(rate);
        bucket.filled = now;
        if bucket.left < 1.0 {
            return Err(exceeded());
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

impl Kept {
    /// Drops the buckets that are full again, once a second: it fills any of them.
    fn sweep(&mut self, now: Instant) {
        let is_since = |then: Instant| now.saturating_duration_since(then) >= FILLS;
        if self.swept.is_none_or(is_since) {
            self.buckets.retain(|_, bucket| !is_since(bucket.filled));
            self.swept = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_invented_regions_are_bounded_and_gone_when_they_are_full() {
        let buckets = Buckets::default();
        let quotas = Quotas {
            enforced: true,
            overrides: Overrides::default(),
        };
        let start = Instant::now();
        let take = |region: usize, now| {
            let region = format!("region-{region}");
            buckets
                .take(&quotas, &region, Operation::GetId, now)
                .is_ok()
        };

        assert!((0..MOST_BUCKETS).all(|region| take(region, start)));
        assert!(!take(MOST_BUCKETS, start));
        assert!(take(0, start));

        assert!(take(MOST_BUCKETS, start + FILLS));
        assert_eq!(buckets.0.lock().unwrap().buckets.len(), 1);
    }
}
