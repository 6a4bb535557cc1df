//! What waits to be written, between those who write and the thread that does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::journal::{Durability, Kind, PLACES, State, Unavailable};
use super::line::Draft;
use crate::clock::Clock;

/// How many turns of other tasks the writer waits for at most, and after how many records
/// for none any more (reference: security, 4.4).
const TURNS: usize = 16;
const ENOUGH: usize = 64;

/// What the writer and those who write share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) places: Arc<Semaphore>,
    queue: Mutex<Queue>,
    filled: Condvar,
    /// Who wakes the writer, where there is somebody who can do so at a better moment.
    waker: OnceLock<Arc<Notify>>,
    pub(super) state: watch::Sender<State>,
    pub(super) ended: watch::Sender<bool>,
    /// The number of the last line that is on the disk.
    pub(super) durable: watch::Sender<u64>,
    /// The number of the first line that this process writes.
    pub(super) first: u64,
    without_place: AtomicU64,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    rotate: bool,
    close: bool,
    /// Whether the writer waits for something to be here.
    idle: bool,
}

/// A record that waits to be written.
pub(super) struct Waiting {
    pub(super) draft: Draft,
    pub(super) kind: Kind,
    pub(super) durability: Durability,
    pub(super) acknowledge: Option<oneshot::Sender<()>>,
    /// Given back when the record has been written.
    pub(super) _place: Option<OwnedSemaphorePermit>,
}

impl Waiting {
    /// Something that the journal says of itself, and that nobody waits for.
    pub(super) fn own(draft: Draft) -> Self {
        Self {
            draft,
            kind: Kind::Other,
            durability: Durability::Synced,
            acknowledge: None,
            _place: None,
        }
    }
}

/// What the writer has to do.
pub(super) struct Taken {
    pub(super) waiting: Vec<Waiting>,
    pub(super) rotate: bool,
    pub(super) close: bool,
}

impl Shared {
    /// Goes on after the line of this number, which is on the disk.
    pub(super) fn after(last: u64, clock: Clock) -> Self {
        Self {
            clock,
            places: Arc::new(Semaphore::new(PLACES)),
            queue: Mutex::default(),
            filled: Condvar::new(),
            waker: OnceLock::new(),
            state: watch::Sender::new(State::default()),
            ended: watch::Sender::new(false),
            durable: watch::Sender::new(last),
            first: last + 1,
            without_place: AtomicU64::new(0),
        }
    }

    /// Another file is to be begun.
    pub(super) fn ask_for_another(&self) {
        self.queue().rotate = true;
        self.filled.notify_one();
    }

    /// The journal has to end.
    pub(super) fn ask_for_the_end(&self) {
        self.queue().close = true;
        self.filled.notify_one();
    }

    /// A call was refused because there was no place.
    pub(super) fn count_without_place(&self) {
        self.without_place.fetch_add(1, Ordering::Relaxed);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, waiting: Waiting) {
        let mut queue = self.queue();
        queue.waiting.push(waiting);
        // It is woken once, however long it takes to wake up.
        let was_idle = std::mem::take(&mut queue.idle);
        drop(queue);
        match self.waker.get() {
            _ if !was_idle => {}
            Some(waker) => waker.notify_one(),
            None => self.filled.notify_one(),
        }
    }

