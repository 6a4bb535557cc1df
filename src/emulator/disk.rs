//! A directory that keeps the state over the end of the process.
//!
//! The state is worked with in memory; here is a copy of its rows, in an embedded
//! store with transactions. It promises:
//!
//! 1. what was acknowledged is on the disk, whatever ends the process. Changes of
//!    requests that come while one transaction is written go into the next one together;
//! 2. nobody who only reads waits for the disk: the state is not locked while a
//!    transaction is written. (A reader may so see a change shortly before it is durable.)
//! 3. after a change that could not be written, everything is refused, because the
//!    state in memory is no longer that on the disk;
//! 4. one process works with a directory at a time;
//! 5. a file that is damaged, or of a newer version, is refused and left as it is.

mod key_file;
mod open_error;
mod tables;

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use redb::Database;

pub(super) use key_file::KeyFile;
pub use open_error::OpenError;

use super::store::{Contents, Store};

const LOCK: &str = "lock";
const STATE: &str = "state.redb";
const KEY: &str = "signing-key.pk8";

/// The directory, in the hands of this process.
pub(super) struct Disk {
    database: Mutex<Database>,
    failed: AtomicBool,
    /// Locked as long as it is open, also when the process ends in a hurry.
    _lock: File,
}

/// A change could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the state could not be written to the data directory")]
pub(super) struct NotKept;

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl Disk {
    /// Opens a directory, which is made where there is none, and reads what it keeps.
    pub(super) fn open(directory: &Path) -> Result<(Self, KeyFile, Contents), OpenError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(OpenError::io(directory))?;
        let lock = lock(directory)?;
        let path = directory.join(STATE);
        let (database, contents) = tables::open(&path, || private_file(&path))?;
        let disk = Self {
            database: Mutex::new(database),
            failed: AtomicBool::new(false),
            _lock: lock,
        };
        Ok((disk, KeyFile::new(directory.join(KEY)), contents))
    }

    /// Whether a change was lost.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Returns when every change that was made to the store before is durable.
    pub(super) fn keep(&self, store: &Mutex<Store>) -> Result<(), NotKept> {
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_failed() {
            return Err(NotKept);
        }
        let rows = store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_changes();
        match rows {
            // Whoever had the database before has written the changes of this request, too.
            Ok(rows) if rows.is_empty() => Ok(()),
            Ok(rows) => tables::write(&database, rows).map_err(|error| self.fail(&error)),
            Err(error) => Err(self.fail(&error)),
        }
    }

    /// Puts `replacement` in the place of everything, on the disk and then in memory.
    pub(super) fn replace(&self, store: &Mutex<Store>, replacement: Store) -> Result<(), NotKept> {
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_failed() {
            return Err(NotKept);
        }
        tables::write_all(&database, &replacement.contents()).map_err(|error| self.fail(&error))?;
        *store.lock().unwrap_or_else(PoisonError::into_inner) = replacement;
        Ok(())
    }

    fn fail(&self, error: &dyn fmt::Display) -> NotKept {
        self.failed.store(true, Ordering::SeqCst);
        tracing::error!(
            %error,
            "the emulator's state could not be written to its data directory; it answers nothing any more"
        );
        NotKept
    }
}

/// The store with what the directory keeps.
pub(super) fn fill(directory: &Path, empty: Store, contents: Contents) -> Result<Store, OpenError> {
    empty
        .with(contents)
        .map_err(|error| OpenError::damaged(&directory.join(STATE), error))
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK);
    let file = private_file(&path).map_err(OpenError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(directory.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(OpenError::io(&path)(error)),
    }
}

/// A file that nobody else may read. It has secrets in it.
fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;

    use crate::clock::Clock;
    use crate::emulator::{Emulator, RestoreError, Settings, SnapshotError};

    #[test]
    fn after_a_change_that_was_lost_everything_is_refused() {
        let directory = tempfile::TempDir::new().unwrap();
        let settings = Settings {
            data_dir: Some(directory.path().to_owned()),
            ..Settings::default()
        };
        let emulator = Emulator::open(settings, Clock::system()).unwrap();
        let list = Request::post("/")
            .header("authorization", "AWS4-HMAC-SHA256 x")
            .header(
                "x-amz-target",
                "AWSCognitoIdentityService.ListIdentityPools",
            )
            .body(Bytes::from_static(br#"{"MaxResults": 1}"#))
            .unwrap();
        assert_eq!(emulator.handle(&list).status(), 200);
        assert!(!emulator.has_lost_a_change());

        emulator.disk.as_ref().unwrap().fail(&"the disk is full");

        assert_eq!(emulator.handle(&list).status(), 500);
        assert!(matches!(emulator.reset(), Err(RestoreError::NotKept)));
        assert!(matches!(emulator.snapshot(), Err(SnapshotError::NotKept)));
        assert!(emulator.has_lost_a_change());
    }
}
