//! What the writer calls a journal's files; [`listing`](super::listing) finds them again.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::names::Names;
use super::stamp::stamp;

/// Only the owner reads a journal.
pub(super) const MODE: u32 = 0o600;

/// Opens a file to read it. What is none is refused: a pipe under the name of a file would
/// keep its reader waiting, and a device may have no end.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        let words = "it is not a regular file";
        return Err(io::Error::new(io::ErrorKind::Unsupported, words));
    }
    File::open(path)
}

/// Makes a file for lines, where there is none, with this mode whatever the umask is.
pub(super) fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .append(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    if file.metadata()?.mode() & 0o777 != mode {
        // Where the file system has no modes, this is what it has.
        let _ = file.set_permissions(Permissions::from_mode(mode));
    }
    Ok(file)
}

/// What has failed, with the file that it failed with.
pub(super) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// The name of a file that is closed now: when that was, and the number of its first line.
pub(super) fn closed_name(journal: &Path, now: SystemTime, first_seq: u64) -> PathBuf {
    let name = journal.file_name().unwrap_or_default().to_string_lossy();
    journal.with_file_name(Names::of(&name).closed(now, first_seq))
}

/// The name of a file that is about to be the one that is written.
pub(super) fn next_name(journal: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(journal.file_name().unwrap_or_default());
    name.push(".next");
    journal.with_file_name(name)
}

/// The name of what is cut off the end of a file, which is kept.
pub(super) fn cut_name(journal: &Path, now: SystemTime) -> PathBuf {
    let mut name = journal.file_name().unwrap_or_default().to_owned();
    name.push(format!(".cut-{}", stamp(now)));
    journal.with_file_name(name)
}

/// The folder of a file; to sync it makes names durable that were given or taken.
pub(super) fn directory(path: &Path) -> io::Result<File> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent),
        _ => File::open("."),
    }
}

/// Makes the names in the folder of a file durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    directory(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Listing;

    #[test]
    fn what_is_closed_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        for journal in ["audit.jsonl", "journal"] {
            let journal = directory.path().join(journal);
            for seq in [1, 42, 1_000_000_000_000] {
                fs::write(closed_name(&journal, SystemTime::UNIX_EPOCH, seq), "").unwrap();
            }
            fs::write(next_name(&journal), "").unwrap();
            fs::write(cut_name(&journal, SystemTime::UNIX_EPOCH), "").unwrap();

            let listing = Listing::of(&journal).unwrap();

            let seqs: Vec<u64> = listing.closed.iter().map(|file| file.first_seq).collect();
            assert_eq!(seqs, [1, 42, 1_000_000_000_000]);
        }
    }
}
