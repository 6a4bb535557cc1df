//! What goes to AWS, and who waits for it. The labels `target` and `account` are there where
//! targets are set up.

use super::Name;

/// Requests on the wire.
pub const UPSTREAM_REQUESTS: Name = Name {
    name: "poolgate_upstream_requests_total",
    kind: "counter",
    labels: &["target", "region", "grpc_method"],
    meaning: "Requests that were put on the wire to AWS, repetitions included.",
};

/// Throttles.
pub const UPSTREAM_THROTTLES: Name = Name {
    name: "poolgate_upstream_throttles_total",
    kind: "counter",
    labels: &["target", "region", "grpc_method"],
    meaning: "Requests that AWS has throttled.",
};

/// Calls that were shed.
pub const UPSTREAM_SHED: Name = Name {
    name: "poolgate_upstream_shed_total",
    kind: "counter",
    labels: &["target", "region", "grpc_method", "reason"],
    meaning: "Calls that were not made, to spare an AWS that is slow or fails: `overloaded` (as many are under way as it bears), `circuit_open` (the operation fails).",
};

/// Calls under way.
pub const UPSTREAM_IN_FLIGHT: Name = Name {
    name: "poolgate_upstream_in_flight",
    kind: "gauge",
    labels: &["target", "region"],
    meaning: "Calls under way to AWS, where calls are shed if need be.",
};

/// How many may be.
pub const UPSTREAM_IN_FLIGHT_LIMIT: Name = Name {
    name: "poolgate_upstream_in_flight_limit",
    kind: "gauge",
    labels: &["target", "region"],
    meaning: "How many calls may be under way to AWS: `upstream.max_in_flight`, and fewer while it is slow.",
};

/// Circuit breakers.
pub const UPSTREAM_BREAKER: Name = Name {
    name: "poolgate_upstream_circuit_open",
    kind: "gauge",
    labels: &["target", "region", "grpc_method"],
    meaning: "Circuit breakers that have been open since the start: 1 is open, 0.5 is being tried, 0 is closed.",
};

/// How the last probe ended.
pub const UPSTREAM_PROBE: Name = Name {
    name: "poolgate_upstream_probe_success",
    kind: "gauge",
    labels: &["target"],
    meaning: "How the last probe of the upstream ended, where `upstream.probe_interval` is set: 1 AWS answered, 0 it did not, or does not take poolgate's credentials.",
};

/// Sessions that were asked for.
pub const UPSTREAM_SESSIONS: Name = Name {
    name: "poolgate_upstream_sessions_total",
    kind: "counter",
    labels: &["target", "outcome"],
    meaning: "Sessions of targets' roles that the Security Token Service was asked for: `given`, `refused` (the role, or this caller), `unavailable` (no answer, or a failure), `no_credentials` (poolgate's own are not there, or are not taken).",
};

/// How long that took.
pub const UPSTREAM_SESSION_SECONDS: Name = Name {
    name: "poolgate_upstream_session_seconds",
    kind: "histogram",
    labels: &["target"],
    meaning: "Seconds until a session that was asked for was there, or was not to be had.",
};

/// Decisions of the guard.
pub const ACCOUNT_DECISIONS: Name = Name {
    name: "poolgate_account_decisions_total",
    kind: "counter",
    labels: &["account", "region", "grpc_method", "decision"],
    meaning: "What became of calls at the account's quotas: `admitted` at once, `waited` for their turn, `refused`.",
};

/// Calls that wait.
pub const ACCOUNT_WAITING: Name = Name {
    name: "poolgate_account_waiting",
    kind: "gauge",
    labels: &["account", "region", "grpc_method"],
    meaning: "Calls that wait for their turn at the account's quotas.",
};

/// The rate that is in force.
pub const ACCOUNT_RATE: Name = Name {
    name: "poolgate_account_rate",
    kind: "gauge",
    labels: &["account", "region", "grpc_method"],
    meaning: "How many requests are made in a second at most: the share of AWS's quota, and less after AWS has throttled. It is counted each second.",
};

/// All of these.
pub(super) const ALL: &[&Name] = &[
    &UPSTREAM_REQUESTS,
    &UPSTREAM_THROTTLES,
    &UPSTREAM_SHED,
    &UPSTREAM_IN_FLIGHT,
    &UPSTREAM_IN_FLIGHT_LIMIT,
    &UPSTREAM_BREAKER,
    &UPSTREAM_PROBE,
    &UPSTREAM_SESSIONS,
    &UPSTREAM_SESSION_SECONDS,
    &ACCOUNT_DECISIONS,
    &ACCOUNT_WAITING,
    &ACCOUNT_RATE,
];
