//! Forwarding: every line of the journal goes to other places as well.
//!
//! The journal's files are the queue. A forwarder has a number, that of the last line its
//! target took, and reads on from there; nothing is kept in memory, and the thread that
//! writes the journal does no more than tell how far it has come. So:
//!
//! 1. Every line gets to every target at least once and in order, also after outages of the
//!    target and restarts of the process. What is sent again is told by its number (`seq`)
//!    and instance.
//! 2. Only what is on the disk is forwarded: a number never stands for two lines, whatever
//!    a crash takes away.
//! 3. A target that hangs delays nobody.
//! 4. What a target gets is a line's own bytes, so that the chain can be verified there.
//!
//! Decisions are here; sockets are in `server/forwarding`.

mod answer;
mod backoff;
mod cursor;
mod facts;
mod handed;
mod otlp;
mod sizes;
mod syslog;
mod tail;
mod target;

use std::path::PathBuf;

pub use answer::{Failed, judge};
pub use backoff::{Backoff, MOST_RETRY_AFTER};
pub use cursor::{Cursor, Stored, first};
pub use handed::Handed;
pub use otlp::request;
pub use sizes::{MOST_BYTES, MOST_LINES, Refused, Sizes};
pub use syslog::{counted, message};
pub use tail::{Read, ReadError, Tail, oldest};
pub use target::{Peer, Target, Way};

/// What can be set about forwarding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where lines go.
    pub targets: Vec<Target>,
    /// Whether they may go to other machines without encryption.
    pub in_clear: bool,
    /// The file with headers for OTLP targets, such as `authorization`.
    pub headers_file: Option<PathBuf>,
    /// The file with the authorities that certificates of targets come from, in PEM.
    /// Unset: the system's.
    pub ca_file: Option<PathBuf>,
}

/// A line of the journal, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// Its own bytes.
    pub text: String,
}

/// Why a target does not get a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// It was removed before it was forwarded.
    Missing,
    /// The target answers that it cannot be taken.
    Refused,
    /// The target took its batch, and not all in it.
    Rejected,
    /// It does not fit into a datagram.
    TooLong,
}

impl Skipped {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Refused, Self::Rejected, Self::TooLong];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::TooLong => "too_long",
        }
    }
}

/// Where it is counted what becomes of lines. Targets are told by their names.
pub trait Meter: Send + Sync + 'static {
    /// There is such a target.
    fn target(&self, target: &str);
    /// It took lines.
    fn forwarded(&self, target: &str, lines: u64);
    /// It did not, and is tried again.
    fn failed(&self, target: &str);
    /// It does not get lines.
    fn skipped(&self, target: &str, why: Skipped, lines: u64);
    /// It is so many lines behind the journal.
    fn behind(&self, target: &str, lines: u64);
}
