//! What one callers file makes of credentials. It is replaced as a whole.

use std::sync::Arc;
use std::time::Instant;

use super::cache::Cache;
use super::callers::Callers;
use super::issuer::{Issuer, Keys};
use super::keys::KeySet;
use super::provider::Provider;

pub(super) struct Current {
    pub(super) callers: Callers,
    pub(super) cache: Cache,
    /// The keys of each issuer, in their order.
    sources: Vec<Source>,
}

/// Where an issuer's keys are at hand.
pub(super) enum Source {
    Written(KeySet),
    Fetched(Arc<Provider>),
}

impl Current {
    pub(super) fn new(callers: Callers) -> Self {
        Self::after(callers, &[])
    }

    /// What other callers make of credentials. Fetched keys stay where their address
    /// does; nothing that was verified does.
    pub(super) fn with(&self, callers: Callers) -> Self {
        Self::after(callers, &self.sources)
    }

    fn after(callers: Callers, before: &[Source]) -> Self {
        let mut sources: Vec<Source> = Vec::new();
        for issuer in &callers.issuers {
            sources.push(match &issuer.keys {
                Keys::Written(keys) => Source::Written(keys.clone()),
                Keys::Fetched(url) => {
                    let kept = provider_of(url, before).or_else(|| provider_of(url, &sources));
                    Source::Fetched(kept.unwrap_or_else(|| Arc::new(Provider::new(url))))
                }
            });
        }
        Self {
            sources,
            callers,
            cache: Cache::new(),
        }
    }

    /// An issuer by its name.
    pub(super) fn issuer(&self, name: &str) -> Option<(&Issuer, &Source)> {
        let mut issuers = self.callers.issuers.iter().zip(&self.sources);
        issuers.find(|(issuer, _)| issuer.issuer == name)
    }

    /// Whether keys of an issuer are at hand.
    pub(super) fn has_keys(&self, now: Instant) -> bool {
        self.sources.iter().any(|source| match source {
            Source::Fetched(provider) => provider.has_keys(now),
            Source::Written(_) => true,
        })
    }

    /// Those whose keys are fetched.
    pub(super) fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.sources.iter().filter_map(|source| match source {
            Source::Fetched(provider) => Some(provider),
            Source::Written(_) => None,
        })
    }
}

/// The one that fetches from an address, so that no address is asked twice.
fn provider_of(url: &str, sources: &[Source]) -> Option<Arc<Provider>> {
    sources.iter().find_map(|source| match source {
        Source::Fetched(provider) if provider.url() == url => Some(Arc::clone(provider)),
        _ => None,
    })
}
