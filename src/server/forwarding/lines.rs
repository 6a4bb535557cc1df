//! The lines that a target is to get, read from files beside the runtime's threads.

use std::path::{Path, PathBuf};

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::audit::forward::{Read, Tail};

/// The lines that a target is to get.
pub(super) struct Lines {
    journal: PathBuf,
    /// Not here only while it reads.
    tail: Option<Tail>,
    /// The number of the line that is read next.
    next: u64,
    /// The number of the last line that is on the disk.
    durable: watch::Receiver<u64>,
    is_failing: bool,
}

impl Lines {
    /// Those of the journal in a file, from the one with this number on.
    pub(super) fn new(journal: &Path, next: u64, durable: watch::Receiver<u64>) -> Self {
        Self {
            journal: journal.to_owned(),
            tail: None,
            next,
            durable,
            is_failing: false,
        }
    }

    /// The number of the line that is read next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// How many lines are on the disk after this one.
    pub(super) fn after(&self, seq: u64) -> u64 {
        self.durable.borrow().saturating_sub(seq)
    }

    /// Whether there are no more lines for now.
    pub(super) fn is_at_the_end(&self) -> bool {
        self.next > *self.durable.borrow()
    }

    /// Goes to the line of this number.
    pub(super) fn seek(&mut self, seq: u64) {
        self.tail = None;
        self.next = seq;
    }

    /// The next lines; none where there are no more, or they cannot be read, which is
    /// logged.
    pub(super) async fn read(&mut self) -> Read {
        let until = *self.durable.borrow_and_update();
        if self.next > until {
            return Read::default();
        }
        let tail = self.tail.take();
        let mut tail = tail.unwrap_or_else(|| Tail::new(&self.journal, self.next));
        let reading = spawn_blocking(move || (tail.read(until), tail)).await;
        let Ok((read, tail)) = reading else {
            // It begins anew the next time.
            return Read::default();
        };
        self.next = tail.next();
        self.tail = Some(tail);
        match read {
            Ok(read) => {
                self.is_failing = false;
                read
            }
            Err(error) => {
                if !self.is_failing {
                    self.is_failing = true;
                    tracing::error!(%error, "lines of the audit journal cannot be forwarded");
                }
                Read::default()
            }
        }
    }

    /// Waits until there may be more. Tells whether the journal is there no more.
    pub(super) async fn more(&mut self) -> bool {
        self.durable.changed().await.is_err()
    }
}
