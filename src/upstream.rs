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
//! 6. Where targets are set up, a call goes to the one that was chosen for it, and is made
//!    with a session of the caller's own where the target has a role (`ways`, `sessions`).
//!
//! It knows nothing of callers but their names, and nothing of gRPC or of the emulator,
//! which is only an HTTP client to it.

mod admission;
mod attempts;
mod bounded;
mod choice;
mod clients;
mod error;
mod known;
mod meter;
mod outgoing;
mod overload;
mod partial_update;
mod pool_locks;
mod probe;
mod renewal;
mod retry;
mod sessions;
mod settings;
mod settled;
mod targets;
mod ways;
mod writes;

pub use admission::{Admission, Admitted, Asked};
pub use known::{ABSENCE_LASTS, TAGS_LAST, Tags};
pub use meter::{Assumed, Circuit, Meter, Shed};
pub use outgoing::Outgoing;
pub use settings::{KNOWN_REGIONS, Kind, Settings, Spare};
pub use targets::{ExternalId, RoleArn, RoleSettings, TargetSettings};

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::call::{Target, Unclear};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::Effect;
use attempts::Sending;
use meter::Untold;
use pool_locks::PoolLock;
use renewal::Renewal;
use settled::settle;
use ways::Ways;
use writes::Writes;

/// The most time kept back from a caller's deadline for the answer's own way; a
/// short deadline gives a tenth of itself.
pub const DEADLINE_MARGIN: Duration = Duration::from_millis(50);

/// The way to AWS.
pub struct Upstream {
    ways: Ways,
    writes: Writes,
    admission: Option<Arc<dyn Admission>>,
    clock: Clock,
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
            ways: Ways::new(settings, http_client, &clock, &meter).await,
            admission: None,
            clock,
        }
    }

    /// The same, and no call is made that is not admitted.
    #[must_use]
    pub fn admitted_by(mut self, admission: Option<Arc<dyn Admission>>) -> Self {
        self.admission = admission;
        self
    }

    /// The target of a call for a resource in a region, or for none. A call may name its
    /// target in its metadata.
    ///
    /// # Errors
    ///
    /// Why none is chosen: the metadata names no target, or has to name one and does not, or
    /// the region is not the target's.
    pub fn choose(&self, named: Option<&[u8]>, region: Option<&str>) -> Result<Target, Unclear> {
        self.ways.choose(named, region)
    }

    /// Makes one call. `send` is given the client to send with.
    ///
    /// Changes of one pool's configuration go one after the other: a partial update
    /// reads the pool and sends all of it, and must not undo a change in between.
    ///
    /// What AWS refuses for the sake of a session is made once more with another one.
    ///
    /// # Errors
    ///
    /// Every way AWS or the way there can fail, [`Failure::DeadlineExceeded`] when
    /// no time is left to start, [`Failure::TooManyWrites`], what the call is not admitted
    /// with, and [`Failure::UpstreamOverloaded`] and [`Failure::CircuitOpen`].
    pub async fn call<O, E, F>(
        &self,
        outgoing: Outgoing,
        send: impl FnOnce(Client) -> F + Clone,
    ) -> Result<O, Failure>
    where
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + Send + 'static,
        O: Send + 'static,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let make = |mut outgoing: Outgoing, renewal| async {
            let lock = match &outgoing.pool_id {
                Some(pool_id) if outgoing.operation.changes_pool() => {
                    let (lock, left) = self.lock(&outgoing, pool_id).await?;
                    outgoing.left = left;
                    Some(lock)
                }
                _ => None,
            };
            self.call_holding(lock, renewal, outgoing, send).await
        };
        self.renewing(outgoing, make).await
    }

    async fn call_holding<O, E, F>(
        &self,
        lock: Option<PoolLock>,
        renewal: Renewal,
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
            target,
            region,
            pool_id,
            caller,
            flow,
            held,
            left,
            notes,
            tenant,
        } = outgoing;
        let way = Arc::clone(self.ways.to(&target)?);
        let left = left.saturating_sub(margin(left));
        if left.is_zero() {
            return Err(Failure::DeadlineExceeded);
        }
        let region = way.clients.region(region.as_deref())?;
        let client = way.clients.get(region, operation);
        let client = match &tenant {
            Some(tenant) => way.clients.of_tenant(&client, tenant)?,
            None => client,
        };
        // Before the call waits for anything, because it would wait in vain.
        way.overload.check(region, operation, flow)?;
        // Before it has a turn, because others would wait as long as it does.
        let (credentials, left) = self.credentials(&way, operation, &caller, left).await?;
        let room = match operation.effect() {
            Effect::Write => Some(self.writes.room()?),
            Effect::Read | Effect::Issue => None,
        };
        let asked = Asked {
            operation,
            account: way.target.account.as_deref(),
            region,
            flow,
            left,
        };
        let (admitted, left) = self.admitted(asked, &notes).await?;
        let under_way = way.overload.enter(region, operation, flow)?;
        notes.begin_try(operation.leaves_doubt());
        let sending = Arc::new(Sending {
            region: region.to_owned(),
            operation,
            notes: notes.clone(),
            credentials,
            admitted,
            meter: Arc::clone(&way.meter),
            throttled: Default::default(),
        });
        let settled = {
            let notes = notes.clone();
            let request = send(client);
            let way = Arc::clone(&way);
            async move {
                let answer = sending.noted(request).await;
                let settled = settle(operation, &notes, &way.private, answer);
                let failure = settled.as_ref().err();
                sending.ended(failure);
                under_way.end(failure);
                // Also after a failure, which may have come too late to change nothing.
                if let (Effect::Write, Some(pool_id)) = (operation.effect(), &pool_id) {
                    way.known.forget_tags(pool_id);
                }
                if way.forget_session(&caller, &sending, failure) {
                    renewal.set_due();
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
        Ok((Some(admitted), self.still(asked.left, began)?))
    }
}

/// How much of the time that is left is kept back for the answer's own way.
fn margin(left: Duration) -> Duration {
    DEADLINE_MARGIN.min(left / 10)
}
