//! The way of a record into the journal.
//!
//! A place is taken before a call is made, so that nothing can keep its record out later:
//! writing to a place needs no room, does not wait and cannot fail. What can fail is that
//! the record is not durable in time, and then whoever waits for that is told.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use uuid::Uuid;

use super::line::Draft;
use super::queue::{Shared, Waiting};
use crate::clock::Clock;

/// How many calls may be under way; each has a place (reference: security, 4.4).
pub const PLACES: usize = 4096;

/// How long a call waits for a place.
pub const PLACE_WAIT: Duration = Duration::from_millis(50);

/// How long a call waits for its records to become durable, all in all.
pub const DISK_WAIT: Duration = Duration::from_secs(2);

/// How long it waits for its last record at least, whatever the one before took: a disk that
/// has come back is not to be taken for one that is away.
pub const LAST_WAIT: Duration = Duration::from_millis(100);

/// The journal. Clones are the same journal.
#[derive(Clone)]
pub struct Journal(Arc<Shared>);

/// Why a record cannot be taken, or not in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// As many calls are under way as may be.
    #[error("no place in the journal within {} ms", PLACE_WAIT.as_millis())]
    NoPlace,
    /// The sink fails.
    #[error("{0}")]
    Failing(Arc<str>),
    /// The sink takes too long.
    #[error("not durable within {} s", DISK_WAIT.as_secs())]
    Late,
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

/// What a record is for those who look for calls without an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call is about to be made.
    Intent(Intent),
    /// What came of it. By the identifier that it shares with its intent.
    Outcome(Uuid),
    /// Something else.
    Other,
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What intent and outcome share.
    pub shared: Uuid,
    /// The record's own identifier.
    pub event: Uuid,
    /// The operation's name.
    pub operation: &'static str,
}

/// What has to be true of a record before whoever waits for it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk.
    Synced,
    /// It was handed to the operating system, and is on the disk soon.
    Written,
}

/// Whether records are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How often writing has failed, or somebody has waited in vain, since it last
    /// succeeded.
    pub failures: u32,
    /// Why it failed.
    pub cause: Option<Arc<str>>,
}

impl Journal {
    pub(super) fn after(last: u64, clock: Clock) -> (Self, Arc<Shared>) {
        let shared = Arc::new(Shared::after(last, clock));
        (Self(Arc::clone(&shared)), shared)
    }

    /// A place for the records of one call: its intent and its outcome.
    ///
    /// # Errors
    ///
    /// When none becomes free within [`PLACE_WAIT`]. Such calls are counted, and their
    /// number is recorded when there is a place again.
    pub async fn place(&self) -> Result<Place, Unavailable> {
        let acquired = Arc::clone(&self.0.places).acquire_owned();
        match tokio::time::timeout(PLACE_WAIT, acquired).await {
            Ok(Ok(permit)) => Ok(Place {
                shared: Arc::clone(&self.0),
                patience: Arc::new(Mutex::new(DISK_WAIT)),
                permit,
            }),
            Ok(Err(_)) => Err(Unavailable::Closed),
            Err(_) => {
                self.0.count_without_place();
                Err(Unavailable::NoPlace)
            }
        }
    }

    /// Why records are not taken at the moment, if they are not.
    pub fn failing(&self) -> Option<Unavailable> {
        let state = self.0.state.borrow();
        state.cause.clone().map(Unavailable::Failing)
    }

    /// Why records are not taken at the moment, if they are not. Whoever asks has a call
    /// that is refused then, and it counts as a failure.
    pub fn refuses(&self) -> Option<Unavailable> {
        self.0.refuses().map(Unavailable::Failing)
    }

    /// Whether records are taken, and every change of that.
    pub fn state(&self) -> watch::Receiver<State> {
        self.0.state.subscribe()
    }

