//! How often a request was put on the wire, and how AWS names each time.

use aws_sdk_cognitoidentity::operation::RequestId;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use tracing::Span;

use crate::notes::Notes;
use crate::trace;

tokio::task_local! {
    /// The slip of the call that the task makes. Clients are shared among calls, so that
    /// what stands in a client cannot know whose attempt it sees.
    static NOTES: Notes;
}

/// Makes a call whose attempts are noted.
pub(super) async fn noted<T>(notes: Notes, call: impl Future<Output = T>) -> T {
    NOTES.scope(notes, call).await
}

/// The span of the attempt that is under way.
#[derive(Debug)]
struct UnderWay(Span);

impl Storable for UnderWay {
    type Storer = StoreReplace<Self>;
}

/// Notes each attempt, and AWS's identifier of each that is answered; each has a span, and
/// tells AWS of it.
#[derive(Debug)]
pub(super) struct NoteAttempts;

impl Intercept for NoteAttempts {
    fn name(&self) -> &'static str {
        "NoteAttempts"
    }

    // After signing, so that a proxy which continues the trace breaks no signature.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Outside of a call nobody wants to know.
        let attempt = NOTES.try_with(|notes| {
            notes.count_attempt();
            notes.attempts()
        });
        let operation = config.load::<Metadata>().map_or("", Metadata::name);
        let span = trace::of_attempt(operation, attempt.unwrap_or(1));
        for (name, value) in trace::headers(&span) {
            context.request_mut().headers_mut().insert(name, value);
        }
        config.interceptor_state().store_put(UnderWay(span));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(UnderWay(span)) = config.load::<UnderWay>() {
            let response = context.response();
            let status = response.map(|response| response.status().as_u16());
            trace::end_attempt(span, status, response.and_then(RequestId::request_id));
        }
        config.interceptor_state().unset::<UnderWay>();
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
