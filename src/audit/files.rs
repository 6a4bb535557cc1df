//! What the writer calls a journal's files; [`listing`](super::listing) finds them again.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::listing::Names;
use super::stamp::stamp;

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
    use std::fs;

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
