//! The counters of forwarding. There are as many targets as the configuration has.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::{Metrics, add};
use super::names;
use crate::audit::forward::{Meter, Skipped};

type Target = [(&'static str, String); 1];
type Reason = [(&'static str, String); 2];

/// What becomes of lines that are forwarded.
#[derive(Debug, Default)]
pub(super) struct ForwardingMetrics {
    forwarded: Family<Target, Counter>,
    failures: Family<Target, Counter>,
    skipped: Family<Reason, Counter>,
    lag: Family<Target, Gauge>,
}

impl ForwardingMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        add(registry, &names::AUDIT_FORWARDED, self.forwarded.clone());
        let failures = self.failures.clone();
        add(registry, &names::AUDIT_FORWARD_FAILURES, failures);
        add(
            registry,
            &names::AUDIT_FORWARD_SKIPPED,
            self.skipped.clone(),
        );
        add(registry, &names::AUDIT_FORWARD_LAG, self.lag.clone());
    }
}

impl Meter for Metrics {
    fn target(&self, target: &str) {
        let forwarding = self.forwarding();
        drop(forwarding.forwarded.get_or_create(&of(target)));
        drop(forwarding.failures.get_or_create(&of(target)));
        for why in Skipped::ALL {
            drop(forwarding.skipped.get_or_create(&reason(target, why)));
        }
        forwarding.lag.get_or_create(&of(target)).set(0);
    }

    fn forwarded(&self, target: &str, lines: u64) {
        let forwarded = &self.forwarding().forwarded;
        forwarded.get_or_create(&of(target)).inc_by(lines);
    }

    fn failed(&self, target: &str) {
        self.forwarding().failures.get_or_create(&of(target)).inc();
    }

    fn skipped(&self, target: &str, why: Skipped, lines: u64) {
        let skipped = &self.forwarding().skipped;
        skipped.get_or_create(&reason(target, why)).inc_by(lines);
    }

    fn behind(&self, target: &str, lines: u64) {
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        self.forwarding().lag.get_or_create(&of(target)).set(lines);
    }
}

fn of(target: &str) -> Target {
    [("target", target.to_owned())]
}

fn reason(target: &str, why: Skipped) -> Reason {
    [
        ("target", target.to_owned()),
        ("reason", why.word().to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_their_target() {
        let metrics = Metrics::new();
        let target = "otlp+http://127.0.0.1:4318";
        metrics.target(target);
        metrics.target("syslog+unix:///dev/log");

        metrics.forwarded(target, 5);
        Meter::failed(&metrics, target);
        metrics.skipped(target, Skipped::Refused, 2);
        metrics.behind(target, 7);

        let text = metrics.encode();
        for line in [
            r#"poolgate_audit_forwarded_total{target="otlp+http://127.0.0.1:4318"} 5"#,
            r#"poolgate_audit_forwarded_total{target="syslog+unix:///dev/log"} 0"#,
            r#"poolgate_audit_forward_failures_total{target="otlp+http://127.0.0.1:4318"} 1"#,
            r#"poolgate_audit_forward_skipped_total{target="otlp+http://127.0.0.1:4318",reason="refused"} 2"#,
            r#"poolgate_audit_forward_skipped_total{target="otlp+http://127.0.0.1:4318",reason="missing"} 0"#,
            r#"poolgate_audit_forward_lag_lines{target="otlp+http://127.0.0.1:4318"} 7"#,
        ] {
            assert!(
                text.contains(&format!("\n{line}\n")),
                "{line} is not in:\n{text}"
            );
        }
    }
}
