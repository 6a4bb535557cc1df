//! Whether a journal is as it was written.
//!
//! 1. Each line is whole, and follows the one before it in number and hash, over all
//!    files. The first line of a file says that it opens the file.
//! 2. Where there are digests: each is signed by the key, follows the one before it, and
//!    the files it lists are as they were.
//! 3. An intent has its outcome.
//!
//! What is found is told by its place. Chains and hashes need no secret, and so they
//! prove no more than that nothing was lost or damaged by accident: who can write the
//! files can write all of them anew. Signatures hold against whoever does not have the
//! key, as far as the digests go that were kept.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::line::Hash;
use super::listing::{ListError, Listing};
use super::sign::PublicKey;

mod chain;
mod digests;
mod fault;
mod file;
mod record;

pub use chain::Intent;
pub use fault::{Fault, What};

/// What is looked at, and with what.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What signatures of digests are checked with, each by one of them; without any they
    /// are not.
    pub keys: Vec<PublicKey>,
    /// How many files are read at a time, at least one.
    pub threads: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many files were read.
    pub files: u64,
    /// How many lines are whole and in their place.
    pub lines: u64,
    /// How many bytes were read, before compression.
    pub bytes: u64,
    /// The number and hash of the first and the last line.
    pub first: Option<(u64, Hash)>,
    /// See `first`.
    pub last: Option<(u64, Hash)>,
    /// What is wrong, in the order of the journal.
    pub faults: Vec<Fault>,
    /// Files that are there and cannot be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Calls that were begun and of which no end is written.
    pub open_intents: Vec<Intent>,
    /// Parts of the journal that went to another sink, as the journal says itself: the
    /// numbers of the first and last line that are not here.
    pub lagged: Vec<(u64, u64)>,
    /// What the digests say.
    pub digests: Digests,
}

/// What the digests of a journal say.
#[derive(Clone, Debug, Default)]
pub struct Digests {
    /// How many there are.
    pub count: u64,
    /// How many have a signature of one of the keys.
    pub signed: u64,
    /// How many files of the journal are as digests say.
    pub files: u64,
    /// When the last one was made.
    pub until: Option<SystemTime>,
    /// The number of the last line that a digest covers.
    pub last_seq: Option<u64>,
    /// Whether digests before the first are named and not there.
    pub is_suffix: bool,
}

/// How it ended, by what is worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is as it was written.
    Clean,
    /// Something is not.
    Broken,
    /// All is as it was written, and calls are open.
    OpenIntents,
    /// Nothing wrong was found, and not all could be read.
    Unreadable,
}

impl Report {
    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        if !self.faults.is_empty() {
            Verdict::Broken
        } else if !self.unreadable.is_empty() {
            Verdict::Unreadable
        } else if !self.open_intents.is_empty() {
            Verdict::OpenIntents
        } else {
            Verdict::Clean
        }
    }
}

/// Reads the journal that is written to `path`, or the only one in the folder `path`.
/// `read` is told after each block how many bytes are read by then, before they were
/// compressed.
///
/// # Errors
///
/// When there is no journal. What is wrong with one is in the report.
pub fn verify(
    path: &Path,
    settings: &Settings,
    read: &(dyn Fn(u64) + Sync),
) -> Result<Report, ListError> {
    let listing = Listing::of(path)?;
    let asked = file::Asked::all(&listing);
    let mut report = Report::default();
    let files = read_all(&asked, settings.threads, read).join(&mut report);
    digests::check(&listing, &files, &settings.keys, &mut report);
    report.faults.sort_by_key(Fault::order);
    Ok(report)
}

/// Every file by itself, several at a time.
fn read_all(
    asked: &[file::Asked<'_>],
    threads: usize,
    read: &(dyn Fn(u64) + Sync),
) -> chain::InOrder {
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let files: Mutex<chain::InOrder> = Mutex::default();
    let work = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(one) = asked.get(at)
        {
            let found = file::check(one, &|more| {
                read(bytes.fetch_add(more, Ordering::Relaxed) + more);
            });
            let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
            files.add(at, found);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.clamp(1, asked.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    files.into_inner().unwrap_or_else(PoisonError::into_inner)
}
