//! From a call to its records.

use std::future::{Future, ready};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::Either;
use uuid::Uuid;

use super::begun::Begun;
use super::events::Origin;
use super::journal::{Durability, Intent, Journal, Kind, Place, Unavailable};
use super::line::Draft;
use super::record::{Call, Ending};
use super::redact::MacKey;
use super::settings::Sync;
use super::strangers::{Strangers, Summary, Verdict, summary_event};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::notes::Told;
use crate::operation::{Effect, Operation};

/// Opens an entry for each call.
pub struct Recorder {
    journal: Journal,
    origin: Origin,
    key: Option<MacKey>,
    sync: Sync,
    strangers: Strangers,
    clock: Clock,
}

/// The entry of a call under way. It is closed once; what closes it later does nothing.
pub struct Entry {
    recorder: Arc<Recorder>,
    begun: Begun,
    operation: Option<Operation>,
    /// Binds intent and outcome. It is ours, because callers choose their own names and may
    /// choose one twice.
    shared: Uuid,
    started: Instant,
    refusal: Option<Unavailable>,
    place: Mutex<Option<Place>>,
    saw: OnceLock<&'static str>,
}

impl Recorder {
    /// Writes to `journal`. Values that may be looked for are shown by `key`.
    pub fn new(
        journal: Journal,
        origin: Origin,
        key: Option<MacKey>,
        sync: Sync,
        clock: Clock,
    ) -> Self {
        Self {
            journal,
            origin,
            key,
            sync,
            strangers: Strangers::new(clock.clone()),
            clock,
        }
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Opens the entry of a call: its outcome has a place in the journal from here on.
    ///
    /// # Errors
    ///
    /// When no place becomes free within [`PLACE_WAIT`](super::journal::PLACE_WAIT).
    pub async fn begin(recorder: &Arc<Self>, begun: Begun) -> Result<Entry, Unavailable> {
        let started = recorder.clock.instant();
        let place = recorder.journal.place().await?;
        Ok(Entry {
            recorder: Arc::clone(recorder),
            operation: Operation::from_path(&begun.path),
            begun,
            shared: Uuid::now_v7(),
            started,
            refusal: recorder.journal.refuses(),
            place: Mutex::new(Some(place)),
            saw: OnceLock::new(),
        })
    }

    /// Records the summaries of strangers whose minute is over. To be called about each
    /// second.
    ///
    /// # Errors
    ///
    /// When the journal does not take them.
    pub async fn summarize(&self) -> Result<(), Unavailable> {
        self.record_summaries(self.strangers.due()).await
    }

    /// Records what is left of summaries, and closes the journal within `limit`.
    ///
    /// # Errors
    ///
    /// When something could not be recorded.
    pub async fn close(&self, limit: Duration) -> Result<(), Unavailable> {
        let rest = self.record_summaries(self.strangers.rest()).await;
        self.journal.close(limit).await.and(rest)
    }

    async fn record_summaries(&self, summaries: Vec<Summary>) -> Result<(), Unavailable> {
        for summary in summaries {
            let place = self.journal.place().await?;
            let draft = summary_event(&summary, &self.origin);
            place.close(draft, Kind::Other, Durability::Written).await?;
        }
        Ok(())
    }
}

impl Entry {
    /// The operation, if it is one.
    pub fn operation(&self) -> Option<Operation> {
        self.operation
    }

    fn effect(&self) -> Option<Effect> {
        self.operation.map(Operation::effect)
    }

    /// Why the call has to be refused: the journal takes no records at the moment.
    pub fn refusal(&self) -> Option<Unavailable> {
        self.refusal.clone()
    }

    /// Records that a call that changes or hands out something is about to be made.
    /// Nothing is recorded of reads.
    ///
    /// # Errors
    ///
    /// When that is not durable in time. The call must not be made then.
    pub fn intend(&self, told: &Told) -> impl Future<Output = Result<(), Unavailable>> + use<> {
        let place = self.place();
        let operation = self.operation.filter(|one| one.effect() != Effect::Read);
        let (Some(place), Some(operation)) = (place.as_ref(), operation) else {
            return Either::Right(ready(Ok(())));
        };
        let event = Uuid::now_v7();
        let intent = Intent {
            shared: self.shared,
            event,
            operation: operation.name(),
        };
        let draft = self.draft(told, event, Ending::Intended);
        Either::Left(place.write(draft, Kind::Intent(intent), Durability::Synced))
    }

