//! Every metric: its name, its labels and what it means.

mod caches;
mod calls;
mod forwarding;
pub mod itself;
pub mod process;
mod quota_store;
mod tls;
pub mod upstream;

use std::fmt::Write;

pub use caches::{CACHE_ENTRIES, CACHE_REQUESTS};
pub use calls::{HANDLED, HANDLING, MESSAGES_RECEIVED, MESSAGES_SENT, STARTED};
pub use forwarding::{
    AUDIT_FORWARD_FAILURES, AUDIT_FORWARD_LAG, AUDIT_FORWARD_SKIPPED, AUDIT_FORWARDED,
};
pub use quota_store::{
    QUOTA_STORE_DAMAGED, QUOTA_STORE_DEGRADED, QUOTA_STORE_FAILURES, QUOTA_STORE_MISSED,
    QUOTA_STORE_SECONDS,
};
pub use tls::CERTIFICATE_EXPIRY;

/// A metric as it appears in the exposition.
#[derive(Debug)]
pub struct Name {
    /// The full name, suffix included.
    pub name: &'static str,
    /// Counter, gauge, histogram or info.
    pub kind: &'static str,
    /// The labels.
    pub labels: &'static [&'static str],
    /// What it counts, in one sentence with the unit.
    pub meaning: &'static str,
}

/// Which version runs.
pub const BUILD: Name = Name {
    name: "poolgate_build_info",
    kind: "info",
    labels: &["version"],
    meaning: "Always 1; the label says which version runs.",
};

/// Open connections.
pub const CONNECTIONS: Name = Name {
    name: "poolgate_connections",
    kind: "gauge",
    labels: &[],
    meaning: "Open connections to the gRPC listener.",
};

/// Connections closed before their first call.
pub const REFUSED: Name = Name {
    name: "poolgate_connections_refused_total",
    kind: "counter",
    labels: &["reason"],
    meaning: "Connections closed before their first call: `limit` (too many are open), `address` (too many of its address are), `handshakes` (too many had not greeted, and it was the oldest of the address that had most), `preface` (no HTTP/2 preface in time, or another protocol), `tls` (no TLS handshake in time, or a refused one), `error` (the system could not accept).",
};

/// Connections to the admin port that had to go.
pub const ADMIN_CROWDED_OUT: Name = Name {
    name: "poolgate_admin_connections_crowded_out_total",
    kind: "counter",
    labels: &[],
    meaning: "Connections to the admin port that were ended because more than 64 were open, and they for longest. Probes and scrapers are few: somebody holds on to connections.",
};

/// Connections that we have ended.
pub const ENDED: Name = Name {
    name: "poolgate_connections_ended_total",
    kind: "counter",
    labels: &["reason"],
    meaning: "Connections whose peer was told to go away because of its `age`, because it was `idle`, because its certificate is no longer good (`trust`) or because 100 of its calls in a minute had no credentials that hold or were not looked at (`in_vain`), and connections closed because of a `flood` of frames that belong to no call, or because their peer took nothing of its answers for too long (`stall`).",
};

/// Panics caught.
pub const PANICS: Name = Name {
    name: "poolgate_panics_total",
    kind: "counter",
    labels: &[],
    meaning: "Panics caught while a call was handled. Each is a defect.",
};

/// Callers told apart or refused.
pub const AUTHENTICATIONS: Name = Name {
    name: "poolgate_authentications_total",
    kind: "counter",
    labels: &["method", "outcome"],
    meaning: "Calls whose caller was told apart (`ok`) or `refused`, by `method`: `anonymous`, `certificate`, `process`, `jwt`, `token`, `both` (two that do not go together), `none` (no proof at all).",
};

/// Decisions of policies.
pub const DECISIONS: Name = Name {
    name: "poolgate_policy_decisions_total",
    kind: "counter",
    labels: &["grpc_method", "decision"],
    meaning: "Decisions of the policies: `allowed`, `forbidden` (by a policy), `not_permitted` (by none), `error` (a policy could not be evaluated).",
};

/// Decisions of shadow policies.
pub const SHADOW_DECISIONS: Name = Name {
    name: "poolgate_policy_shadow_decisions_total",
    kind: "counter",
    labels: &["grpc_method", "outcome"],
    meaning: "What the shadow policies would have changed, and did not: `same`, `would_allow`, `would_deny`.",
};

/// Decisions of limits.
pub const QUOTA_DECISIONS: Name = Name {
    name: "poolgate_quota_decisions_total",
    kind: "counter",
    labels: &["limit", "grpc_method", "decision"],
    meaning: "Decisions of the limits, by their names: `admitted`, `refused`, and of limits that are only tried `shadow_admitted`, `shadow_refused`.",
};

