//! What becomes of the audit journal elsewhere.

use super::Name;

/// Lines that were forwarded.
pub const AUDIT_FORWARDED: Name = Name {
    name: "poolgate_audit_forwarded_total",
    kind: "counter",
    labels: &["target"],
    meaning: "Lines of the audit journal that a target took, those included that it was sent again.",
};

/// Failures of targets.
pub const AUDIT_FORWARD_FAILURES: Name = Name {
    name: "poolgate_audit_forward_failures_total",
    kind: "counter",
    labels: &["target"],
    meaning: "Attempts to forward lines of the audit journal that failed. What fails is tried again.",
};

/// Lines that are not forwarded.
pub const AUDIT_FORWARD_SKIPPED: Name = Name {
    name: "poolgate_audit_forward_skipped_total",
    kind: "counter",
    labels: &["target", "reason"],
    meaning: "Lines of the audit journal that a target does not get: `missing` (removed before they were forwarded), `refused` (answered with 400 or 413, sent alone), `rejected` (by a collector that took the others), `too_long` (for a datagram).",
};

/// How far targets are behind.
pub const AUDIT_FORWARD_LAG: Name = Name {
    name: "poolgate_audit_forward_lag_lines",
    kind: "gauge",
    labels: &["target"],
    meaning: "Lines of the audit journal that are on the disk and not known to be at a target. Over TCP that is known after five seconds.",
};
