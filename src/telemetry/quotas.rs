//! The counters of limits.

use std::borrow::Cow;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::add;
use super::names;
use crate::rpc::Rpc;

/// The name of a limit is the operator's, of whom there is one.
type Labels = [(&'static str, Cow<'static, str>); 3];

/// What becomes of calls by limits.
#[derive(Debug, Default)]
pub(super) struct QuotaMetrics {
    decisions: Family<Labels, Counter>,
    keys: Gauge,
    crowded: Counter,
    braked: Counter,
}

impl QuotaMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        add(registry, &names::QUOTA_DECISIONS, self.decisions.clone());
        add(registry, &names::QUOTA_KEYS, self.keys.clone());
        add(registry, &names::QUOTA_CROWDED, self.crowded.clone());
        add(registry, &names::QUOTA_BRAKED, self.braked.clone());
    }

    pub(super) fn decided(&self, rpc: Rpc, limit: &str, decision: &'static str) {
        let labels = [
            ("limit", Cow::from(limit.to_owned())),
            ("grpc_method", Cow::from(rpc.method)),
            ("decision", Cow::from(decision)),
        ];
        self.decisions.get_or_create(&labels).inc();
    }

    pub(super) fn keys(&self, keys: usize) {
        self.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }

    pub(super) fn crowded(&self) {
        self.crowded.inc();
    }

    pub(super) fn braked(&self) {
        self.braked.inc();
    }
}
