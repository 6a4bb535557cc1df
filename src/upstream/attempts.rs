//! How often a request was put on the wire, and how AWS names each time.

use aws_sdk_cognitoidentity::operation::RequestId;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::notes::Notes;

tokio::task_local! {
    /// The slip of the call that the task makes. Clients are shared among calls, so that
    /// what stands in a client cannot know whose attempt it sees.
    static NOTES: Notes;
}

/// Makes a call whose attempts are noted.
pub(super) async fn noted<T>(notes: Notes, call: impl Future<Output = T>) -> T {
    NOTES.scope(notes, call).await
}

/// Notes each attempt, and AWS's identifier of each that is answered.
#[derive(Debug)]
pub(super) struct NoteAttempts;

impl Intercept for NoteAttempts {
    fn name(&self) -> &'static str {
        "NoteAttempts"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Outside of a call nobody wants to know.
        let _ = NOTES.try_with(|notes| notes.count_attempt());
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let id = context.response().request_id();
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            let _ = NOTES.try_with(|notes| notes.add_aws_request_id(id));
        }
        Ok(())
    }
}
