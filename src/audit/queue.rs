//! What waits to be written, between those who write and the thread that does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::journal::{Durability, Kind, PLACES, State, Unavailable};
use super::line::Draft;

/// For how many records more are waited for at most.
const MOST_GATHERED: usize = 64;

/// What the writer and those who write share.
pub(super) struct Shared {
    pub(super) places: Arc<Semaphore>,
    queue: Mutex<Queue>,
    filled: Condvar,
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
    /// How many records the writer waits for, if it waits for more.
    wanted: Option<usize>,
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
    pub(super) fn after(last: u64) -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
            queue: Mutex::default(),
            filled: Condvar::new(),
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
        let wakes = was_idle || queue.wanted == Some(queue.waiting.len());
        drop(queue);
        if wakes {
            self.filled.notify_one();
        }
    }

    /// Everything there is to do, as soon as there is something, or after `patience`.
    ///
    /// Where more calls are under way than have a record here, about half of them are
    /// waited for, for no longer than `gather`: they are synced at once then, instead of a
    /// few at a time. A record of the only call waits for nobody.
    pub(super) fn take(&self, patience: Duration, gather: Duration) -> Taken {
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
        let under_way = PLACES.saturating_sub(self.places.available_permits());
        let wanted = (under_way / 2).min(MOST_GATHERED);
        let is_short = |queue: &Queue| {
            queue.waiting.len() < wanted && !queue.waiting.is_empty() && !queue.close
        };
        if is_short(&queue) && !gather.is_zero() {
            queue.wanted = Some(wanted);
            (queue, _) = self
                .filled
                .wait_timeout_while(queue, gather, |queue| is_short(queue))
                .unwrap_or_else(PoisonError::into_inner);
            queue.wanted = None;
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
        self.state.send_modify(|state| {
            state.failures = state.failures.saturating_add(1);
            state.cause = Some(cause);
        });
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
        self.state.send_if_modified(|state| {
            let failed = state.failures > 0;
            *state = State::default();
            failed
        });
    }

    /// Nothing is written any more.
    pub(super) fn end(&self) {
        self.places.close();
        self.ended.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long that a test which waits for it does not end.
    const FOR_EVER: Duration = Duration::from_secs(3_600);

    fn places(shared: &Shared, count: usize) -> Vec<OwnedSemaphorePermit> {
        let place = || Arc::clone(&shared.places).try_acquire_owned().unwrap();
        (0..count).map(|_| place()).collect()
    }

    #[test]
    fn the_record_of_the_only_call_waits_for_nobody() {
        let shared = Shared::after(0);
        let _places = places(&shared, 1);
        shared.push(Waiting::own(Draft::empty()));

        let taken = shared.take(FOR_EVER, FOR_EVER);

        assert_eq!(taken.waiting.len(), 1);
    }

    #[test]
    fn of_many_calls_under_way_half_are_written_at_once() {
        let shared = Arc::new(Shared::after(0));
        let _places = places(&shared, 10);
        let writer = Arc::clone(&shared);
        let writer = std::thread::spawn(move || writer.take(FOR_EVER, FOR_EVER));
        for _ in 0..5 {
            shared.push(Waiting::own(Draft::empty()));
        }

        let taken = writer.join().unwrap();

        assert_eq!(taken.waiting.len(), 5);
    }

    #[test]
    fn nobody_is_waited_for_longer_than_is_said() {
        let shared = Shared::after(0);
        let _places = places(&shared, 10);
        shared.push(Waiting::own(Draft::empty()));

        for gather in [Duration::ZERO, Duration::from_millis(1)] {
            assert_eq!(shared.take(FOR_EVER, gather).waiting.len(), 1);
            shared.push(Waiting::own(Draft::empty()));
        }
    }

    #[test]
    fn the_end_waits_for_nobody() {
        let shared = Shared::after(0);
        let _places = places(&shared, 10);
        shared.push(Waiting::own(Draft::empty()));
        shared.ask_for_the_end();

        assert!(shared.take(FOR_EVER, FOR_EVER).close);
    }
}
