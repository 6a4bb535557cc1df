//! What a process finds that goes on with a journal.
//!
//! A process that was killed may have left the last lines unfinished, and calls of which
//! only the intent is there. What is unfinished is cut off and kept beside the journal; a
//! line that is broken while whole lines follow was not left by a crash, and nothing is
//! written after it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use uuid::Uuid;

use super::files::{self, cut_name, next_name};
use super::line::Sealed;
use super::listing::{Closed, Listing};
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

/// A call of which only the intent is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) shared: Uuid,
    pub(super) event: Uuid,
    pub(super) operation: String,
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
    let length = match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(OpenError::NotAFile(path.to_owned())),
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            finish_rotation(path).map_err(refused)?
        }
        Err(error) => return Err(refused(error)),
    };
    let sink = FileSink::new(path, limits);
    if length == 0 {
        let chain = end_of_closed(path).map_err(refused)?;
        return Ok(Found {
            sink,
            chain: chain.unwrap_or(Chain::START),
            open: Vec::new(),
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
    let whole = match File::open(&next) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        found => Scan::of(BufReader::new(found?))?,
    };
    // Unless it begins where the closed files end, nothing was closed for it yet.
    let follows = end_of_closed(path)?.map_or(0, |chain| chain.seq) + 1 == whole.first_seq;
    if whole.lines == 0 || !whole.rest.is_empty() || !follows {
        return Ok(0);
    }
    fs::rename(&next, path)?;
    files::sync_directory(path)?;
    Ok(whole.good)
}

/// Where the newest closed file ends.
fn end_of_closed(path: &Path) -> io::Result<Option<Chain>> {
    let listing = Listing::written_to(path).map_err(io::Error::other)?;
    let Some(newest) = listing.closed.last().and_then(Closed::path) else {
        return Ok(None);
    };
    let file = File::open(newest)?;
    let read: Box<dyn Read> = match newest.extension().is_some_and(|end| end == "gz") {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    let scan = Scan::of(BufReader::new(read))?;
    Ok((scan.lines > 0).then_some(scan.chain))
}

fn cut(path: &Path, file: &File, scan: &Scan, now: SystemTime) -> io::Result<Cut> {
    let kept = cut_name(path, now);
    fs::write(&kept, &scan.rest)?;
    File::open(&kept)?.sync_all()?;
    file.set_len(scan.good)?;
    file.sync_all()?;
    Ok(Cut {
        bytes: u64::try_from(scan.rest.len()).unwrap_or(u64::MAX),
        kept,
    })
}

/// What a file says, up to the first line that is not whole.
struct Scan {
    chain: Chain,
    first_seq: u64,
    begun: Option<SystemTime>,
    lines: u64,
    /// How many bytes the whole lines take.
    good: u64,
    /// What comes after them.
    rest: Vec<u8>,
    /// Whether there are whole lines in that.
    goes_on: bool,
    open: HashMap<Uuid, Left>,
}

impl Scan {
    fn of(mut file: impl BufRead) -> io::Result<Self> {
        let mut scan = Self {
            chain: Chain::START,
            first_seq: 0,
            begun: None,
            lines: 0,
            good: 0,
            rest: Vec::new(),
            goes_on: false,
            open: HashMap::new(),
        };
        let mut line = Vec::new();
        while file.read_until(b'\n', &mut line)? > 0 {
            let whole = line.strip_suffix(b"\n").and_then(Sealed::read);
            match whole.filter(Sealed::is_whole) {
                Some(sealed) if scan.rest.is_empty() && scan.follows(&sealed) => {
                    scan.add(&sealed, &line);
                }
                found => {
                    scan.goes_on |= found.is_some();
                    scan.rest.extend_from_slice(&line);
                }
            }
            line.clear();
        }
        Ok(scan)
    }

    fn follows(&self, line: &Sealed<'_>) -> bool {
        let Chain { seq, hash } = self.chain;
        self.lines == 0 || (line.seq == seq + 1 && line.previous == hash)
    }

    fn add(&mut self, sealed: &Sealed<'_>, line: &[u8]) {
        if self.lines == 0 {
            self.first_seq = sealed.seq;
            self.begun = Says::of(line).and_then(|says| says.time());
        }
        self.chain = Chain {
            seq: sealed.seq,
            hash: sealed.hash,
        };
        self.lines += 1;
        self.good += u64::try_from(line.len()).unwrap_or_default();
        // Reads have no intent, and are most of the lines.
        if contains(line, b"\"readOnly\":false") || contains(line, b"\"OpenIntents\"") {
            self.note(line);
        }
    }

    fn note(&mut self, line: &[u8]) {
        let Some(says) = Says::of(line) else {
            return;
        };
        match (
            says.shared_event_id,
            says.additional_event_data.phase.as_deref(),
        ) {
            (Some(shared), Some("intent")) => {
                let left = Left {
                    shared,
                    event: says.event_id,
                    operation: says.event_name,
                };
                self.open.insert(shared, left);
            }
            (Some(shared), _) => drop(self.open.remove(&shared)),
            (None, _) => {
                let intents = says.service_event_details.intents.into_iter();
                self.open.extend(intents.map(|(shared, event, operation)| {
                    let left = Left {
                        shared,
                        event,
                        operation,
                    };
                    (shared, left)
                }));
            }
        }
    }
}

fn contains(line: &[u8], words: &[u8]) -> bool {
    memchr::memmem::find(line, words).is_some()
}

/// What matters here of a line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Says {
    event_time: String,
    event_name: String,
    #[serde(rename = "eventID")]
    event_id: Uuid,
    #[serde(rename = "sharedEventID")]
    #[serde(default)]
    shared_event_id: Option<Uuid>,
    #[serde(default)]
    service_event_details: Details,
    additional_event_data: Additional,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    intents: Vec<(Uuid, Uuid, String)>,
}

#[derive(Deserialize)]
struct Additional {
    phase: Option<String>,
}

impl Says {
    fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    fn time(&self) -> Option<SystemTime> {
        humantime::parse_rfc3339(&self.event_time).ok()
    }
}
