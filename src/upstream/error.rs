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

use crate::failure::{AwsError, Failure, Lost, Private};
use crate::operation::Operation;

/// The failure behind an error of the SDK. Callers are not told what is `private`.
pub(super) fn failure<E>(
    operation: Operation,
    private: &Private,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(cause) = source_of::<CredentialsError>(error) {
        return Failure::NoCredentials {
            cause: chain(cause),
        };
    }
    match error {
        SdkError::ServiceError(service) => match service.err().code() {
            Some(code) => Failure::Aws(AwsError {
                code: code.to_owned(),
                message: service.err().message().unwrap_or_default().to_owned(),
                private: private.clone(),
                request_id: service.raw().request_id().map(str::to_owned),
                http_status: service.raw().status().as_u16(),
            }),
            None => Failure::lost(
                operation,
                answered(service.raw(), "an error without a code"),
            ),
        },
        SdkError::ResponseError(response) => Failure::lost(
            operation,
            answered(response.raw(), "an answer that cannot be read"),
        ),
        SdkError::TimeoutError(_) => Failure::late(operation),
        SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
            Some(error) if was_not_sent(error) => Failure::Unreachable(unanswered(error)),
            Some(error) if error.is_timeout() => Failure::late(operation),
            Some(error) => Failure::lost(operation, unanswered(error)),
            None => Failure::lost(operation, Lost::default()),
        },
        SdkError::ConstructionFailure(_) => Failure::Internal {
            cause: format!("the SDK could not build the request of {operation}"),
        },
        _ => Failure::lost(operation, Lost::default()),
    }
}

/// Whether no byte of the request can have left this process: the connection was
/// never made.
pub(super) fn was_not_sent(error: &ConnectorError) -> bool {
    source_of::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

fn answered(raw: &HttpResponse, what: &str) -> Lost {
    Lost {
        http_status: Some(raw.status().as_u16()),
        aws_request_id: raw.request_id().map(str::to_owned),
        cause: what.to_owned(),
    }
}

fn unanswered(error: &ConnectorError) -> Lost {
    Lost {
        cause: chain(error),
        ..Lost::default()
    }
}

/// An error and what caused it. Only errors of connections, of credential providers and of
/// asking for a role come here; none holds a request.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

pub(super) fn source_of<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
