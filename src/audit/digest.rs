//! Digests: signed statements of what the journal's closed files hold.
//!
//! They are CloudTrail's digest files, in the form that AWS's own validator reads
//! (awscli, `customizations/cloudtrail/validation.py`). A digest lists the files that
//! were closed since the one before it, with their hashes, and names the one before it
//! with its hash and signature. There is one when a file is closed and one at each full
//! hour, so that a digest that is missing shows.
//!
//! What is in a digest is compressed. Without a signing key there are no digests, and
//! files stay as they are: their chain of hashes shows accidents, and nothing of somebody
//! who can write them all anew.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::listing::ListError;
use super::sign::KeyError;
use crate::clock::Clock;

mod durable;
mod format;
mod log;
mod maker;
mod others;

pub(super) use format::{Digest, Files, Previous, read_signature};
pub use maker::{Made, MakeError, Maker};

/// How often the clock is looked at, and how soon what has failed is tried again.
const LOOK: Duration = Duration::from_secs(10);
/// What was closed in the second of the last digest waits for the next second.
const NEXT_SECOND: Duration = Duration::from_secs(1);

/// What digests are made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file that the journal is written to.
    pub journal: PathBuf,
    /// A private RSA key in PEM. Without it there are no digests.
    pub signing_key_file: Option<PathBuf>,
    /// The AWS account that the digests name, 12 digits.
    pub account_id: String,
}

/// Digests cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The signing key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal's folder cannot be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// Another journal's digests have the names that those of this one would have.
    #[error(
        "the digest `{digest}` is of another journal, with the file `{file}`: the digests of two \
         journals whose names differ in their endings do not fit in one folder; name this one \
         otherwise, or put it elsewhere", digest = .digest.display()
    )]
    Other {
        /// The digest.
        digest: PathBuf,
        /// What it lists.
        file: String,
    },
    /// The digests' folder cannot be made or read.
    #[error("cannot use `{path}` for digests: {error}", path = .0.display(), error = .1)]
    Folder(PathBuf, #[source] io::Error),
}

/// Makes digests on a thread of its own. When it is dropped, what was closed until then
/// is in a digest.
#[derive(Debug)]
pub struct Digests {
    closed: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Digests {
    /// Goes on after the last digest of the journal; what was closed meanwhile gets into
    /// the next. Without a signing key it does nothing at all.
    ///
    /// # Errors
    ///
    /// When the key cannot be used, the folder not be read, or no thread be started.
    pub fn open(settings: &Settings, clock: &Clock) -> Result<Self, OpenError> {
        let Some(maker) = Maker::open(settings, clock.now())? else {
            return Ok(Self {
                closed: None,
                thread: None,
            });
        };
        let (sender, receiver) = channel();
        let clock = clock.clone();
        let thread = std::thread::Builder::new()
            .name("audit-digests".to_owned())
            .spawn(move || run(maker, &clock, &receiver))
            .map_err(|error| OpenError::Folder(settings.journal.clone(), error))?;
        Ok(Self {
            closed: Some(sender),
            thread: Some(thread),
        })
    }

    /// A file of the journal was closed: it has its last name, and is durable. This never
    /// waits.
    pub fn closed(&self) {
        if let Some(closed) = &self.closed {
            // The thread ends only when this is dropped.
            let _ = closed.send(());
        }
    }
}

impl Drop for Digests {
    fn drop(&mut self) {
        drop(self.closed.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Looks when a file was closed and now and then, and a last time at the end.
fn run(mut maker: Maker, clock: &Clock, closed: &Receiver<()>) {
    let mut wait = Duration::ZERO;
    loop {
        let is_last = match closed.recv_timeout(wait) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        wait = match maker.make(clock.now(), is_last) {
            Ok(_) if maker.is_waiting() => NEXT_SECOND,
            Ok(_) => LOOK,
            Err(error) => {
                tracing::error!(%error, "the digest of the audit journal is not made; it is tried again");
                LOOK
            }
        };
        if is_last {
            return;
        }
    }
}
