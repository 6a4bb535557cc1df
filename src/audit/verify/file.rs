//! One file of a journal by itself.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::digest::{Context, SHA256};

use super::chain::Calls;
use super::fault::{Fault, What};
use super::record::Record;
use crate::audit::blocks::{Blocks, Source, hash_of, is_damage};
use crate::audit::line::{Hash, MOST_BYTES, Sealed};
use crate::audit::listing::{Active, Listing};
use crate::audit::names::CLOCK_ERROR;

/// A file that is to be read.
pub(super) struct Asked<'a> {
    path: &'a Path,
    active: Option<&'a Active>,
    /// Its compressed form, where both are there.
    twin: Option<&'a Path>,
    /// What its name says is the number of its first line.
    first_seq: Option<u64>,
    /// What its name says is when it was closed.
    closed_at: Option<SystemTime>,
}

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The name it has in digests; none while it is being written.
    pub(super) name: Option<String>,
    pub(super) position: u64,
    pub(super) first: Option<Sealing>,
    pub(super) last: Option<Sealing>,
    /// Whether its first line says that lines before it are in another sink.
    pub(super) is_lagged: bool,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) calls: Calls,
    /// The hash of all its bytes; none where they were not read to the end.
    pub(super) hash: Option<Hash>,
    pub(super) fault: Option<Fault>,
    pub(super) unreadable: Option<String>,
}

/// The end of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealing {
    pub(super) seq: u64,
    pub(super) previous: Hash,
    pub(super) hash: Hash,
}

impl<'a> Asked<'a> {
    /// All files, in the order of what they hold.
    pub(super) fn all(listing: &'a Listing) -> Vec<Self> {
        let closed = listing.closed.iter().filter_map(|file| {
            Some(Self {
                path: file.path()?,
                active: None,
                twin: file.plain.as_ref().and(file.zipped.as_deref()),
                first_seq: Some(file.first_seq),
                closed_at: Some(file.closed_at),
            })
        });
        let active = listing.active.iter().map(|active| Self {
            path: &active.path,
            active: Some(active),
            twin: None,
            first_seq: None,
            closed_at: None,
        });
        closed.chain(active).collect()
    }

    /// The name without what compression adds.
    fn name(&self) -> Option<String> {
        self.first_seq?;
        let name = self.path.file_name()?.to_str()?;
        Some(name.strip_suffix(".gz").unwrap_or(name).to_owned())
    }
}

/// Reads a file up to its first fault. `read` is told how many bytes each block had.
pub(super) fn check(asked: &Asked<'_>, read: &dyn Fn(u64)) -> Found {
    let mut found = Found {
        path: asked.path.to_owned(),
        name: asked.name(),
        position: asked.first_seq.unwrap_or(u64::MAX - 1),
        ..Found::default()
    };
    let mut reader = Reader {
        promised: asked.first_seq,
        closed_at: asked.closed_at,
        found: &mut found,
    };
    let blocks = match asked.active {
        Some(active) => active.blocks(),
        None => Blocks::open(asked.path),
    };
    if let Err(error) = blocks.and_then(|blocks| reader.read(blocks, read)) {
        found.failed(asked.path, &error);
    }
    if let (Some(twin), None) = (asked.twin, &found.fault) {
        match hash_of(twin) {
            Ok(hash) if Some(hash) == found.hash => {}
            Ok(_) => found.fail(None, None, What::TwoForms),
            Err(error) => found.failed(twin, &error),
        }
    }
    found
}

struct Reader<'f> {
    found: &'f mut Found,
    /// What the first line's number has to be, of a file that is closed.
    promised: Option<u64>,
    closed_at: Option<SystemTime>,
}

