//! Reads the lines of a journal in their order, from its files, while it is written.
//!
//! A file that is read stays open, whatever becomes of its name. At its end it is looked
//! which file has the next line: the listing says that of closed files, compressed or not.
//! Nothing is taken from behind the last line that is known to be on the disk, because that
//! may be cut off and written again with other content.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Line, MOST_BYTES, MOST_LINES};
use crate::audit::blocks::{Blocks, Source, is_damage};
use crate::audit::line::{self, Sealed};
use crate::audit::listing::{ListError, Listing};

mod files;

pub use files::oldest;

/// Reads the lines of a journal in their order.
pub struct Tail {
    journal: PathBuf,
    /// The number of the next line to read from files.
    next: u64,
    reading: Option<Reading>,
    /// What was read and not given out: at most a block.
    ahead: VecDeque<Line>,
    /// There seemed to be no such line when it was looked last.
    doubted: Option<u64>,
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Lines, in their order; none where there are no more.
    pub lines: Vec<Line>,
    /// How many lines before them there should be and are not.
    pub missing: u64,
}

/// The journal cannot be read at the moment.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its files cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// One of them cannot be read.
    #[error("cannot read the journal: {0}")]
    File(#[from] io::Error),
}

/// A file, and how far it is read.
enum Reading {
    /// One that may grow: what stands behind the offset is read anew each time.
    Plain(Arc<File>, u64),
    /// One that is whole.
    Zipped(Box<Blocks<Source>>),
}

/// What was found in a file.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Lines,
    /// A later line than the next one.
    Gap(u64),
    /// No line from the next one on.
    Nothing,
}

impl Tail {
    /// Begins with the line of this number.
    pub fn new(journal: &Path, first: u64) -> Self {
        Self {
            journal: journal.to_owned(),
            next: first,
            reading: None,
            ahead: VecDeque::new(),
            doubted: None,
        }
    }

    /// Goes to the line of this number.
    pub fn seek(&mut self, seq: u64) {
        *self = Self::new(&self.journal, seq);
    }

    /// The number of the line that is read next.
    pub fn next(&self) -> u64 {
        self.ahead.front().map_or(self.next, |line| line.seq)
    }

    /// The next lines up to the one with the number `until`, as many as go in one batch.
    ///
    /// Lines that are not there count as missing when they are not there the second time
    /// that it is looked: files change their names meanwhile.
    ///
    /// # Errors
    ///
    /// When files cannot be read. Doing it again goes on from there.
    pub fn read(&mut self, until: u64) -> Result<Read, ReadError> {
        let mut missing = 0;
        if self.ahead.is_empty() && self.next <= until && !self.goes_on(until)? {
            match self.look(until)? {
                Found::Lines | Found::Nothing => {}
                Found::Gap(_) if self.doubted != Some(self.next) => self.doubted = Some(self.next),
                Found::Gap(seq) => {
                    missing = seq - self.next;
                    self.next = seq;
                    self.look(until)?;
                }
            }
        }
        let lines = self.batch();
        if !lines.is_empty() {
            self.doubted = None;
        }
        Ok(Read { lines, missing })
    }

    fn batch(&mut self) -> Vec<Line> {
        let mut bytes = 0;
        let fitting = self.ahead.iter().take(MOST_LINES).take_while(|line| {
            bytes += line.text.len();
            bytes <= MOST_BYTES
        });
        let count = fitting.count().max(1).min(self.ahead.len());
        self.ahead.drain(..count).collect()
    }

    /// Whether there are more lines in the file that is being read.
    fn goes_on(&mut self, until: u64) -> io::Result<bool> {
        match &self.reading {
            Some(_) => Ok(self.more(until)? == Found::Lines),
            None => Ok(false),
        }
    }

    /// Looks for the next line in all files.
    fn look(&mut self, until: u64) -> Result<Found, ReadError> {
        let listing = Listing::written_to(&self.journal)?;
        for open in files::candidates(&listing, self.next) {
            self.reading = Some(open()?);
            let found = self.more(until)?;
            if found != Found::Nothing {
                return Ok(found);
            }
        }
        Ok(Found::Nothing)
    }

    /// Reads on in the file, up to where there are lines.
    fn more(&mut self, until: u64) -> io::Result<Found> {
        let found = self.blocks(until);
        match &found {
            // What is damaged from somewhere on has no more lines.
            Err(error) if is_damage(error) => {
                self.reading = None;
                return Ok(Found::Nothing);
            }
            Ok(Found::Lines) => {}
            // What stands behind in a block of a compressed file would be left out.
            Ok(_) if matches!(self.reading, Some(Reading::Zipped(_))) => self.reading = None,
            Ok(_) => {}
            Err(_) => self.reading = None,
        }
        found
    }

    fn blocks(&mut self, until: u64) -> io::Result<Found> {
        let mut taking = Taking {
            next: self.next,
            until,
            lines: &mut self.ahead,
        };
        let found = match &mut self.reading {
            None => Found::Nothing,
            Some(Reading::Plain(file, offset)) => {
                let source = Source::Plain(Arc::clone(file), *offset);
                let mut blocks = Blocks::new(source);
                loop {
                    let Some(block) = blocks.next()? else {
                        break Found::Nothing;
                    };
                    let (taken, found) = taking.block(block.bytes);
                    *offset += u64::try_from(taken).unwrap_or(u64::MAX);
                    if found != Found::Nothing || taken < block.bytes.len() {
                        break found;
                    }
                }
            }
            Some(Reading::Zipped(blocks)) => loop {
                let Some(block) = blocks.next()? else {
                    break Found::Nothing;
                };
                let (taken, found) = taking.block(block.bytes);
                if found != Found::Nothing || taken < block.bytes.len() {
                    break found;
                }
            },
        };
        self.next = taking.next;
        Ok(found)
    }
}

/// Takes lines out of blocks.
struct Taking<'a> {
    next: u64,
    until: u64,
    lines: &'a mut VecDeque<Line>,
}

impl Taking<'_> {
    /// How many bytes are done with, and what was found in them.
    fn block(&mut self, block: &[u8]) -> (usize, Found) {
        let mut done = 0;
        let found = |taking: &Self| match taking.lines.is_empty() {
            true => Found::Nothing,
            false => Found::Lines,
        };
        for bytes in block.split_inclusive(|byte| *byte == b'\n') {
            match bytes.strip_suffix(b"\n") {
                // It is being written, unless it is longer than lines are.
                None if bytes.len() <= line::MOST_BYTES => return (done, found(self)),
                None => {}
                Some(text) => match whole(text) {
                    Some(line) if line.seq > self.until => return (done, found(self)),
                    Some(line) if line.seq > self.next => {
                        let gap = Found::Gap(line.seq);
                        let is_first = self.lines.is_empty();
                        return (done, if is_first { gap } else { Found::Lines });
                    }
                    Some(line) if line.seq == self.next => {
                        self.next += 1;
                        self.lines.push_back(line);
                    }
                    // It was read before, or is none.
                    Some(_) | None => {}
                },
            }
            done += bytes.len();
        }
        (done, found(self))
    }
}

/// A line that is as it was written.
fn whole(text: &[u8]) -> Option<Line> {
    let sealed = Sealed::read(text).filter(Sealed::is_whole)?;
    Some(Line {
        seq: sealed.seq,
        text: std::str::from_utf8(text).ok()?.to_owned(),
    })
}

#[cfg(test)]
mod tests;
