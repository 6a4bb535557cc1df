//! A file on a disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Reason, Sink};
use crate::audit::files::{self, MODE, closed_name, directory, next_name};

/// How long beginning another file is left alone after it has failed, while there is one
/// that can be written.
const AGAIN: Duration = Duration::from_secs(1);

/// A journal's file.
pub(in crate::audit) struct FileSink {
    path: PathBuf,
    limits: Limits,
    open: Option<Open>,
    /// The directory, as long as names in it were changed and may not be durable.
    renamed: Option<File>,
    failed: Option<SystemTime>,
}

/// When another file is begun.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Limits {
    pub(in crate::audit) bytes: u64,
    pub(in crate::audit) age: Duration,
}

/// The file that is written.
struct Open {
    file: File,
    /// Its device and its number there.
    id: (u64, u64),
    first_seq: u64,
    begun: SystemTime,
    /// How much of it is durable.
    synced: u64,
    /// What was written and is not.
    unsynced: Vec<u8>,
    /// Whether more may be in the file than was written with success.
    torn: bool,
}

impl FileSink {
    /// A journal without a file.
    pub(in crate::audit) fn new(path: &Path, limits: Limits) -> Self {
        Self {
            path: path.to_owned(),
            limits,
            open: None,
            renamed: None,
            failed: None,
        }
    }

    /// Goes on with a file that is there and locked, whose first line has this number.
    pub(in crate::audit) fn go_on(
        &mut self,
        file: File,
        first_seq: u64,
        begun: SystemTime,
    ) -> io::Result<()> {
        let length = file.metadata()?.len();
        self.open = Some(Open::new(file, first_seq, begun, length)?);
        Ok(())
    }

    /// Why the file cannot be written any more.
    fn lost(&self) -> Option<Reason> {
        let Some(open) = &self.open else {
            return Some(Reason::First);
        };
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) != open.id => Some(Reason::Moved),
            Ok(found) if found.len() < open.least() => Some(Reason::Truncated),
            Ok(found) if found.len() > open.length() && !open.torn => Some(Reason::Lengthened),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Reason::Moved),
            // What cannot be looked at is not known to be lost.
            Err(_) => None,
        }
    }

    /// Whatever is not durable yet is so before the name is given away, and nothing that
    /// has failed is left.
    fn finish(&mut self) -> io::Result<()> {
        let lost = self.lost();
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        match lost {
            None => open.put(&[], true),
            // What somebody took out is not put in again.
            Some(Reason::Truncated) => Ok(()),
            Some(_) => {
                // In other hands, so that this is done as far as it can be.
                let _ = open.put(&[], true);
                Ok(())
            }
        }
    }

    /// Nothing that somebody else put there is overwritten.
    fn make_way(&self, now: SystemTime) -> io::Result<()> {
        // A link is left as well: what it leads to would stay where it is.
        let found = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        let open = self.open.as_ref();
        let ours = open.filter(|open| open.id == (found.dev(), found.ino()));
        match ours {
            Some(open) => fs::rename(&self.path, closed_name(&self.path, now, open.first_seq)),
            None if found.is_file() && found.len() == 0 => Ok(()),
            None => Err(io::Error::other(format!(
                "another file stands at `{}`; move it away",
                self.path.display()
            ))),
        }
    }
}

impl Sink for FileSink {
    fn has_files(&self) -> bool {
        true
    }

    fn wants_another(&mut self, bytes: usize, now: SystemTime) -> Option<Reason> {
        if let Some(reason) = self.lost() {
            return Some(reason);
        }
        let rests = self
            .failed
            .is_some_and(|failed| now.duration_since(failed).is_ok_and(|since| since < AGAIN));
        let open = self.open.as_ref().filter(|_| !rests)?;
        let length = open.length();
        let age = now.duration_since(open.begun).unwrap_or_default();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if length > 0 && length.saturating_add(bytes) > self.limits.bytes {
            Some(Reason::Size)
        } else if age >= self.limits.age {
            Some(Reason::Age)
        } else {
            None
        }
    }

    fn begin(&mut self, lines: &[u8], first_seq: u64, now: SystemTime) -> io::Result<()> {
        self.finish()?;
        self.failed = Some(now);
        let directory = directory(&self.path)?;
        let next = next_name(&self.path);
        let mut file = create(&next)?;
        file.write_all(lines)?;
        file.sync_data()?;
        let length = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let open = Open::new(file, first_seq, now, length)?;
        self.make_way(now)?;
        fs::rename(&next, &self.path)?;
        // From here on this is the file, whatever fails: nothing goes to the old one any
        // more, and nothing is put before the names are durable.
        self.open = Some(open);
        self.renamed = Some(directory);
        self.failed = None;
        Ok(())
    }

    fn put(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        if let Some(directory) = &self.renamed {
            directory.sync_all()?;
            self.renamed = None;
        }
        match &mut self.open {
            Some(open) => open.put(lines, sync),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Open {
    fn new(file: File, first_seq: u64, begun: SystemTime, length: u64) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            id: (found.dev(), found.ino()),
            file,
            first_seq,
            begun,
            synced: length,
            unsynced: Vec::new(),
            torn: false,
        })
    }

    fn length(&self) -> u64 {
        let unsynced = u64::try_from(self.unsynced.len()).unwrap_or(u64::MAX);
        self.synced.saturating_add(unsynced)
    }

    /// How long the file is at least if nobody else has shortened it.
    fn least(&self) -> u64 {
        if self.torn {
            self.synced
        } else {
            self.length()
        }
    }

    fn put(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        self.mend()?;
        let put = self.try_put(lines, sync);
        if put.is_err() {
            // At once, for those who read the file meanwhile; and again before the next
            // lines if it fails.
            let _ = self.mend();
        }
        put
    }

    fn try_put(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        self.torn = true;
        self.file.write_all(lines)?;
        if sync {
            // A sync that has failed cannot be tried again: the system may have dropped
            // what it could not write. So all of it is written again.
            self.file.sync_data()?;
            let lines = u64::try_from(lines.len()).unwrap_or(u64::MAX);
            self.synced = self.length().saturating_add(lines);
            self.unsynced.clear();
        } else {
            self.unsynced.extend_from_slice(lines);
        }
        self.torn = false;
        Ok(())
    }

    /// Cuts off what was written without success, and writes again what was and may be
    /// gone.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.synced)?;
            self.file.write_all(&self.unsynced)?;
            self.torn = false;
        }
        Ok(())
    }
}

/// A file that is ours alone. What is left of an attempt that failed makes way for it, and
/// not what another process is about to begin.
fn create(path: &Path) -> io::Result<File> {
    match files::open(path) {
        Ok(left) => {
            lock(&left)?;
            fs::remove_file(path)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(files::named(path, &error)),
    }
    let file = files::create(path, MODE)?;
    lock(&file)?;
    Ok(file)
}

/// Locks a file for as long as it is open.
pub(in crate::audit) fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|refused| match refused {
        fs::TryLockError::WouldBlock => io::Error::other("another process writes it"),
        fs::TryLockError::Error(error) => error,
    })
}
