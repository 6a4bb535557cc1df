//! The names of a journal's files.
//!
//! The file that is written always has the name that was set, such as `audit.jsonl`. A
//! closed one lies beside it as `audit-20261125T050000Z-000000000042.jsonl`: when it was
//! closed, and the number of its first line. A closed file may be compressed, with `.gz`
//! at its end.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file of a journal that is no longer written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClosedFile {
    /// The number of its first line.
    pub first_seq: u64,
    /// When it was closed, as its name says it: `20261125T050000Z`.
    pub closed: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// The name of a file that is closed now.
pub(super) fn closed_name(journal: &Path, now: SystemTime, first_seq: u64) -> PathBuf {
    let time = basic_time(now);
    let mut name = stem(journal);
    name.push(format!("-{time}-{first_seq:012}."));
    name.push(extension(journal));
    journal.with_file_name(name)
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
    name.push(format!(".cut-{}", basic_time(now)));
    journal.with_file_name(name)
}

/// The closed files of a journal, oldest first.
///
/// # Errors
///
/// When the directory cannot be read.
pub fn closed(journal: &Path) -> io::Result<Vec<ClosedFile>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory(journal))? {
        found.extend(parse(journal, &entry?.path()));
    }
    found.sort();
    // A file that is being compressed may be there twice; the plain one is whole.
    found.dedup_by(|later, first| {
        later.first_seq == first.first_seq && later.closed == first.closed
    });
    Ok(found)
}

fn parse(journal: &Path, path: &Path) -> Option<ClosedFile> {
    let name = path.file_name()?.to_str()?;
    let stem = stem(journal);
    let extension = extension(journal);
    let rest = name.strip_prefix(stem.to_str()?)?.strip_prefix('-')?;
    let rest = rest.strip_suffix(".gz").unwrap_or(rest);
    let rest = rest.strip_suffix(extension.to_str()?)?.strip_suffix('.')?;
    let (closed, seq) = rest.split_once('-')?;
    let is_time = closed.len() == 16 && closed.ends_with('Z');
    is_time.then_some(ClosedFile {
        first_seq: seq.parse().ok()?,
        closed: closed.to_owned(),
        path: path.to_owned(),
    })
}

/// The directory of a journal.
pub(super) fn directory(journal: &Path) -> &Path {
    match journal.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes names that were given or taken durable.
pub(super) fn sync_directory(journal: &Path) -> io::Result<()> {
    File::open(directory(journal))?.sync_all()
}

/// `20261125T050000Z`.
pub(super) fn basic_time(time: SystemTime) -> String {
    let time = time.max(SystemTime::UNIX_EPOCH);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.chars()
        .filter(|letter| !matches!(letter, '-' | ':'))
        .collect()
}

fn stem(journal: &Path) -> OsString {
    journal.file_stem().unwrap_or_default().to_owned()
}

fn extension(journal: &Path) -> OsString {
    journal.extension().unwrap_or("jsonl".as_ref()).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn closed_files_are_found_by_their_names_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let journal = directory.path().join("audit.jsonl");
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let first = closed_name(&journal, at(1_000_000_000), 1);
        let second = closed_name(&journal, at(1_000_000_000), 1_000_000_000_000);
        let mut third = second.as_os_str().to_owned();
        third.push(".gz");
        for path in [&second, &first, Path::new(&third), &journal] {
            fs::write(path, "").unwrap();
        }
        for other in [
            "audit-x.jsonl",
            "audit-20010909T014640Z-1.log",
            "other-20010909T014640Z-1.jsonl",
        ] {
            fs::write(directory.path().join(other), "").unwrap();
        }

        let found = closed(&journal).unwrap();

        assert_eq!(
            first.file_name().unwrap(),
            "audit-20010909T014640Z-000000000001.jsonl"
        );
        let numbers: Vec<u64> = found.iter().map(|file| file.first_seq).collect();
        assert_eq!(numbers, [1, 1_000_000_000_000]);
        assert_eq!(found[0].path, first);
    }

    #[test]
    fn a_journal_may_be_named_without_a_directory_or_an_ending() {
        assert_eq!(directory(Path::new("audit.jsonl")), Path::new("."));
        let name = closed_name(Path::new("log/audit"), SystemTime::UNIX_EPOCH, 7);
        assert_eq!(
            name,
            Path::new("log/audit-19700101T000000Z-000000000007.jsonl")
        );
        assert_eq!(parse(Path::new("log/audit"), &name).unwrap().first_seq, 7);
    }
}
