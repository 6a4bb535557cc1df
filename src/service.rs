//! The gRPC service: from a message to AWS's operation and back, and nothing
//! else.

mod rpcs;

use std::future::Future;
use std::sync::Arc;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation as aws;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use prost::Message;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Extensions, Request, Response, Status};

use crate::call::{Deadline, Flow, Held, RequestId, Resource, Subject, Target, Tenant};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::convert::{self, Whole};
use crate::failure::{Failure, Lost};
use crate::notes::{AWS_REQUEST_ID, Notes};
use crate::operation::{Effect, Operation};
use crate::pb;
use crate::status::{self, About};
use crate::upstream::{Outgoing, Upstream};

/// The service over an upstream. It expects the slots that the layers fill.
#[derive(Clone)]
pub struct Service {
    upstream: Arc<Upstream>,
    clock: Clock,
}

impl Service {
    /// A service that calls `upstream`.
    pub fn new(upstream: Arc<Upstream>, clock: Clock) -> Self {
        Self { upstream, clock }
    }

    /// Makes one call: the message becomes AWS's input, AWS's output becomes the
    /// answer.
    async fn call<M, B, O, E, A, F>(
        &self,
        request: Request<M>,
        send: impl FnOnce(Client, B) -> F + Clone,
    ) -> Result<Response<A>, Status>
    where
        B: From<M> + Clone,
        A: From<O> + Whole + Message,
        O: Clone + Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + Send + 'static,
    {
        let (metadata, extensions, message) = request.into_parts();
        let answer = match self.outgoing(&metadata, &extensions) {
            Ok(outgoing) => {
                let input = B::from(message);
                let (target, pool_id) = (outgoing.target.clone(), outgoing.pool_id.clone());
                let (operation, notes) = (outgoing.operation, outgoing.notes.clone());
                let send = |aws| {
                    let sending = send(aws, input);
                    // In there, because it is noted also when nobody waits any more.
                    let noted = move |output: &O| {
                        note_answer::<A>(operation, &notes, || output.clone().into());
                    };
                    async move { sending.await.inspect(noted) }
                };
                let answer = self.upstream.call(outgoing, send).await;
                answer
                    .map(A::from)
                    .inspect(|answer| self.learn(&target, pool_id, answer))
            }
            Err(failure) => Err(failure),
        };
        respond(&extensions, answer)
    }

    /// Changes the fields of a pool that an update mask names.
    async fn update_fields(
        &self,
        request: Request<pb::UpdateIdentityPoolRequest>,
    ) -> Result<Response<pb::UpdateIdentityPoolResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let paths = message.update_mask.clone().unwrap_or_default().paths;
        let answer = match (
            self.outgoing(&metadata, &extensions),
            convert::pool_fields(&paths),
        ) {
            (Ok(outgoing), Ok(fields)) => {
                let notes = outgoing.notes.clone();
                let answered =
                    move |output: &aws::update_identity_pool::UpdateIdentityPoolOutput| {
                        note_answer(Operation::UpdateIdentityPool, &notes, || {
                            pb::UpdateIdentityPoolResponse::from(output.clone())
                        });
                    };
                self.upstream
                    .update_fields(outgoing, message.into(), &fields, &self.clock, answered)
                    .await
            }
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
        };
        let answer = answer.map(pb::UpdateIdentityPoolResponse::from);
        respond(&extensions, answer)
    }

    /// Remembers which identities belong to the pool that was asked about.
    fn learn(&self, target: &Target, pool_id: Option<String>, answer: &impl Whole) {
        if let Some(pool_id) = pool_id {
            let identities = answer.identities_of_pool();
            self.upstream.remember(target, &pool_id, identities);
        }
    }

    /// What upstream has to know about a call, from the slots of the layers.
    fn outgoing(
        &self,
        metadata: &MetadataMap,
        extensions: &Extensions,
    ) -> Result<Outgoing, Failure> {
        let subject = slot::<Arc<Subject>>(extensions)?;
        Ok(Outgoing {
            operation: *slot::<Operation>(extensions)?,
            target: slot::<Target>(extensions)?.clone(),
            region: subject.region.clone(),
            pool_id: match &subject.resource {
                Resource::Pool(id) => Some(id.clone()),
                _ => None,
            },
            caller: slot::<Caller>(extensions)?.clone(),
            flow: *slot::<Flow>(extensions)?,
            // Where nothing is limited, nothing is held.
            held: extensions.get::<Held>().cloned().unwrap_or_default(),
            left: slot::<Deadline>(extensions)?.left(self.clock.instant()),
            notes: slot::<Notes>(extensions)?.clone(),
            tenant: Tenant::of_metadata(
                metadata.get(Tenant::METADATA).map(|name| name.as_bytes()),
            )?,
        })
    }
}

/// A slot that a layer fills. A missing one is our bug and never a default.
fn slot<T: Send + Sync + 'static>(extensions: &Extensions) -> Result<&T, Failure> {
    extensions.get::<T>().ok_or_else(|| Failure::Internal {
        cause: format!("no layer filled in `{}`", std::any::type_name::<T>()),
    })
}

/// Notes the answer of an operation that changes or hands out something.
fn note_answer<A: Message>(operation: Operation, notes: &Notes, answer: impl FnOnce() -> A) {
    if operation.effect() != Effect::Read {
        notes.set_answer(answer().encode_to_vec().into());
    }
}

fn respond<A: Whole>(
    extensions: &Extensions,
    answer: Result<A, Failure>,
) -> Result<Response<A>, Status> {
    let operation = extensions.get().copied();
    let answer = answer.and_then(|answer| match operation {
        Some(operation) if !answer.is_whole() => Err(incomplete(operation, extensions)),
        _ => Ok(answer),
    });
    if let (Ok(answer), Some(notes)) = (&answer, extensions.get::<Notes>())
        && let Some(items) = answer.items()
    {
        notes.set_items(items);
    }
    let mut answer = match answer {
        Ok(answer) => Ok(Response::new(answer)),
        Err(failure) => {
            let about = About {
                operation,
                request_id: extensions.get::<RequestId>(),
                notes: extensions.get::<Notes>(),
                ..About::default()
            };
            Err(status::report(&failure, about))
        }
    };
    let aws_request_id = extensions
        .get::<Notes>()
        .and_then(|notes| notes.aws_request_id());
    if let Some(id) = aws_request_id.and_then(|id| MetadataValue::try_from(id).ok()) {
        let metadata = match &mut answer {
            Ok(response) => response.metadata_mut(),
            Err(status) => status.metadata_mut(),
        };
        metadata.insert(AWS_REQUEST_ID, id);
    }
    answer
}

/// The failure of a call that AWS answered with less than it always does.
fn incomplete(operation: Operation, extensions: &Extensions) -> Failure {
    let aws_request_id = extensions
        .get::<Notes>()
        .and_then(|notes| notes.aws_request_id());
    let lost = Lost {
        http_status: Some(200),
        aws_request_id,
        cause: "an answer that lacks what AWS always returns".to_owned(),
    };
    Failure::lost(operation, lost)
}
