//! The counters of the audit journal.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::{Metrics, add};
use super::names;
use crate::audit::Meter;

/// What becomes of records.
#[derive(Debug, Default)]
pub(super) struct JournalMetrics {
    records: Counter,
    bytes: Counter,
    syncs: Counter,
    failures: Counter,
    failing: Gauge,
}

impl JournalMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        add(registry, &names::AUDIT_RECORDS, self.records.clone());
        add(registry, &names::AUDIT_BYTES, self.bytes.clone());
        add(registry, &names::AUDIT_SYNCS, self.syncs.clone());
        add(registry, &names::AUDIT_FAILURES, self.failures.clone());
        add(registry, &names::AUDIT_FAILING, self.failing.clone());
    }
}

impl Metrics {
    /// Records are not taken any more, or again.
    pub fn journal_failing(&self, failing: bool) {
        self.journal().failing.set(i64::from(failing));
    }
}

impl Meter for Metrics {
    fn written(&self, records: usize, bytes: usize, synced: bool) {
        let journal = self.journal();
        let whole = |count| u64::try_from(count).unwrap_or(u64::MAX);
        journal.records.inc_by(whole(records));
        journal.bytes.inc_by(whole(bytes));
        journal.syncs.inc_by(u64::from(synced));
    }

    fn failed(&self) {
        self.journal().failures.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_failures_are_counted() {
        let metrics = Metrics::new();

        metrics.written(3, 1_000, true);
        metrics.written(2, 500, false);
        metrics.failed();
        metrics.journal_failing(true);

        let text = metrics.encode();
        for line in [
            "poolgate_audit_records_total 5",
            "poolgate_audit_bytes_total 1500",
            "poolgate_audit_syncs_total 1",
            "poolgate_audit_failures_total 1",
            "poolgate_audit_failing 1",
        ] {
            assert!(
                text.contains(&format!("\n{line}\n")),
                "{line} is not in:\n{text}"
            );
        }
    }
}
