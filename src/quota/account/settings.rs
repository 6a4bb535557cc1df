//! What can be set about the account's quotas.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::published::published;
use crate::operation::Operation;

/// Quotas of operations, in requests per second.
pub(super) type Quotas = BTreeMap<Operation, u32>;

/// What a file of limits says about the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How much of each quota poolgate uses, in percent: the rest is what clocks and ways
    /// differ by, and what others use.
    pub share: u32,
    /// The account's quotas, where they are not those that AWS publishes.
    pub quotas: BTreeMap<Operation, u32>,
    /// The same for single regions.
    pub regions: BTreeMap<String, BTreeMap<Operation, u32>>,
    /// Whoever has one of these roles comes after all others.
    pub batch_roles: BTreeSet<String>,
    /// How long a call may wait for its turn.
    pub max_wait: Duration,
    /// How many calls of an operation may wait in a region.
    pub max_waiting: usize,
    /// How many of them may be of one caller.
    pub max_waiting_of_caller: usize,
    /// Whether a file says anything of it.
    pub is_written: bool,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            share: 98,
            quotas: BTreeMap::new(),
            regions: BTreeMap::new(),
            batch_roles: BTreeSet::new(),
            max_wait: Duration::from_secs(2),
            max_waiting: 1024,
            max_waiting_of_caller: 64,
            is_written: false,
        }
    }
}

impl Account {
    /// The account's quota on an operation in a region, where it is known.
    pub(super) fn quota(&self, region: &str, operation: Operation) -> Option<u32> {
        let here = self.regions.get(region);
        let set = here.and_then(|quotas| quotas.get(&operation));
        let set = set.or_else(|| self.quotas.get(&operation));
        set.copied()
            .or_else(|| published(operation).map(|published| published.rate))
    }

    /// How many requests one of so many replicas makes in a second, where that is bounded.
    pub(super) fn rate(&self, region: &str, operation: Operation, replicas: u32) -> Option<f64> {
        let quota = f64::from(self.quota(region, operation)?);
        Some(quota * f64::from(self.share) / 100.0 / f64::from(replicas.max(1)))
    }
}

/// A line for everything that differs from what AWS publishes, for operators.
impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} % of AWS's quotas", self.share)?;
        if !self.batch_roles.is_empty() {
            let roles: Vec<&str> = self.batch_roles.iter().map(String::as_str).collect();
            write!(formatter, ", role {} last", roles.join(", "))?;
        }
        let wait = humantime::format_duration(self.max_wait);
        let (all, one) = (self.max_waiting, self.max_waiting_of_caller);
        write!(formatter, "; {all} wait up to {wait}, {one} of each caller")?;
        let everywhere = ("everywhere", &self.quotas);
        let regions = self.regions.iter();
        let regions = regions.map(|(region, quotas)| (region.as_str(), quotas));
        for (place, quotas) in std::iter::once(everywhere).chain(regions) {
            if !quotas.is_empty() {
                let quotas = quotas.iter();
                let quotas: Vec<String> = quotas
                    .map(|(operation, rate)| format!("{operation} {rate}/s"))
                    .collect();
                write!(formatter, "\n{place}: {}", quotas.join(", "))?;
            }
        }
        Ok(())
    }
}