    /// Closes the entry of a call that is answered with a gRPC code.
    ///
    /// A change that its caller could not wait for is still under way when its caller is
    /// told so. Its intent is durable; its outcome is recorded when it is known.
    ///
    /// # Errors
    ///
    /// When the record is not durable in time.
    pub fn close(
        &self,
        told: &Told,
        code: &'static str,
    ) -> impl Future<Output = Result<(), Unavailable>> + use<> {
        let _ = self.saw.set(code);
        if self.goes_on(told) {
            return Either::Right(ready(Ok(())));
        }
        let taken = self.place().take();
        let Some(place) = taken.filter(|_| !self.is_only_counted(told)) else {
            return Either::Right(ready(Ok(())));
        };
        let closing = place.close(
            self.outcome(told, code, false),
            Kind::Outcome(self.shared),
            self.durability(code),
        );
        match told.failure() {
            // Nobody waits for a journal of which it is known that it takes nothing.
            Some(Failure::AuditUnavailable { .. }) => Either::Right(ready(Ok(()))),
            _ => Either::Left(closing),
        }
    }

    /// Closes the entry of a call that nobody works on any more, unless it is closed.
    pub fn abandon(&self, told: &Told) {
        let taken = self.place().take();
        if let Some(place) = taken {
            let saw = self.saw.get().copied().unwrap_or("Canceled");
            let outcome = self.outcome(told, saw, true);
            let durability = self.durability(saw);
            drop(place.close(outcome, Kind::Outcome(self.shared), durability));
        }
    }

    /// Whether a change goes on without its caller.
    fn goes_on(&self, told: &Told) -> bool {
        self.effect() == Some(Effect::Write)
            && told.failure() == Some(&Failure::DeadlineExceededInDoubt)
    }

    /// Whether it is the refusal of a stranger who has been refused so often that one more
    /// is only counted.
    fn is_only_counted(&self, told: &Told) -> bool {
        let reason = match told.failure() {
            Some(Failure::Unauthenticated { .. }) => "UNAUTHENTICATED",
            Some(Failure::TooManyFailures { .. }) => "TOO_MANY_FAILED_AUTHENTICATIONS",
            Some(Failure::TooManyVerifications { .. }) => "TOO_MANY_VERIFICATIONS",
            Some(Failure::KeysUnavailable { .. }) => "KEYS_UNAVAILABLE",
            Some(Failure::UnknownMethod) => "UNKNOWN_METHOD",
            Some(Failure::InvalidTimeout) => "INVALID_TIMEOUT",
            _ => return false,
        };
        self.recorder.strangers.refused(self.address(), reason) == Verdict::Counted
    }

    fn address(&self) -> Option<IpAddr> {
        let peer = self.begun.peer.as_ref();
        peer.map(|peer| peer.address.ip())
    }

    /// Reads that were answered need not wait for the disk, where that is set.
    fn durability(&self, code: &str) -> Durability {
        let reads = self.effect() == Some(Effect::Read);
        match self.recorder.sync {
            Sync::Changes if reads && code == "OK" => Durability::Written,
            Sync::All | Sync::Changes => Durability::Synced,
        }
    }

    fn outcome(&self, told: &Told, saw: &'static str, alone: bool) -> Draft {
        let now = self.recorder.clock.instant();
        let ending = Ending::Ended {
            saw,
            alone,
            took: now.saturating_duration_since(self.started),
        };
        self.draft(told, Uuid::now_v7(), ending)
    }

    fn draft(&self, told: &Told, event: Uuid, ending: Ending) -> Draft {
        let call = Call {
            origin: &self.recorder.origin,
            key: self.recorder.key.as_ref(),
            begun: &self.begun,
            operation: self.operation,
            told,
            shared: self.shared,
            event,
            now: self.recorder.clock.now(),
            ending,
        };
        call.draft()
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
