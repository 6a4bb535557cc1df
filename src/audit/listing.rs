//! The files of a journal, by their [names](super::names). What else lies in the folder is
//! not the journal's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::blocks::{Blocks, Source};
use super::files;
use super::first::First;
use super::line::Sealed;
use super::names::Names;

/// The files of a journal that are there.
#[derive(Clone, Debug)]
pub struct Listing {
    pub(super) folder: PathBuf,
    pub(super) names: Names,
    /// In the order of what they hold.
    pub(super) closed: Vec<Closed>,
    /// The file that is being written, where it was asked for or is there.
    pub(super) active: Option<Active>,
}

/// The file that is being written.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) path: PathBuf,
    /// It is opened before the others are listed: one that is closed meanwhile is in the
    /// listing, or this one, and never in neither.
    file: Option<Arc<File>>,
}

/// A file that is no longer written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    /// Its name before it was compressed.
    pub(super) name: String,
    /// What the name says is the number of its first line.
    pub(super) first_seq: u64,
    pub(super) closed_at: SystemTime,
    pub(super) plain: Option<PathBuf>,
    pub(super) zipped: Option<PathBuf>,
}

/// There is no journal, or it cannot be told which files are its own.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The folder cannot be read.
    #[error("cannot read `{path}`: {error}", path = .0.display(), error = .1)]
    Folder(PathBuf, #[source] io::Error),
    /// There is nothing at the path.
    #[error("there is no journal at `{}`", .0.display())]
    Nothing(PathBuf),
    /// The path names a folder with several journals.
    #[error("`{path}` holds more than one journal; name one of {names}", path = .0.display(), names = .1)]
    Several(PathBuf, String),
    /// No file can be called so.
    #[error("`{}` is no name of a journal", .0.display())]
    NoName(PathBuf),
}

impl Listing {
    /// The journal that is written to `path`, or the only one in the folder `path`.
    ///
    /// # Errors
    ///
    /// When there is none, or more than one.
    pub fn of(path: &Path) -> Result<Self, ListError> {
        if path.is_dir() {
            return Self::in_folder(path);
        }
        // The others lie beside the file that a link leads to.
        let led = path.is_symlink().then(|| fs::canonicalize(path).ok());
        Self::of_file(led.flatten().as_deref().unwrap_or(path))
    }

    fn of_file(path: &Path) -> Result<Self, ListError> {
        // The first file may be closed between two looks; then the next finds it.
        for _ in 0..2 {
            let listing = Self::written_to(path)?;
            if !listing.closed.is_empty() || path.exists() {
                return Ok(listing);
            }
        }
        Err(ListError::Nothing(path.to_owned()))
    }

    /// The journal that is written to `path`; it may have no file yet.
    pub(super) fn written_to(path: &Path) -> Result<Self, ListError> {
        let no_name = || ListError::NoName(path.to_owned());
        let name = path.file_name().and_then(|name| name.to_str());
        let names = Names::of(name.ok_or_else(no_name)?);
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let active = Active {
            path: path.to_owned(),
            file: files::open(path).ok().map(Arc::new),
        };
        let closed = entries(folder)?
            .iter()
            .filter_map(|name| names.parse(folder, name))
            .collect();
        let closed = in_order(closed);
        Ok(Self {
            active: (!active.is_one_of(&closed)).then_some(active),
            closed,
            folder: folder.to_owned(),
            names,
        })
    }

    fn in_folder(folder: &Path) -> Result<Self, ListError> {
        let entries = entries(folder)?;
        let closed = entries.iter().filter_map(|name| Names::of_closed(name));
        let mut all: BTreeSet<Names> = closed.collect();
        if all.is_empty() {
            all = begun(folder, &entries);
        }
        let mut each = all.iter();
        match (each.next(), each.next()) {
            (None, _) => Err(ListError::Nothing(folder.to_owned())),
            (Some(names), None) => {
                let mut listing = Self::of_file(&folder.join(names.active()))?;
                // One that is there and cannot be opened is not left out.
                listing.active = listing.active.filter(Active::is_there);
                Ok(listing)
            }
            (Some(_), Some(_)) => {
                let names: Vec<_> = all
                    .iter()
                    .map(|names| format!("`{}`", names.active()))
                    .collect();
                Err(ListError::Several(folder.to_owned(), names.join(", ")))
            }
        }
    }