    /// From here on a task of the runtime wakes the writer, after the calls that can go on
    /// have gone on: their records are written and synced with the first one, instead of a
    /// few at a time. It takes its turn among them until one brings no more records. Where
    /// no other call can go on, that is at once.
    pub(super) fn wake_in_turn(shared: &Arc<Self>, runtime: &Handle) {
        let waker = Arc::new(Notify::new());
        if shared.waker.set(Arc::clone(&waker)).is_err() {
            return;
        }
        let shared = Arc::downgrade(shared);
        runtime.spawn(async move {
            loop {
                waker.notified().await;
                let mut found = 0;
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                    let Some(shared) = shared.upgrade() else {
                        return;
                    };
                    let there = shared.queue().waiting.len();
                    if there == found || there >= shared.enough() {
                        break;
                    }
                    found = there;
                }
                match shared.upgrade() {
                    Some(shared) => shared.filled.notify_one(),
                    None => return,
                }
            }
        });
    }

    /// How many records are enough to begin with: those of half of the calls that are under
    /// way. Where all waited for the same sync, nothing else would go on meanwhile.
    fn enough(&self) -> usize {
        let under_way = PLACES.saturating_sub(self.places.available_permits());
        ENOUGH.min(under_way / 2)
    }

    /// Everything there is to do, as soon as there is something, or after `patience`.
    pub(super) fn take(&self, patience: Duration) -> Taken {
        let mut queue = self.queue();
        let is_empty = |queue: &Queue| queue.waiting.is_empty() && !queue.rotate && !queue.close;
        if is_empty(&queue) {
            queue.idle = true;
            // Whoever was told late was told so before the last lines were written.
            self.succeeded();
            (queue, _) = self
                .filled
                .wait_timeout_while(queue, patience, |queue| is_empty(queue))
                .unwrap_or_else(PoisonError::into_inner);
            queue.idle = false;
        }
        Taken {
            waiting: std::mem::take(&mut queue.waiting),
            rotate: std::mem::take(&mut queue.rotate),
            close: queue.close,
        }
    }

    /// Waits before writing is tried again. Tells whether nobody waits for that any more.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let queue = self.queue();
        let gone = |queue: &Queue| queue.close && self.ended.receiver_count() == 0;
        let (queue, _) = self
            .filled
            .wait_timeout_while(queue, pause, |queue| !gone(queue))
            .unwrap_or_else(PoisonError::into_inner);
        gone(&queue)
    }

    /// How many calls were refused since this was asked last because there was no place.
    pub(super) fn without_place(&self) -> u64 {
        self.without_place.swap(0, Ordering::Relaxed)
    }

    /// Writing has failed.
    pub(super) fn failed(&self, cause: Arc<str>) {
        let mut is_first = false;
        self.state.send_modify(|state| {
            is_first = state.failures == 0;
            state.failures = state.failures.saturating_add(1);
            state.cause = Some(Arc::clone(&cause));
        });
        if is_first {
            tracing::error!(%cause, "the audit journal takes no records: {cause}");
        }
    }

    /// Why records are not taken at the moment, if they are not. Whoever asks has a call
    /// that is refused then, and that counts: a writer that hangs fails only once itself.
    pub(super) fn refuses(&self) -> Option<Arc<str>> {
        let mut cause = None;
        self.state.send_if_modified(|state| {
            cause.clone_from(&state.cause);
            if cause.is_some() {
                state.failures = state.failures.saturating_add(1);
            }
            cause.is_some()
        });
        cause
    }

    /// Somebody has waited for longer than anybody should. That is a failure too: a disk
    /// that does not answer keeps the writer, which then cannot tell.
    pub(super) fn late(&self) -> Unavailable {
        let queue = self.queue();
        let cause = self.state.borrow().cause.clone();
        if !queue.idle {
            let cause = cause.clone();
            self.failed(cause.unwrap_or_else(|| Unavailable::Late.to_string().into()));
        }
        cause.map_or(Unavailable::Late, Unavailable::Failing)
    }

    /// Writing has succeeded.
    pub(super) fn succeeded(&self) {
        let failed = self.state.send_if_modified(|state| {
            let failed = state.failures > 0;
            *state = State::default();
            failed
        });
        if failed {
            tracing::info!("the audit journal takes records again");
        }
    }

    /// Nothing is written any more.
    pub(super) fn end(&self) {
        self.places.close();
        self.ended.send_replace(true);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(waker) = self.waker.get() {
            waker.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long that a test which waits for it does not end.
    const FOR_EVER: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_record_is_taken_as_soon_as_it_is_there() {
        let shared = Arc::new(Shared::after(0, Clock::system()));
        let writer = Arc::clone(&shared);
        let writer = std::thread::spawn(move || writer.take(FOR_EVER));

        shared.push(Waiting::own(Draft::empty()));

        assert_eq!(writer.join().unwrap().waiting.len(), 1);
    }

    #[tokio::test]
    async fn records_of_half_of_the_calls_that_are_under_way_are_taken_together() {
        let shared = Arc::new(Shared::after(0, Clock::system()));
        Shared::wake_in_turn(&shared, &Handle::current());
        let writer = Arc::clone(&shared);
        let writer = tokio::task::spawn_blocking(move || writer.take(FOR_EVER));
        // Until it waits.
        while !shared.queue().idle {
            tokio::task::yield_now().await;
        }
        let mut places = Vec::new();
        for _ in 0..20 {
            let place = Arc::clone(&shared.places).acquire_owned();
            places.push(place.await.unwrap());
        }
        for _ in 0..10 {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { shared.push(Waiting::own(Draft::empty())) });
        }

        let taken = writer.await.unwrap();

        assert_eq!(taken.waiting.len(), 10);
        assert_eq!(shared.enough(), 10);
    }
}
