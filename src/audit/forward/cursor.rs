//! How far a target has come, in a small file beside the journal.
//!
//! The file is written anew whenever the target took lines, and not synced: after a crash
//! some lines are sent again.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Target;

/// Where it is kept how far a target has come.
#[derive(Clone, Debug)]
pub struct Cursor {
    path: PathBuf,
}

/// What is known of how far a target has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing: the target is new.
    Nothing,
    /// It took all lines up to this one.
    Seq(u64),
    /// There is a file, which is damaged.
    Damaged,
}

impl Cursor {
    /// The one of a target of this journal.
    pub fn of(journal: &Path, target: &Target) -> Self {
        let mut name = journal.file_name().unwrap_or_default().to_owned();
        name.push(format!(".forwarded-{}", target.file_name()));
        Self {
            path: journal.with_file_name(name),
        }
    }

    /// Reads what is stored.
    ///
    /// # Errors
    ///
    /// When there is a file that cannot be read.
    pub fn load(&self) -> io::Result<Stored> {
        match fs::read(&self.path) {
            Ok(bytes) => {
                let text = std::str::from_utf8(&bytes).ok();
                let seq = text.and_then(|text| text.strip_suffix('\n')?.parse().ok());
                Ok(seq.map_or(Stored::Damaged, Stored::Seq))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stored::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Stores that the target took all lines up to `seq`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn store(&self, seq: u64) -> io::Result<()> {
        let mut unfinished = OsString::from(&self.path);
        unfinished.push(".tmp");
        fs::write(&unfinished, format!("{seq}\n"))?;
        fs::rename(&unfinished, &self.path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The line that a target is to get first, and whether that is not where it was left. A
/// new target begins with the `first` line of this process. Where it is not known what the
/// target has, or it has more than there was before this process, which is then another
/// journal, it begins with the `oldest` line: better twice than not at all.
pub fn first(stored: Stored, first: u64, oldest: u64) -> (u64, bool) {
    match stored {
        Stored::Nothing => (first, false),
        Stored::Seq(seq) if seq < first => (seq + 1, false),
        Stored::Seq(_) | Stored::Damaged => (oldest, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(folder: &Path) -> Cursor {
        let target = Target::parse("syslog+tcp://127.0.0.1:514").unwrap();
        Cursor::of(&folder.join("audit.jsonl"), &target)
    }

    #[test]
    fn what_is_stored_is_found_again_beside_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let cursor = cursor(folder.path());
        assert_eq!(cursor.load().unwrap(), Stored::Nothing);

        cursor.store(41).unwrap();
        cursor.store(42).unwrap();

        assert_eq!(cursor.load().unwrap(), Stored::Seq(42));
        let name = "audit.jsonl.forwarded-syslog-tcp-127.0.0.1-514";
        assert_eq!(cursor.path(), folder.path().join(name));
        let files = fs::read_dir(folder.path()).unwrap();
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn a_file_that_a_crash_has_left_empty_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let cursor = cursor(folder.path());
        for content in ["", "4", "x\n", "-1\n"] {
            fs::write(cursor.path(), content).unwrap();

            assert_eq!(cursor.load().unwrap(), Stored::Damaged, "{content:?}");
        }
        fs::remove_file(cursor.path()).unwrap();
        fs::create_dir(cursor.path()).unwrap();
        assert!(cursor.load().is_err());
    }

    #[test]
    fn a_target_goes_on_where_it_was_and_a_new_one_begins_with_this_process() {
        for (stored, expected) in [
            (Stored::Nothing, (100, false)),
            (Stored::Seq(0), (1, false)),
            (Stored::Seq(41), (42, false)),
            (Stored::Seq(99), (100, false)),
            (Stored::Seq(100), (7, true)),
            (Stored::Seq(u64::MAX), (7, true)),
            (Stored::Damaged, (7, true)),
        ] {
            assert_eq!(first(stored, 100, 7), expected, "{stored:?}");
        }
    }
}