    /// What all files hold on the disk, in bytes.
    pub fn bytes(&self) -> u64 {
        let closed = self.closed.iter().filter_map(Closed::path);
        closed
            .chain(self.active.iter().map(|active| active.path.as_path()))
            .filter_map(|path| fs::metadata(path).ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    /// Where the journal's digests are.
    pub(super) fn digests(&self) -> PathBuf {
        self.folder.join("digests")
    }
}

impl Active {
    /// Its bytes.
    pub(super) fn blocks(&self) -> io::Result<Blocks<Source>> {
        match &self.file {
            Some(file) => Ok(Blocks::plain(Arc::clone(file))),
            // What was wrong then is wrong now.
            None => Blocks::open(&self.path),
        }
    }

    /// What it begins with.
    pub(super) fn first(&self) -> Option<First> {
        First::of(self.blocks().ok()?.into_source()).ok()?
    }

    /// The number of its first line, be that whole or not: the lines behind it count.
    pub(super) fn first_seq(&self) -> Option<u64> {
        let mut blocks = self.blocks().ok()?;
        let block = blocks.next().ok()??;
        let line = block.bytes.split(|byte| *byte == b'\n').next()?;
        Sealed::read(line).map(|line| line.seq)
    }

    /// Whether there is something at its path, be it readable or not.
    fn is_there(&self) -> bool {
        let is_absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        self.file.is_some() || !fs::symlink_metadata(&self.path).is_err_and(|e| is_absent(&e))
    }

    /// Whether it was closed after it was opened here.
    fn is_one_of(&self, closed: &[Closed]) -> bool {
        let inode = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let own = self.file.as_ref().and_then(|file| file.metadata().ok());
        let Some(own) = own.map(inode) else {
            return false;
        };
        let mut plain = closed.iter().rev().filter_map(|file| file.plain.as_ref());
        plain.any(|path| fs::metadata(path).is_ok_and(|metadata| inode(metadata) == own))
    }
}

impl Closed {
    /// Where it can be read: as it was written, or else compressed.
    pub(super) fn path(&self) -> Option<&Path> {
        self.plain.as_deref().or(self.zipped.as_deref())
    }
}

fn entries(folder: &Path) -> Result<Vec<String>, ListError> {
    let failed = |error| ListError::Folder(folder.to_owned(), error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Journals of which no file was closed yet: files that begin as theirs do or, if there are
/// none, those of which that cannot be told.
fn begun(folder: &Path, names: &[String]) -> BTreeSet<Names> {
    let (mut begun, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        let path = folder.join(name);
        let first = files::open(&path).and_then(First::of);
        let is_empty = || fs::metadata(&path).is_ok_and(|found| found.len() == 0);
        match first {
            _ if name.starts_with('.') || path.is_dir() => {}
            Ok(Some(first)) if first.opens => drop(begun.insert(Names::of(name))),
            Ok(Some(_)) => {}
            Ok(None) if !is_empty() => {}
            _ if name.ends_with(".jsonl") => drop(unknown.insert(Names::of(name))),
            _ => {}
        }
    }
    if begun.is_empty() { unknown } else { begun }
}

/// By their numbers; a file and its compressed form are one.
fn in_order(files: Vec<Closed>) -> Vec<Closed> {
    let mut found: BTreeMap<(u64, String), Closed> = BTreeMap::new();
    for file in files {
        let key = (file.first_seq, file.name.clone());
        match found.get_mut(&key) {
            Some(other) => {
                other.plain = other.plain.take().or(file.plain);
                other.zipped = other.zipped.take().or(file.zipped);
            }
            None => {
                found.insert(key, file);
            }
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::first::OPENS;
    use crate::audit::line::{Draft, Hash};

    #[test]
    fn the_files_of_a_journal_are_told_from_others_and_put_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "audit.jsonl",
            "audit-20261125T060000Z-000000000042.jsonl",
            "audit-20261125T050000Z-000000000001.jsonl.gz",
            "audit-20261125T070000Z-1000000000000.jsonl",
            "audit-20261125T070000Z-1000000000000.jsonl.gz",
            // Not its own:
            "audit-20261125T050000Z-1.jsonl",
            "audit-20261325T050000Z-000000000001.jsonl",
            "audit-20261125T050000Z-000000000001.jsonl.gz.tmp",
            "audit-other-20261125T050000Z-000000000001.jsonl",
            "audit-20261125T050000Z-000000000001.json",
            "audit-é0261125T050000-000000000001.jsonl",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }

        let listing = Listing::of(&folder.path().join("audit.jsonl")).unwrap();

        let seqs: Vec<_> = listing.closed.iter().map(|file| file.first_seq).collect();
        assert_eq!(seqs, [1, 42, 1_000_000_000_000]);
        let last = listing.closed.last().unwrap();
        assert!(last.plain.is_some() && last.zipped.is_some());
        let several = Listing::of(folder.path()).unwrap_err().to_string();
        assert!(several.contains("`audit-other.jsonl`"), "{several}");
    }

    #[test]
    fn a_folder_with_one_journal_names_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Listing::of(folder.path()).is_err());
        assert!(Listing::of(&folder.path().join("audit.jsonl")).is_err());
        let name = "a-b-20261125T060000Z-000000000042";
        fs::write(folder.path().join(name), "12345").unwrap();

        let listing = Listing::of(folder.path()).unwrap();

        assert_eq!(listing.names, Names::of("a-b"));
        assert!(listing.active.is_none());
        assert_eq!(listing.bytes(), 5);
        assert_eq!(listing.names.first_seq(&format!("{name}.gz")), Some(42));
    }

    #[test]
    fn a_folder_whose_journal_has_no_closed_file_names_it_and_one_that_cannot_be_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let active = || Listing::of(folder.path()).map(|listing| listing.active.unwrap().path);
        fs::create_dir(path("audit.jsonl")).unwrap();
        fs::write(path("other.jsonl"), "1\n").unwrap();
        assert!(active().is_err());
        let record = serde_json::json!({"eventName": OPENS});
        let mut line = Vec::new();
        let draft = Draft::new(&record, &serde_json::json!({})).unwrap();
        draft.seal(1, Hash::NONE, &mut line);
        fs::write(path("begun"), &line).unwrap();
        assert_eq!(active().unwrap(), path("begun"));

        fs::remove_file(path("begun")).unwrap();
        fs::write(path("empty.jsonl"), "").unwrap();
        assert_eq!(active().unwrap(), path("empty.jsonl"));

        let changed = String::from_utf8(line.clone())
            .unwrap()
            .replace(OPENS, "Other");
        fs::write(path("changed"), changed).unwrap();
        let changed = Listing::of(&path("changed")).unwrap().active.unwrap();
        assert_eq!((changed.first(), changed.first_seq()), (None, Some(1)));

        let closed = path("audit-20261125T060000Z-000000000001.jsonl");
        fs::write(closed, &line).unwrap();
        assert_eq!(active().unwrap(), path("audit.jsonl"));
        assert!(
            Listing::of(folder.path())
                .unwrap()
                .active
                .unwrap()
                .blocks()
                .is_err()
        );
    }

    #[test]
    fn a_file_that_is_closed_while_it_is_looked_at_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let closed = folder
            .path()
            .join("audit-20261125T060000Z-000000000042.jsonl");
        fs::write(&path, "1\n").unwrap();
        let listing = Listing::of(&path).unwrap();

        fs::rename(&path, &closed).unwrap();
        fs::write(&path, "22\n").unwrap();

        let mut blocks = listing.active.as_ref().unwrap().blocks().unwrap();
        assert_eq!(blocks.next().unwrap().unwrap().bytes, b"1\n");
        let opened = listing.active.unwrap();
        let listing = Listing::of(&path).unwrap();
        assert!(opened.is_one_of(&listing.closed));
        assert!(!listing.active.unwrap().is_one_of(&listing.closed));
    }
}
