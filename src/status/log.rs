//! What operators have to know about a failure that callers are not told.

use super::About;
use super::aws::is_told;
use crate::failure::{Denial, Failure};

/// Logs a failure that is AWS's or ours; those that callers can mend are in the line
/// of their call.
pub(super) fn failure(failure: &Failure, about: About<'_>) {
    let operation = about.operation.map(|operation| operation.name());
    let request_id = about.request_id.map(|id| id.as_str());
    match failure {
        Failure::Internal { cause } => {
            tracing::error!(
                operation,
                request_id,
                cause,
                "a call failed inside poolgate"
            );
        }
        Failure::NoCredentials { cause } => {
            tracing::error!(
                operation,
                request_id,
                cause,
                "poolgate has no AWS credentials"
            );
        }
        Failure::OutcomeUnknown(lost)
        | Failure::Unreachable(lost)
        | Failure::UnreadableAnswer(lost) => {
            tracing::error!(
                operation,
                request_id,
                aws_request_id = lost.aws_request_id,
                http_status = lost.http_status,
                cause = lost.cause,
                "{failure}"
            );
        }
        // What a stranger sent; not worth a warning, and the caller is not told.
        Failure::Unauthenticated { cause } => {
            tracing::info!(
                operation,
                request_id,
                cause,
                "a caller is not authenticated"
            );
        }
        // The line of the call does not say which policy it was.
        Failure::PermissionDenied(Denial::Forbidden(_) | Denial::NotPermitted) => {
            tracing::info!(operation, request_id, "{failure}");
        }
        Failure::PermissionDenied(Denial::Unevaluated { cause }) => {
            tracing::error!(operation, request_id, cause, "{failure}");
        }
        Failure::RoleRefused { cause, .. } | Failure::RoleUnavailable { cause, .. } => {
            tracing::error!(operation, request_id, cause, "{failure}");
        }
        Failure::PolicyFactsUnavailable { cause } => {
            tracing::warn!(operation, request_id, cause, "{failure}");
        }
        Failure::Unrecorded { cause } => {
            tracing::error!(operation, request_id, cause, "{failure}");
        }
        Failure::DeadlineExceededInDoubt | Failure::UpstreamTimeout => {
            tracing::warn!(operation, request_id, "{failure}");
        }
        Failure::Aws(error) if !is_told(error, about.operation) => {
            tracing::error!(
                operation,
                request_id,
                aws_request_id = error.request_id,
                http_status = error.http_status,
                aws_error_code = error.code,
                aws_error_message = error.message,
                "AWS refused a call of poolgate"
            );
        }
        _ => {}
    }
}
