//! What a process finds that goes on with a journal.
//!
//! A process that was killed may have left the last lines unfinished, and calls of which
//! only the intent is there. What is unfinished is cut off and kept beside the journal; a
//! line that is broken while whole lines follow was not left by a crash, and nothing is
//! written after it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::blocks::Source;
use super::files::{self, MODE, cut_name, next_name};
use super::listing::{Closed, Listing};
use super::scan::{Left, Scan};
use super::sink::{FileSink, Limits, lock};
use super::writer::Chain;

/// Where a journal goes on.
pub(super) struct Found {
    pub(super) sink: FileSink,
    pub(super) chain: Chain,
    /// Calls of which only the intent is there.
    pub(super) open: Vec<Left>,
    pub(super) cut: Option<Cut>,
}

/// What was cut off the end of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) bytes: u64,
    /// Where it is kept.
    pub(super) kept: PathBuf,
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system refuses.
    #[error("cannot use `{path}` for the audit journal: {source}")]
    Io {
        /// The file or its directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// There is something else than a file.
    #[error("`{0}` is not a regular file, and an audit journal has to be one")]
    NotAFile(PathBuf),
    /// There is a file of something else.
    #[error("`{0}` is a file with something else than an audit journal; name another one")]
    NotAJournal(PathBuf),
    /// There is a link to somewhere else.
    #[error(
        "`{0}` is a symbolic link, and files of an audit journal are renamed where they lie; set \
         `audit.file` to what it leads to"
    )]
    Link(PathBuf),
    /// There is an empty file behind closed ones.
    #[error(
        "`{0}` is empty, and poolgate leaves no file without a line: somebody emptied it; move it \
         away to go on after the last closed file"
    )]
    Emptied(PathBuf),
    /// A line in the middle is broken.
    #[error(
        "line {line} of `{path}`, at byte {offset}, is broken, and whole lines follow: somebody \
         changed the journal; move the file away and keep it"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The number of the line in the file, from 1.
        line: u64,
        /// Where the line begins, in bytes.
        offset: u64,
    },
}

/// Looks for the journal at `path`, locks it and cuts off what is unfinished.
pub(super) fn open(path: &Path, limits: Limits, now: SystemTime) -> Result<Found, OpenError> {
    let refused = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let (is_there, length) = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(OpenError::Link(path.to_owned())),
        Ok(found) if !found.is_file() => return Err(OpenError::NotAFile(path.to_owned())),
        Ok(found) => (true, found.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (false, finish_rotation(path).map_err(refused)?)
        }
        Err(error) => return Err(refused(error)),
    };
    let sink = FileSink::new(path, limits);
    if length == 0 {
        let newest = newest_closed(path).map_err(refused)?;
        match (is_there, &newest) {
            (true, Some(_)) => return Err(OpenError::Emptied(path.to_owned())),
            // Whoever installs poolgate may have made it.
            (true, None) => tracing::warn!(
                file = %path.display(),
                "the audit journal is an empty file, which poolgate does not leave; a new one begins"
            ),
            (false, _) => {}
        }
        let (chain, open) = newest.map_or((Chain::START, HashMap::new()), |newest| {
            (newest.chain, newest.open)
        });
        return Ok(Found {
            sink,
            chain,
            open: open.into_values().collect(),
            cut: None,
        });
    }
    let file = OpenOptions::new().read(true).append(true).open(path);
    let file = file.map_err(refused)?;
    lock(&file).map_err(refused)?;
    go_on(path, file, sink, now)
}

fn go_on(path: &Path, file: File, mut sink: FileSink, now: SystemTime) -> Result<Found, OpenError> {
    let refused = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let scan = Scan::of(BufReader::new(&file)).map_err(refused)?;
    if scan.lines == 0 {
        return Err(OpenError::NotAJournal(path.to_owned()));
    }
    if scan.goes_on {
        return Err(OpenError::Damaged {
            path: path.to_owned(),
            line: scan.lines + 1,
            offset: scan.good,
        });
    }
    let cut = match scan.rest.is_empty() {
        true => None,
        false => Some(cut(path, &file, &scan, now).map_err(refused)?),
    };
    sink.go_on(file, scan.first_seq, scan.begun.unwrap_or(now))
        .map_err(refused)?;
    Ok(Found {
        sink,
        chain: scan.chain,
        open: scan.open.into_values().collect(),
        cut,
    })
}

/// A process that ended while it was beginning a file has left the next one under a name
/// of its own. Tells how long the file at `path` is.
fn finish_rotation(path: &Path) -> io::Result<u64> {
    let next = next_name(path);
    let file = match files::open(&next) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        found => found.map_err(|error| files::named(&next, &error))?,
    };
    // Another process may be at it.
    lock(&file)?;
    let whole = Scan::of(BufReader::new(&file))?;
    // Unless it begins where the closed files end, nothing was closed for it yet.
    let follows = newest_closed(path)?.map_or(0, |newest| newest.chain.seq) + 1 == whole.first_seq;
    if whole.lines == 0 || !whole.rest.is_empty() || !follows {
        return Ok(0);
    }
    fs::rename(&next, path)?;
    files::sync_folder(path)?;
    Ok(whole.good)
}

/// What the newest closed file says.
fn newest_closed(path: &Path) -> io::Result<Option<Scan>> {
    let listing = Listing::written_to(path).map_err(io::Error::other)?;
    let Some(newest) = listing.closed.last().and_then(Closed::path) else {
        return Ok(None);
    };
    let scan = Source::open(newest).and_then(|file| Scan::of(BufReader::new(file)));
    let scan = scan.map_err(|error| files::named(newest, &error))?;
    if scan.lines == 0 {
        let words = io::Error::other("the newest closed file does not begin with a whole line");
        return Err(files::named(newest, &words));
    }
    Ok(Some(scan))
}

fn cut(path: &Path, file: &File, scan: &Scan, now: SystemTime) -> io::Result<Cut> {
    let kept = keep(path, &scan.rest, now)?;
    file.set_len(scan.good)?;
    file.sync_all()?;
    Ok(Cut {
        bytes: u64::try_from(scan.rest.len()).unwrap_or(u64::MAX),
        kept,
    })
}

/// Puts what is cut off beside the journal, under a name that nothing has.
fn keep(path: &Path, rest: &[u8], now: SystemTime) -> io::Result<PathBuf> {
    let first = cut_name(path, now);
    let mut kept = first.clone();
    let mut others = 2..100;
    let mut file = loop {
        match (files::create(&kept, MODE), others.next()) {
            (Err(error), Some(number)) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut name = first.as_os_str().to_owned();
                name.push(format!("-{number}"));
                kept = name.into();
            }
            (made, _) => break made?,
        }
    };
    file.write_all(rest)?;
    file.sync_all()?;
    Ok(kept)
}
