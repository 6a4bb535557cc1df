//! An error answer, told to people.

use std::error::Error;

use prost_reflect::{DynamicMessage, Value};
use tonic::{Code, Status, TimeoutExpired};

use super::super::{Console, client, exit};
use super::json;
use crate::pb;

/// Tells code, message and details; gives back the exit code.
pub(super) fn report(status: &Status, console: &mut Console<'_>) -> u8 {
    let code = code(status);
    match printable(&client::describe(status)) {
        message if message.is_empty() => console.complain(name(code)),
        message => console.complain(format_args!("{}: {message}", name(code))),
    }
    for detail in details(status.details()) {
        console.complain(detail);
    }
    u8::try_from(code as i32).map_or(exit::FAILURE, |code| exit::GRPC + code)
}

/// The client's own timer says "cancelled" when the deadline passes before the
/// server's answer is here.
fn code(status: &Status) -> Code {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return Code::DeadlineExceeded;
        }
        cause = error.source();
    }
    status.code()
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Each detail as JSON with its type in `@type`.
fn details(bytes: &[u8]) -> Vec<String> {
    let status = pb::descriptors()
        .get_message_by_name("google.rpc.Status")
        .and_then(|status| DynamicMessage::decode(status, bytes).ok());
    let details = status.and_then(|mut status| status.take_field_by_name("details"));
    let Some(Value::List(details)) = details else {
        return Vec::new();
    };
    details
        .iter()
        .filter_map(Value::as_message)
        .map(|detail| {
            let known = type_of(detail)
                .is_some_and(|name| pb::descriptors().get_message_by_name(&name).is_some());
            if known {
                json::print(detail)
            } else {
                format!(
                    "a detail of unknown type {}",
                    type_of(detail).unwrap_or_default()
                )
            }
        })
        .collect()
}

fn type_of(detail: &DynamicMessage) -> Option<String> {
    let url = detail.get_field_by_name("type_url")?;
    let (_, name) = url.as_str()?.rsplit_once('/')?;
    Some(printable(name))
}

/// What a server says must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, StatusExt};

    use super::super::super::tests::on_console;
    use super::*;

    #[test]
    fn code_message_and_details_are_told() {
        let mut details = ErrorDetails::new();
        details.set_error_info(
            "POOL_NOT_FOUND",
            "poolgate",
            [("pool".to_owned(), "eu-west-1:0a".to_owned())],
        );
        let status = Status::with_error_details(Code::NotFound, "no such\u{1b}[31m pool", details);

        let (exit, output, errors) = on_console("", |console| report(&status, console));

        assert_eq!(exit, 64 + 5);
        assert_eq!(output, "");
        assert!(
            errors.starts_with("NOT_FOUND: no such\u{fffd}[31m pool\n"),
            "{errors}"
        );
        let detail = errors.split_once('\n').unwrap().1;
        let detail: serde_json::Value = serde_json::from_str(detail).unwrap();
        assert_eq!(detail["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
        assert_eq!(detail["reason"], "POOL_NOT_FOUND");
        assert_eq!(detail["metadata"]["pool"], "eu-west-1:0a");
    }

    #[test]
    fn a_detail_of_unknown_type_is_named() {
        // google.rpc.Status { details: [Any { type_url: "x/a.B" }] }
        let status = Status::with_details(Code::Aborted, "", b"\x1a\x07\x0a\x05x/a.B"[..].into());

        let (exit, _, errors) = on_console("", |console| report(&status, console));

        assert_eq!(exit, 64 + 10);
        assert!(
            errors.ends_with("a detail of unknown type a.B\n"),
            "{errors}"
        );
    }
}