/// Keys that are counted.
pub const QUOTA_KEYS: Name = Name {
    name: "poolgate_quota_keys",
    kind: "gauge",
    labels: &[],
    meaning: "Keys that have consumed something of a limit which is not given back yet: one for each caller, limit and window. 100000 are the most; it is counted each 10 seconds.",
};

/// Calls that were counted together.
pub const QUOTA_CROWDED: Name = Name {
    name: "poolgate_quota_crowded_total",
    kind: "counter",
    labels: &[],
    meaning: "Calls of callers for whom there was no key, so that they were counted with others as one caller.",
};

/// Calls of addresses that failed too often.
pub const QUOTA_BRAKED: Name = Name {
    name: "poolgate_quota_braked_total",
    kind: "counter",
    labels: &[],
    meaning: "Calls that were refused before their credentials were looked at, because too many from their address had failed.",
};

/// How often changed files were read.
pub const RELOADS: Name = Name {
    name: "poolgate_reloads_total",
    kind: "counter",
    labels: &["what", "outcome"],
    meaning: "Changes seen in files that are watched, by what they hold and by `outcome`: `ok` (in use) or `failed` (the last good ones stay in use).",
};

/// Whether the newest files are bad.
pub const RELOAD_FAILING: Name = Name {
    name: "poolgate_reload_failing",
    kind: "gauge",
    labels: &["what"],
    meaning: "1 while the newest content of watched files is bad and older content is in use, else 0.",
};

/// Records in the journal.
pub const AUDIT_RECORDS: Name = Name {
    name: "poolgate_audit_records_total",
    kind: "counter",
    labels: &[],
    meaning: "Records written to the audit journal, its own included.",
};

/// Bytes in the journal.
pub const AUDIT_BYTES: Name = Name {
    name: "poolgate_audit_bytes_total",
    kind: "counter",
    labels: &[],
    meaning: "Bytes written to the audit journal.",
};

/// Syncs of the journal.
pub const AUDIT_SYNCS: Name = Name {
    name: "poolgate_audit_syncs_total",
    kind: "counter",
    labels: &[],
    meaning: "Times that records of the audit journal were made durable; many records share one.",
};

/// Failures of the journal.
pub const AUDIT_FAILURES: Name = Name {
    name: "poolgate_audit_failures_total",
    kind: "counter",
    labels: &[],
    meaning: "Attempts to write to the audit journal that failed. What fails is tried again.",
};

/// Whether the journal fails.
pub const AUDIT_FAILING: Name = Name {
    name: "poolgate_audit_failing",
    kind: "gauge",
    labels: &[],
    meaning: "1 while the audit journal cannot be written and calls are refused, else 0.",
};

/// Every metric.
pub fn all() -> impl Iterator<Item = &'static Name> {
    HERE.iter()
        .chain(upstream::ALL)
        .chain(process::ALL)
        .chain(itself::ALL)
        .chain(caches::ALL)
        .copied()
}

const HERE: &[&Name] = &[
    &STARTED,
    &HANDLED,
    &MESSAGES_RECEIVED,
    &MESSAGES_SENT,
    &HANDLING,
    &BUILD,
    &CONNECTIONS,
    &REFUSED,
    &ADMIN_CROWDED_OUT,
    &ENDED,
    &PANICS,
    &AUTHENTICATIONS,
    &DECISIONS,
    &SHADOW_DECISIONS,
    &QUOTA_DECISIONS,
    &QUOTA_KEYS,
    &QUOTA_CROWDED,
    &QUOTA_BRAKED,
    &QUOTA_STORE_DEGRADED,
    &QUOTA_STORE_SECONDS,
    &QUOTA_STORE_FAILURES,
    &QUOTA_STORE_MISSED,
    &QUOTA_STORE_DAMAGED,
    &RELOADS,
    &RELOAD_FAILING,
    &CERTIFICATE_EXPIRY,
    &AUDIT_RECORDS,
    &AUDIT_BYTES,
    &AUDIT_SYNCS,
    &AUDIT_FAILURES,
    &AUDIT_FAILING,
    &AUDIT_FORWARDED,
    &AUDIT_FORWARD_FAILURES,
    &AUDIT_FORWARD_SKIPPED,
    &AUDIT_FORWARD_LAG,
];

impl Name {
    /// The name to register: the exposition format adds the suffixes of counters
    /// and infos by itself.
    pub(super) fn registered(&self) -> &'static str {
        self.name
            .strip_suffix("_total")
            .or_else(|| self.name.strip_suffix("_info"))
            .unwrap_or(self.name)
    }

    /// The meaning without its full stop, which the exposition format adds.
    pub(super) fn help(&self) -> &'static str {
        self.meaning.strip_suffix('.').unwrap_or(self.meaning)
    }
}

/// The metrics as a Markdown table.
pub fn reference() -> String {
    let mut table = String::from("| Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n");
    for metric in all() {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        // Writing into a `String` cannot fail.
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind,
            labels.join(", "),
            metric.meaning
        );
    }
    table
}
