//! gRPC codes as words, for logs and metrics.

use http::HeaderMap;
use tonic::{Code, Status};

/// The header or trailer with a call's code.
const GRPC_STATUS: &str = "grpc-status";
/// The word for a call that its caller gave up.
pub const CANCELLED: &str = "Canceled";

/// How much an operator cares about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Success, or something the caller can mend.
    Expected,
    /// The caller went away.
    Gone,
    /// Something is wrong with poolgate or what it depends on.
    Ours,
}

/// The word for a value of `grpc-status`, as the Go middleware writes it, so
/// that stock dashboards read our metrics. What is missing or not a code is
/// `Unknown`.
pub fn code_name(header: Option<&str>) -> &'static str {
    word(header.map_or(Code::Unknown, |code| Code::from_bytes(code.as_bytes())))
}

/// The word for the code in headers or trailers, if there is one.
pub fn code_in(headers: &HeaderMap) -> Option<&'static str> {
    let code = headers.get(GRPC_STATUS)?;
    Some(code_name(code.to_str().ok()))
}

/// The word for the code of a status.
pub fn code_of(status: &Status) -> &'static str {
    word(status.code())
}

fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => CANCELLED,
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

/// How much an operator cares about a code's word.
pub fn severity(code_name: &str) -> Severity {
    match code_name {
        CANCELLED => Severity::Gone,
        "Internal" | "DataLoss" | "Unavailable" => Severity::Ours,
        _ => Severity::Expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_as_in_the_go_middleware() {
        assert_eq!(code_name(Some("0")), "OK");
        assert_eq!(code_name(Some("5")), "NotFound");
        for unknown in [None, Some("2"), Some("99"), Some("x")] {
            assert_eq!(code_name(unknown), "Unknown");
        }
    }
}
