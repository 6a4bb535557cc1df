//! How often a request is put on the wire, how AWS names each time, and which it throttles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
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

use super::admission::Admitted;
use super::meter::Meter;
use super::retry::{error_code, is_throttle};
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::Operation;
use crate::trace;

tokio::task_local! {
    /// The call that the task makes. Clients are shared among calls, so that what stands in a
    /// client cannot know whose attempt it sees.
    static CALL: Arc<Sending>;
}

/// A call whose requests are put on the wire.
pub(super) struct Sending {
    pub(super) region: String,
    pub(super) operation: Operation,
    pub(super) notes: Notes,
    /// What it is signed with, where it brings that along.
    pub(super) credentials: Option<Credentials>,
    pub(super) admitted: Option<Box<dyn Admitted>>,
    pub(super) meter: Arc<dyn Meter>,
    /// Whether the last request was throttled, and that was told.
    pub(super) throttled: AtomicBool,
}

/// The span of the attempt that is under way.
#[derive(Debug)]
struct UnderWay(Span);

impl Storable for UnderWay {
    type Storer = StoreReplace<Self>;
}

impl Sending {
    /// Makes the call, and takes note of its requests.
    pub(super) async fn noted<T>(self: &Arc<Self>, call: impl Future<Output = T>) -> T {
        CALL.scope(Arc::clone(self), call).await
    }

    /// Takes note of how the call ended, for throttles that only the body tells of.
    pub(super) fn ended(&self, failure: Option<&Failure>) {
        let throttled = matches!(failure, Some(Failure::Aws(error)) if is_throttle(&error.code));
        if throttled && !self.throttled.load(Ordering::Relaxed) {
            self.throttled();
        }
    }

    fn sent(&self) {
        self.notes.count_attempt();
        self.throttled.store(false, Ordering::Relaxed);
        self.meter.sent(&self.region, self.operation);
        if let Some(admitted) = &self.admitted {
            admitted.sent();
        }
    }

    fn throttled(&self) {
        self.throttled.store(true, Ordering::Relaxed);
        self.meter.throttled(&self.region, self.operation);
        if let Some(admitted) = &self.admitted {
            admitted.throttled();
        }
    }
}

/// The credentials that the call brings along. Clients are shared among callers, and each
/// caller has a session of its own.
#[derive(Debug)]
pub(super) struct CredentialsOfCall;

impl ProvideCredentials for CredentialsOfCall {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let of_call = CALL.try_with(|call| call.credentials.clone()).ok();
        let none = || CredentialsError::not_loaded("the call brings no credentials along");
        future::ProvideCredentials::ready(of_call.flatten().ok_or_else(none))
    }
}

/// Takes note of each attempt, and of AWS's identifier of each that is answered; each has a
/// span, and tells AWS of it.
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
        let attempt = CALL.try_with(|call| {
            call.sent();
            call.notes.attempts()
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
        let response = context.response();
        let _ = CALL.try_with(|call| {
            if let Some(id) = response.request_id().filter(|id| !id.is_empty()) {
                call.notes.add_aws_request_id(id);
            }
            if error_code(response).is_some_and(is_throttle) {
                call.throttled();
            }
        });
        Ok(())
    }
}
