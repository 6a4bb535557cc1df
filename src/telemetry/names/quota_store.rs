//! What is told of Redis, where it counts callers.

use super::Name;

/// Whether limits are counted by each replica alone.
pub const QUOTA_STORE_DEGRADED: Name = Name {
    name: "poolgate_quota_store_degraded",
    kind: "gauge",
    labels: &[],
    meaning: "1 while Redis is meant to count callers and does not, so that this replica decides alone; otherwise 0.",
};

/// How long Redis took.
pub const QUOTA_STORE_SECONDS: Name = Name {
    name: "poolgate_quota_store_seconds",
    kind: "histogram",
    labels: &[],
    meaning: "Seconds until Redis has decided about a call.",
};

/// Why Redis has not decided.
pub const QUOTA_STORE_FAILURES: Name = Name {
    name: "poolgate_quota_store_failures_total",
    kind: "counter",
    labels: &["reason"],
    meaning: "Questions to Redis without a decision, attempts to connect among them: `timeout`, `connection`, `authentication`, `read_only`, `refused` (another error), `settings` (a file that cannot be used).",
};

/// What was decided without Redis.
pub const QUOTA_STORE_MISSED: Name = Name {
    name: "poolgate_quota_store_missed_total",
    kind: "counter",
    labels: &["decision"],
    meaning: "Calls that were decided without Redis, though it is meant to: `local` (by this replica alone), `denied` (as `quota.on_store_failure` has it).",
};

/// What was damaged in Redis.
pub const QUOTA_STORE_DAMAGED: Name = Name {
    name: "poolgate_quota_store_damaged_total",
    kind: "counter",
    labels: &[],
    meaning: "Values in Redis that were replaced because they were none of poolgate's, or said that more is owed than can be: somebody else writes there.",
};
