//! Where lines are written to: one place that keeps them.

mod file;
mod stdout;

pub(super) use file::{FileSink, Limits, lock};
pub(super) use stdout::Stdout;

use std::io;
use std::time::SystemTime;

/// What keeps lines. What fails can be tried again with the same lines, and they are there
/// once.
pub(super) trait Sink: Send {
    /// Whether there are files, so that another can be begun.
    fn has_files(&self) -> bool;

    /// Whether another file has to be begun before so many bytes are put, and why.
    fn wants_another(&mut self, bytes: usize, now: SystemTime) -> Option<Reason>;

    /// Begins another file with these lines, the first of which has this number, and makes
    /// them durable. The one before is closed.
    fn begin(&mut self, lines: &[u8], first_seq: u64, now: SystemTime) -> io::Result<()>;

    /// Puts lines after those that are there; with `sync` they are all durable afterwards.
    fn put(&mut self, lines: &[u8], sync: bool) -> io::Result<()>;
}

/// Why another file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There was none.
    First,
    /// The old one is as large as it may become.
    Size,
    /// The old one is as old as it may become.
    Age,
    /// Somebody asked for it.
    Asked,
    /// The old one was renamed or removed.
    Moved,
    /// Somebody made the old one shorter.
    Truncated,
    /// Somebody else wrote to the old one.
    Lengthened,
}

impl Reason {
    /// Whether the file that is there can be written meanwhile.
    pub(super) fn can_wait(self) -> bool {
        match self {
            Reason::Size | Reason::Age | Reason::Asked => true,
            Reason::First | Reason::Moved | Reason::Truncated | Reason::Lengthened => false,
        }
    }

    /// In one word, as records have it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Reason::First => "first",
            Reason::Size => "size",
            Reason::Age => "age",
            Reason::Asked => "asked",
            Reason::Moved => "moved",
            Reason::Truncated => "truncated",
            Reason::Lengthened => "lengthened",
        }
    }
}