    /// The number of the last line that is on the disk, and every change of that. After
    /// [`Journal::close`] it is the last there is.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.0.durable.subscribe()
    }

    /// The number of the first line that this process writes.
    pub fn first(&self) -> u64 {
        self.0.first
    }

    /// Closes the file that is written and begins another one.
    pub fn rotate(&self) {
        self.0.ask_for_another();
    }

    /// Takes no more calls, writes what is queued and ends. The end itself is recorded.
    ///
    /// # Errors
    ///
    /// When that takes longer than `within`; what is queued is lost then.
    pub async fn close(&self, within: Duration) -> Result<(), Unavailable> {
        // From before it is asked for, because nobody to wait for it means giving up.
        let mut ended = self.0.ended.subscribe();
        self.0.places.close();
        self.0.ask_for_the_end();
        let waited = tokio::time::timeout(within, ended.wait_for(|ended| *ended)).await;
        match waited {
            Ok(_) => Ok(()),
            Err(_) => Err(self.failing().unwrap_or(Unavailable::Late)),
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.borrow();
        formatter
            .debug_struct("Journal")
            .field("state", &*state)
            .finish_non_exhaustive()
    }
}

/// A place for the records of one call. One that is dropped is given back, and the call
/// has no record.
pub struct Place {
    shared: Arc<Shared>,
    /// How long the call may still wait for the disk.
    patience: Arc<Mutex<Duration>>,
    permit: OwnedSemaphorePermit,
}

impl Place {
    /// Writes a record and keeps the place.
    ///
    /// The record is queued when this returns, and written also when the future is
    /// dropped.
    ///
    /// # Errors
    ///
    /// When it is not durable within [`DISK_WAIT`], which all records of a place share.
    pub fn write(
        &self,
        draft: Draft,
        kind: Kind,
        durability: Durability,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send + use<> {
        queue(&self.shared, &self.patience, draft, kind, durability, None)
    }

    /// Writes the last record of the call and gives the place back once it is written.
    ///
    /// The record is queued when this returns, and written also when the future is
    /// dropped.
    ///
    /// # Errors
    ///
    /// When it is not durable within what earlier records have left of [`DISK_WAIT`], or
    /// within [`LAST_WAIT`] where that is longer.
    pub fn close(
        self,
        draft: Draft,
        kind: Kind,
        durability: Durability,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send + use<> {
        let place = Some(self.permit);
        queue(&self.shared, &self.patience, draft, kind, durability, place)
    }
}

fn queue(
    shared: &Arc<Shared>,
    patience: &Arc<Mutex<Duration>>,
    draft: Draft,
    kind: Kind,
    durability: Durability,
    place: Option<OwnedSemaphorePermit>,
) -> impl Future<Output = Result<(), Unavailable>> + Send + use<> {
    let (acknowledge, acknowledged) = oneshot::channel();
    shared.push(Waiting {
        draft,
        kind,
        durability,
        acknowledge: Some(acknowledge),
        _place: place,
    });
    let (shared, patience) = (Arc::clone(shared), Arc::clone(patience));
    async move {
        let left = *patience.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = shared.clock.instant();
        let waited = tokio::time::timeout(left, acknowledged).await;
        let left = left
            .saturating_sub(shared.clock.instant() - begun)
            .max(LAST_WAIT);
        *patience.lock().unwrap_or_else(PoisonError::into_inner) = left;
        match waited {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Unavailable::Closed),
            Err(_) => Err(shared.late()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_records_of_a_call_share_the_time_that_it_waits_for_the_disk() {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let pass = async |time: Duration| {
            sleep(time - Duration::from_millis(1)).await;
            clock.advance(time);
        };
        let (journal, shared) = Journal::after(0, clock.clone());
        let place = journal.place().await.unwrap();
        let write = |place: &Place| place.write(Draft::empty(), Kind::Other, Durability::Synced);
        let begun = Instant::now();

        // The first one is on the disk after a second and a half, and the next one never.
        let first = tokio::spawn(write(&place));
        pass(Duration::from_millis(1_500)).await;
        for waiting in shared.take(Duration::ZERO).waiting {
            waiting.acknowledge.unwrap().send(()).unwrap();
        }
        assert_eq!(first.await.unwrap(), Ok(()));
        let (second, ()) = tokio::join!(write(&place), pass(Duration::from_millis(500)));
        assert!(second.is_err());
        assert_eq!(begun.elapsed().as_millis(), DISK_WAIT.as_millis() - 1);

        let last = place.close(Draft::empty(), Kind::Other, Durability::Synced);
        assert!(last.await.is_err());
        assert_eq!(
            (begun.elapsed() - DISK_WAIT).as_millis(),
            LAST_WAIT.as_millis() - 1
        );
    }
}
