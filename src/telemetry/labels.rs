//! The values that labels have: a closed set, whatever callers send.

use crate::operation::Operation;
use crate::pb;

/// What a service or method is called that the protocol does not have: callers
/// choose the path, so it may not become a label.
const OTHER: &str = "_OTHER";

pub(super) type MethodLabels = [(&'static str, &'static str); 3];
pub(super) type OutcomeLabels = [(&'static str, &'static str); 4];

/// Why a connection was closed before its first call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many connections are open.
    Limit,
    /// No HTTP/2 preface came in time, or something else came.
    Preface,
    /// The system could not accept it.
    Error,
}

impl Refusal {
    pub(super) fn label(self) -> &'static str {
        match self {
            Refusal::Limit => "limit",
            Refusal::Preface => "preface",
            Refusal::Error => "error",
        }
    }
}

/// The labels of a method; of no particular one when the protocol does not have it.
pub(super) fn method_labels(service: &str, method: &str) -> MethodLabels {
    let (kind, service, method) = known_method(service, method);
    [
        ("grpc_type", kind),
        ("grpc_service", service),
        ("grpc_method", method),
    ]
}

fn known_method(service: &str, method: &str) -> (&'static str, &'static str, &'static str) {
    const HEALTH: &str = "grpc.health.v1.Health";
    const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
    const REFLECTION_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";
    match (service, method) {
        (pb::SERVICE_NAME, name) => Operation::from_name(name)
            .map_or(("unary", pb::SERVICE_NAME, OTHER), |operation| {
                ("unary", pb::SERVICE_NAME, operation.name())
            }),
        (HEALTH, "Check") => ("unary", HEALTH, "Check"),
        (HEALTH, "Watch") => ("server_stream", HEALTH, "Watch"),
        (REFLECTION, "ServerReflectionInfo") => ("bidi_stream", REFLECTION, "ServerReflectionInfo"),
        (REFLECTION_ALPHA, "ServerReflectionInfo") => {
            ("bidi_stream", REFLECTION_ALPHA, "ServerReflectionInfo")
        }
        _ => ("unary", OTHER, OTHER),
    }
}

/// The code's name as Go spells it.
pub(super) fn code_label(name: &str) -> &'static str {
    const CODES: [(&str, &str); 17] = [
        ("OK", "OK"),
        ("CANCELLED", "Canceled"),
        ("UNKNOWN", "Unknown"),
        ("INVALID_ARGUMENT", "InvalidArgument"),
        ("DEADLINE_EXCEEDED", "DeadlineExceeded"),
        ("NOT_FOUND", "NotFound"),
        ("ALREADY_EXISTS", "AlreadyExists"),
        ("PERMISSION_DENIED", "PermissionDenied"),
        ("RESOURCE_EXHAUSTED", "ResourceExhausted"),
        ("FAILED_PRECONDITION", "FailedPrecondition"),
        ("ABORTED", "Aborted"),
        ("OUT_OF_RANGE", "OutOfRange"),
        ("UNIMPLEMENTED", "Unimplemented"),
        ("INTERNAL", "Internal"),
        ("UNAVAILABLE", "Unavailable"),
        ("DATA_LOSS", "DataLoss"),
        ("UNAUTHENTICATED", "Unauthenticated"),
    ];
    CODES
        .iter()
        .find(|(protocol, go)| *protocol == name || *go == name)
        .map_or("Unknown", |(_, go)| go)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_known_and_nothing_else_of_our_service() {
        for operation in Operation::ALL {
            let [_, _, (_, method)] = method_labels(pb::SERVICE_NAME, operation.name());
            assert_eq!(method, operation.name());
        }
        let [_, (_, service), (_, method)] = method_labels(pb::SERVICE_NAME, "Other");
        assert_eq!((service, method), (pb::SERVICE_NAME, OTHER));
    }

    #[test]
    fn both_spellings_of_a_code_give_the_same_label() {
        assert_eq!(code_label("DEADLINE_EXCEEDED"), "DeadlineExceeded");
        assert_eq!(code_label("DeadlineExceeded"), "DeadlineExceeded");
        assert_eq!(code_label("OK"), "OK");
        assert_eq!(code_label("anything"), "Unknown");
    }
}
