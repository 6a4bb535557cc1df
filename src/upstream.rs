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

mod attempts;
mod clients;
mod error;
mod known;
mod partial_update;
mod retry;
mod settings;
mod writes;

pub use known::{ABSENCE_LASTS, TAGS_LAST, Tags};
pub use settings::{KNOWN_REGIONS, Kind, Settings};

use std::future::Future;
use std::time::Duration;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::call::Tenant;
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::{Effect, Operation};
use attempts::noted;
use clients::Clients;
use known::Known;
use partial_update::{PoolLock, PoolLocks};
use writes::Writes;

/// The most time kept back from a caller's deadline for the answer's own way; a
/// short deadline gives a tenth of itself.
pub const DEADLINE_MARGIN: Duration = Duration::from_millis(50);

/// The way to AWS.
pub struct Upstream {
    clients: Clients,
    known: Known,
    locks: PoolLocks,
    writes: Writes,
}

/// One call on its way out.
#[derive(Clone)]
pub struct Outgoing {
    /// The operation.
    pub operation: Operation,
    /// The region of its resource, where it names one.
    pub region: Option<String>,
    /// The pool it names, where it names one.
    pub pool_id: Option<String>,
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
            writes: Writes::new(settings.max_writes, writes),
            clients: Clients::new(settings, http_client).await,
            known: Known::default(),
            locks: PoolLocks::default(),
        }
    }

    /// The number of the AWS account that is called, where it is known.
    pub fn account_id(&self) -> Option<&str> {
        self.clients.account_id()
    }

    /// Makes one call. `send` is given the client to send with.
    ///
    /// Changes of one pool's configuration go one after the other: a partial update
    /// reads the pool and sends all of it, and must not undo a change in between.
    ///
    /// # Errors
    ///
    /// Every way AWS or the way there can fail, [`Failure::DeadlineExceeded`] when
    /// no time is left to start and [`Failure::TooManyWrites`].
    pub async fn call<O, E, F>(
        &self,
        outgoing: Outgoing,
        send: impl FnOnce(Client) -> F,
    ) -> Result<O, Failure>
    where
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + Send + 'static,
        O: Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let lock = match &outgoing.pool_id {
            Some(pool_id) if outgoing.operation.changes_pool() => {
                Some(self.locks.lock(pool_id).await)
            }
            _ => None,
        };
        self.call_holding(lock, outgoing, send).await
    }

    async fn call_holding<O, E, F>(
        &self,
        lock: Option<PoolLock>,
        outgoing: Outgoing,
        send: impl FnOnce(Client) -> F,
    ) -> Result<O, Failure>
    where
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + Send + 'static,
        O: Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let Outgoing {
            operation,
            region,
            pool_id,
            left,
            notes,
            tenant,
        } = outgoing;
        let left = left.saturating_sub(DEADLINE_MARGIN.min(left / 10));
        if left.is_zero() {
            return Err(Failure::DeadlineExceeded);
        }
        let client = self.clients.get(region.as_deref(), operation)?;
        let client = match &tenant {
            Some(tenant) => self.clients.of_tenant(&client, tenant)?,
            None => client,
        };
        let room = match operation.effect() {
            Effect::Write => Some(self.writes.room()?),
            Effect::Read | Effect::Issue => None,
        };
        notes.set_in_doubt(operation.leaves_doubt());
        let settled = {
            let notes = notes.clone();
            let sending = send(client);
            let known = self.known.clone();
            async move {
                let settled = settle(operation, &notes, noted(notes.clone(), sending).await);
                // Also after a failure, which may have come too late to change nothing.
                if let (Effect::Write, Some(pool_id)) = (operation.effect(), &pool_id) {
                    known.forget_tags(pool_id);
                }
                settled
            }
            // A write goes on in a task of its own, below the same span.
            .in_current_span()
        };
        match room {
            Some(room) => {
                let held = (room, lock);
                self.writes.carry(operation, notes, settled, held).await
            }
            None => match tokio::time::timeout(left, settled).await {
                Ok(settled) => settled,
                Err(_) if operation.leaves_doubt() => Err(Failure::DeadlineExceededInDoubt),
                Err(_) => Err(Failure::DeadlineExceeded),
            },
        }
    }
}

/// Notes whether doubt remains, and turns an SDK error into a failure.
fn settle<O, E>(
    operation: Operation,
    notes: &Notes,
    answer: Result<O, SdkError<E, HttpResponse>>,
) -> Result<O, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let settled = answer.map_err(|error| error::failure(operation, &error));
    notes.set_in_doubt(settled.as_ref().is_err_and(Failure::is_in_doubt));
    match &settled {
        Ok(_) => notes.set_settled(Ok(())),
        Err(Failure::Aws(error)) => notes.set_settled(Err(error.code.clone())),
        Err(_) => {}
    }
    settled
}
