//! What happened: a journal with one record for each call, in CloudTrail's shape.
//!
//! This room promises:
//!
//! 1. A call that was let in has a place in the journal before anything else is done with
//!    it, and its record gets there whatever becomes of it: answered, refused, cancelled,
//!    late or panicked.
//! 2. Nothing is changed or handed out at AWS before the intent to do so is durable.
//! 3. No answer leaves before its record is durable; who sets that reads need not wait for
//!    the disk gets that, and no more.
//! 4. What cannot be recorded is refused: within [`journal::PLACE_WAIT`] or
//!    [`journal::DISK_WAIT`], and only until the journal can be written again, which it is
//!    by itself.
//! 5. Records are numbered without a gap and chained: see [`mod@line`].
//! 6. No secret is in a record.
//! 7. A process that was killed leaves a journal that the next one goes on with; calls of
//!    which only the intent is there get an outcome that says that it is not known.

mod begun;
mod blocks;
pub mod digest;
mod events;
mod files;
mod first;
pub mod forward;
mod identity;
pub mod journal;
pub mod line;
mod listing;
mod names;
mod open;
mod queue;
mod record;
mod recorder;
mod recover;
mod redact;
mod reference;
mod scan;
mod settings;
mod shape;
pub mod sign;
mod sink;
mod stamp;
pub mod strangers;
mod text;
pub mod verify;
pub mod who;
mod writer;

use std::time::{Duration, SystemTime};

pub use begun::Begun;
pub use events::{AWS_SOURCE, Origin, SOURCE};
pub use journal::{Journal, Unavailable};
pub use listing::{ListError, Listing};
pub use recorder::{Entry, Recorder};
pub use recover::OpenError;
pub use redact::{HIDDEN, MacKey};
pub use reference::reference;
pub use settings::{Settings, Sync, Unrecorded};
pub use writer::{Closed, Copy};

/// The version of CloudTrail's record format (reference: security, 5.1).
pub const EVENT_VERSION: &str = "1.11";

/// Where it is counted what becomes of records.
pub trait Meter: Send + std::marker::Sync + 'static {
    /// Records were written, with so many bytes; and are on the disk, if they were synced.
    fn written(&self, records: usize, bytes: usize, synced: bool);
    /// Writing has failed.
    fn failed(&self);
}

/// So many seconds after the Unix epoch, as CloudTrail writes it.
fn epoch(seconds: u64) -> String {
    let last = Duration::from_secs(253_402_300_799);
    event_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds).min(last))
}

/// A time as CloudTrail writes it: UTC, in whole seconds.
fn event_time(time: SystemTime) -> String {
    let time = time.max(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests;
