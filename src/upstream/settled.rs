//! How a call ended.

use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::error;
use crate::failure::{Failure, Private};
use crate::notes::Notes;
use crate::operation::Operation;

/// Notes whether doubt remains, and turns an SDK error into a failure.
pub(super) fn settle<O, E>(
    operation: Operation,
    notes: &Notes,
    private: &Private,
    answer: Result<O, SdkError<E, HttpResponse>>,
) -> Result<O, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let settled = answer.map_err(|error| error::failure(operation, private, &error));
    notes.set_in_doubt(settled.as_ref().is_err_and(Failure::is_in_doubt));
    match &settled {
        Ok(_) => notes.set_settled(Ok(())),
        Err(Failure::Aws(error)) => notes.set_settled(Err(error.code.clone())),
        Err(_) => {}
    }
    settled
}