impl Reader<'_> {
    fn read(&mut self, mut blocks: Blocks<Source>, read: &dyn Fn(u64)) -> io::Result<()> {
        let mut whole = Context::new(&SHA256);
        while let Some(block) = blocks.next()? {
            whole.update(block.bytes);
            let mut rest = block.bytes;
            let mut offset = block.offset;
            while !rest.is_empty() {
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                let (line, others) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                if let Err(what) = self.line(line) {
                    self.blame(line, offset, what);
                    return Ok(());
                }
                rest = others;
                offset += length(line);
            }
            self.found.bytes += length(block.bytes);
            read(length(block.bytes));
        }
        if self.found.lines == 0 {
            self.found.fail(None, None, What::Empty);
        } else {
            self.found.hash = Some(Hash::finish(whole));
        }
        Ok(())
    }

    /// A line has to be whole and to follow the one before. Only the last one of all may be
    /// what a disk has left of one.
    fn line(&mut self, line: &[u8]) -> Result<(), What> {
        let Some(line) = line.strip_suffix(b"\n") else {
            let may_go_on = self.promised.is_none() && line.len() <= MOST_BYTES;
            return Err(if may_go_on {
                What::Unfinished
            } else {
                What::NoLine
            });
        };
        let sealed = Sealed::read(line).filter(|_| line.len() <= MOST_BYTES);
        let sealed = sealed.ok_or(What::NoLine)?;
        if !sealed.is_whole() {
            return Err(What::Changed);
        }
        let sealing = Sealing {
            seq: sealed.seq,
            previous: sealed.previous,
            hash: sealed.hash,
        };
        if let Some(last) = &self.found.last {
            sealing.follows(last)?;
        }
        let record = Record::read(line)?;
        if self.found.first.is_none() {
            self.opens(&record, &sealing)?;
            self.found.first = Some(sealing);
        }
        self.found.last = Some(sealing);
        self.found.lines += 1;
        record.remember(sealed.seq, &mut self.found.calls);
        Ok(())
    }

    fn opens(&mut self, record: &Record<'_>, sealing: &Sealing) -> Result<(), What> {
        match self.promised {
            Some(seq) if seq != sealing.seq => return Err(What::Renamed(seq)),
            _ => {}
        }
        record.opens_after(sealing.previous)?;
        let latest = self.closed_at.and_then(|at| at.checked_add(CLOCK_ERROR));
        if latest.is_some_and(|latest| record.time().is_some_and(|time| time > latest)) {
            return Err(What::Redated);
        }
        self.found.is_lagged = record.is_lagged();
        Ok(())
    }

    /// The fault of a line, which nothing follows.
    fn blame(&mut self, line: &[u8], offset: u64, what: What) {
        let next = self.found.last.map(|last| last.seq.saturating_add(1));
        let own = Sealed::read(line.strip_suffix(b"\n").unwrap_or(line)).map(|line| line.seq);
        let line = self.found.lines + 1;
        let seq = own.or(next).or(self.promised);
        self.found.fail(Some((line, offset)), seq, what);
    }
}

impl Found {
    fn fail(&mut self, place: Option<(u64, u64)>, seq: Option<u64>, what: What) {
        self.fault = Some(Fault {
            line: place.map(|(line, _)| line),
            offset: place.map(|(_, offset)| offset),
            seq,
            ..Fault::of_file(&self.path, self.position, what)
        });
        self.hash = None;
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => self.fail(None, None, What::Absent),
            _ if is_damage(error) => self.fail(None, None, What::Damaged(error.to_string())),
            _ => self.unreadable = Some(format!("{}: {error}", path.display())),
        }
    }
}

impl Sealing {
    /// Whether a line may stand behind another.
    pub(super) fn follows(&self, last: &Self) -> Result<(), What> {
        let expected = last.seq.saturating_add(1);
        if self.seq > expected {
            Err(What::Missing(expected, self.seq - 1))
        } else if self.seq < expected {
            Err(What::Repeated(expected))
        } else if self.previous != last.hash {
            Err(What::Replaced)
        } else {
            Ok(())
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
