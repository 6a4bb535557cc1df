//! Calls to Amazon Cognito Identity through the AWS SDK.
//!
//! What this room promises:
//!
//! 1. A call goes to the region its resource is in, and to no region that is not
//!    configured.
//! 2. Requests that must not be repeated are on the wire at most once
//!    (`retry`).
//! 3. A write that may have reached AWS is carried to its end, also when the
//!    caller has gone: it runs in a tracked task that a drain waits for.
//! 4. A read ends with its caller's deadline.
//!
//! It knows nothing of callers, of gRPC or of the emulator, which is only an HTTP
//! client to it.

mod clients;
mod error;
mod partial_update;
mod retry;
mod settings;

pub use settings::{KNOWN_REGIONS, Kind, Settings};

use std::future::Future;
use std::time::Duration;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio_util::task::TaskTracker;

use crate::call::Tenant;
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::{Effect, Operation};
use clients::Clients;
use partial_update::PoolLocks;

/// The time kept back from a caller's deadline for the answer's own way.
pub const DEADLINE_MARGIN: Duration = Duration::from_millis(50);

/// The way to AWS.
pub struct Upstream {
    clients: Clients,
    locks: PoolLocks,
    writes: TaskTracker,
}

/// One call on its way out.
#[derive(Clone)]
pub struct Outgoing {
    /// The operation.
    pub operation: Operation,
    /// The region of its resource, where it names one.
    pub region: Option<String>,
    /// How long the caller still waits.
    pub left: Duration,
    /// Where to note what outer rooms want to know.
    pub notes: Notes,
    /// Whose store of the emulator is meant, where the caller says so.
    pub tenant: Option<Tenant>,
}

impl Upstream {
    /// Sets everything up; nothing is sent. `http_client` stands in for the
    /// network. Writes under way are tracked in `writes`.
    pub async fn new(
        settings: Settings,
        http_client: Option<SharedHttpClient>,
        writes: TaskTracker,
    ) -> Self {
        Self {
            clients: Clients::new(settings, http_client).await,
            locks: PoolLocks::default(),
            writes,
        }
    }

    /// Makes one call. `send` is given the client to send with.
    ///
    /// # Errors
    ///
    /// Every way AWS or the way there can fail, and
    /// [`Failure::DeadlineExceeded`] when too little time is left to start.
    pub async fn call<O, E, F>(
        &self,
        outgoing: Outgoing,
        send: impl FnOnce(Client) -> F,
    ) -> Result<O, Failure>
    where
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + Send + 'static,
        O: RequestId + Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let left = outgoing.left.saturating_sub(DEADLINE_MARGIN);
        if left.is_zero() {
            return Err(Failure::DeadlineExceeded);
        }
        let client = self
            .clients
            .get(outgoing.region.as_deref(), outgoing.operation)?;
        let client = match &outgoing.tenant {
            Some(tenant) => self.clients.of_tenant(&client, tenant)?,
            None => client,
        };
        let sending = send(client);
        if outgoing.operation.effect() == Effect::Write {
            self.write(outgoing, sending).await
        } else {
            let answer = tokio::time::timeout(left, sending)
                .await
                .map_err(|_| Failure::DeadlineExceeded)?;
            settle(outgoing.operation, &outgoing.notes, answer)
        }
    }

    async fn write<O, E>(
        &self,
        outgoing: Outgoing,
        sending: impl Future<Output = Result<O, SdkError<E, HttpResponse>>> + Send + 'static,
    ) -> Result<O, Failure>
    where
        O: RequestId + Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        outgoing.notes.set_write_started();
        let task = self.writes.spawn(async move {
            let answer = sending.await;
            settle(outgoing.operation, &outgoing.notes, answer)
        });
        task.await.unwrap_or_else(|error| {
            Err(Failure::Internal {
                cause: format!("the task of a write ended early: {error}"),
            })
        })
    }
}

/// Notes AWS's request identifier and turns an SDK error into a failure.
fn settle<O, E>(
    operation: Operation,
    notes: &Notes,
    answer: Result<O, SdkError<E, HttpResponse>>,
) -> Result<O, Failure>
where
    O: RequestId,
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(output) => {
            if let Some(id) = output.request_id() {
                notes.set_aws_request_id(id);
            }
            Ok(output)
        }
        Err(error) => {
            let failure = error::failure(operation, &error);
            if let Failure::Aws(error) = &failure
                && let Some(id) = &error.request_id
            {
                notes.set_aws_request_id(id);
            }
            Err(failure)
        }
    }
}
