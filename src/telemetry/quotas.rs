//! The counters of limits.

use std::borrow::Cow;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::metrics::{Metrics, add};
use super::names;
use crate::quota::StoreMeter;
use crate::rpc::Rpc;

/// The name of a limit is the operator's, of whom there is one.
type Labels = [(&'static str, Cow<'static, str>); 3];

type Reason = [(&'static str, &'static str); 1];

/// Upper bounds in seconds. Redis beside us decides in a tenth of a millisecond; 20 of
/// them are the most by default.
const BUCKETS: [f64; 9] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1,
];

/// What becomes of calls by limits.
#[derive(Debug)]
pub(super) struct QuotaMetrics {
    decisions: Family<Labels, Counter>,
    keys: Gauge,
    crowded: Counter,
    braked: Counter,
    degraded: Gauge,
    answered: Histogram,
    failures: Family<Reason, Counter>,
    missed: Family<Reason, Counter>,
    damaged: Counter,
}

impl Default for QuotaMetrics {
    fn default() -> Self {
        Self {
            decisions: Family::default(),
            keys: Gauge::default(),
            crowded: Counter::default(),
            braked: Counter::default(),
            degraded: Gauge::default(),
            answered: Histogram::new(BUCKETS),
            failures: Family::default(),
            missed: Family::default(),
            damaged: Counter::default(),
        }
    }
}

impl QuotaMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        add(registry, &names::QUOTA_DECISIONS, self.decisions.clone());
        add(registry, &names::QUOTA_KEYS, self.keys.clone());
        add(registry, &names::QUOTA_CROWDED, self.crowded.clone());
        add(registry, &names::QUOTA_BRAKED, self.braked.clone());
        let degraded = self.degraded.clone();
        add(registry, &names::QUOTA_STORE_DEGRADED, degraded);
        let answered = self.answered.clone();
        add(registry, &names::QUOTA_STORE_SECONDS, answered);
        let failures = self.failures.clone();
        add(registry, &names::QUOTA_STORE_FAILURES, failures);
        add(registry, &names::QUOTA_STORE_MISSED, self.missed.clone());
        let damaged = self.damaged.clone();
        add(registry, &names::QUOTA_STORE_DAMAGED, damaged);
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

impl StoreMeter for Metrics {
    fn store(&self, reasons: &[&'static str]) {
        let quotas = self.quotas();
        for reason in reasons {
            drop(quotas.failures.get_or_create(&[("reason", *reason)]));
        }
        for decision in ["local", "denied"] {
            drop(quotas.missed.get_or_create(&[("decision", decision)]));
        }
    }

    fn store_answered(&self, took: Duration) {
        self.quotas().answered.observe(took.as_secs_f64());
    }

    fn store_damaged(&self, values: u64) {
        self.quotas().damaged.inc_by(values);
    }

    fn store_failed(&self, reason: &'static str) {
        let failures = &self.quotas().failures;
        failures.get_or_create(&[("reason", reason)]).inc();
    }

    fn store_degraded(&self, degraded: bool) {
        self.quotas().degraded.set(i64::from(degraded));
    }

    fn store_missed(&self, decision: &'static str) {
        let missed = &self.quotas().missed;
        missed.get_or_create(&[("decision", decision)]).inc();
    }
}
