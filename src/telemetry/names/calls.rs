//! Calls, under the names of gRPC's own middleware, so that its dashboards fit.

use super::Name;

/// Calls begun.
pub const STARTED: Name = Name {
    name: "grpc_server_started_total",
    kind: "counter",
    labels: &["grpc_type", "grpc_service", "grpc_method"],
    meaning: "Calls begun.",
};

/// Calls ended.
pub const HANDLED: Name = Name {
    name: "grpc_server_handled_total",
    kind: "counter",
    labels: &["grpc_type", "grpc_service", "grpc_method", "grpc_code"],
    meaning: "Calls ended, whatever the outcome.",
};

/// Messages of callers.
pub const MESSAGES_RECEIVED: Name = Name {
    name: "grpc_server_msg_received_total",
    kind: "counter",
    labels: &["grpc_type", "grpc_service", "grpc_method"],
    meaning: "Messages that have come from callers, whole.",
};

/// Messages to callers.
pub const MESSAGES_SENT: Name = Name {
    name: "grpc_server_msg_sent_total",
    kind: "counter",
    labels: &["grpc_type", "grpc_service", "grpc_method"],
    meaning: "Messages that have gone to callers: answers, but for errors, which are no messages.",
};

/// How long calls took.
pub const HANDLING: Name = Name {
    name: "grpc_server_handling_seconds",
    kind: "histogram",
    labels: &["grpc_type", "grpc_service", "grpc_method"],
    meaning: "Seconds from the start of a call to its end.",
};
