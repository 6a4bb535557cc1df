//! One conversion from the SDK's errors for all operations.
//!
//! By code *string*: `ValidationException`, `AccessDeniedException` and others
//! are not in the SDK's enums. Nothing of the SDK is formatted here; its `Debug`
//! prints secrets.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::failure::{AwsError, Failure};
use crate::operation::{Effect, Operation, Repeat};

/// The failure behind an error of the SDK.
pub(super) fn failure<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if source_of::<CredentialsError>(error).is_some() {
        return Failure::BackendCredentials { code: None };
    }
    match error {
        SdkError::ServiceError(service) => {
            let raw = service.raw();
            let http_status = raw.status().as_u16();
            match service.err().code() {
                Some(code) => Failure::Aws(AwsError {
                    code: code.to_owned(),
                    message: service.err().message().unwrap_or_default().to_owned(),
                    request_id: raw.request_id().map(str::to_owned),
                    http_status,
                }),
                None => lost(operation, Some(http_status), "an answer that is not AWS's"),
            }
        }
        SdkError::ResponseError(response) => {
            let http_status = response.raw().status().as_u16();
            lost(operation, Some(http_status), "half an answer")
        }
        SdkError::TimeoutError(_) => timeout(operation),
        SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
            Some(error) if was_not_sent(error) => Failure::Unreachable,
            Some(error) if error.is_timeout() => timeout(operation),
            Some(_) => lost(operation, None, "the connection was lost"),
            None => Failure::Unreachable,
        },
        SdkError::ConstructionFailure(_) => Failure::Internal {
            cause: format!("the SDK could not build the request of {operation}"),
        },
        _ => lost(operation, None, "an unknown error of the SDK"),
    }
}

/// Whether no byte of the request can have left this process: the connection was
/// never made.
pub(super) fn was_not_sent(error: &ConnectorError) -> bool {
    source_of::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

fn timeout(operation: Operation) -> Failure {
    if leaves_doubt(operation) {
        Failure::DeadlineExceededInDoubt
    } else {
        Failure::UpstreamTimeout
    }
}

fn lost(operation: Operation, http_status: Option<u16>, what: &str) -> Failure {
    if leaves_doubt(operation) {
        Failure::OutcomeUnknown(what.to_owned())
    } else if http_status.is_some() {
        Failure::UnreadableAnswer { http_status }
    } else {
        Failure::Unreachable
    }
}

/// Whether a lost answer leaves it open if something was changed.
fn leaves_doubt(operation: Operation) -> bool {
    operation.effect() == Effect::Write || operation.repeat() == Repeat::Once
}

fn source_of<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
