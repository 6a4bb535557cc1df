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
//! 5. A call that would hit an AWS that is slow or fails is not made (`overload`), and no
//!    call is made that whoever guards the account does not [admit](Admission). What is not
//!    made is not in doubt.
//!
//! It knows nothing of callers, of gRPC or of the emulator, which is only an HTTP
//! client to it.

mod admission;
mod attempts;
mod clients;
mod error;
mod known;
mod meter;
mod overload;
mod partial_update;
mod retry;
mod settings;
mod writes;

pub use admission::{Admission, Admitted, Asked};
pub use known::{ABSENCE_LASTS, TAGS_LAST, Tags};
pub use meter::{Circuit, Meter, Shed};
pub use settings::{KNOWN_REGIONS, Kind, Settings, Spare};

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::call::{Flow, Held, Tenant};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::{Effect, Operation};
use attempts::Sending;
use clients::Clients;
use known::Known;
use meter::Untold;
use overload::Overload;
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
    overload: Overload,
    admission: Option<Arc<dyn Admission>>,
    meter: Arc<dyn Meter>,
    clock: Clock,
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
    /// Whose it is, for those who share AWS's quotas among callers.
    pub flow: Flow,
    /// What is let go when nothing of the call is under way any more.
    pub held: Held,
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
        let (clock, meter) = (Clock::system(), Arc::new(Untold));
        Self::metered(settings, http_client, writes, clock, meter).await
    }

    /// The same by a clock that goes as timers do, and `meter` is told.
    pub async fn metered(
        settings: Settings,
        http_client: Option<SharedHttpClient>,
        writes: TaskTracker,
        clock: Clock,
        meter: Arc<dyn Meter>,
    ) -> Self {
        Self {
            writes: Writes::new(settings.max_writes, writes),
            overload: Overload::new(&settings, clock.clone(), Arc::clone(&meter)),
            clients: Clients::new(settings, http_client).await,
            known: Known::default(),
            locks: PoolLocks::default(),
            admission: None,
            meter,
            clock,
        }
    }

    /// The same, and no call is made that is not admitted.
    #[must_use]
    pub fn admitted_by(mut self, admission: Option<Arc<dyn Admission>>) -> Self {
        self.admission = admission;
        self
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
    /// no time is left to start, [`Failure::TooManyWrites`], what the call is not admitted
    /// with, and [`Failure::UpstreamOverloaded`] and [`Failure::CircuitOpen`].
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
            flow,
            held,
            left,
            notes,
            tenant,
        } = outgoing;
        let left = left.saturating_sub(DEADLINE_MARGIN.min(left / 10));
        if left.is_zero() {
            return Err(Failure::DeadlineExceeded);
        }
        let region = self.clients.region(region.as_deref())?;
        let client = self.clients.get(region, operation);
        let client = match &tenant {
            Some(tenant) => self.clients.of_tenant(&client, tenant)?,
            None => client,
        };
        // Before the call waits for anything, because it would wait in vain.
        self.overload.check(region, operation, flow)?;
        let room = match operation.effect() {
            Effect::Write => Some(self.writes.room()?),
            Effect::Read | Effect::Issue => None,
        };
        let asked = Asked {
            operation,
            region,
            flow,
            left,
        };
        let (admitted, left) = self.admitted(asked, &notes).await?;
        let under_way = self.overload.enter(region, operation, flow)?;
        notes.set_in_doubt(operation.leaves_doubt());
        let sending = Arc::new(Sending {
            region: region.to_owned(),
            operation,
            notes: notes.clone(),
            admitted,
            meter: Arc::clone(&self.meter),
            throttled: Default::default(),
        });
        let settled = {
            let notes = notes.clone();
            let request = send(client);
            let known = self.known.clone();
            async move {
                let settled = settle(operation, &notes, sending.noted(request).await);
                let failure = settled.as_ref().err();
                sending.ended(failure);
                under_way.end(failure);
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
                let held = (room, lock, held);
                self.writes.carry(operation, notes, settled, held).await
            }
            None => match tokio::time::timeout(left, settled).await {
                Ok(settled) => settled,
                Err(_) if operation.leaves_doubt() => Err(Failure::DeadlineExceededInDoubt),
                Err(_) => Err(Failure::DeadlineExceeded),
            },
        }
    }

    /// Waits until the call may be made; says how much time is left then.
    async fn admitted(
        &self,
        asked: Asked<'_>,
        notes: &Notes,
    ) -> Result<(Option<Box<dyn Admitted>>, Duration), Failure> {
        let Some(admission) = &self.admission else {
            return Ok((None, asked.left));
        };
        let began = self.clock.instant();
        let waiting = tokio::time::timeout(asked.left, admission.admit(asked));
        let admitted = waiting.await.map_err(|_| Failure::DeadlineExceeded)??;
        let waited = admitted.waited();
        if !waited.is_zero() {
            notes.set_quota_wait(waited);
        }
        let since = self.clock.instant().saturating_duration_since(began);
        match asked.left.saturating_sub(since) {
            Duration::ZERO => Err(Failure::DeadlineExceeded),
            left => Ok((Some(admitted), left)),
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
