//! Who did it: searches a journal.
//!
//! Most lines are never parsed. A search for a value looks for the bytes that every line
//! with that value has, and only a line that has them is read as JSON, where the value
//! then has to stand in a field that means it. The same value in a user agent is no find.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use memchr::memmem::Finder;
use serde_json::Value;

use super::blocks::{Blocks, Source};
use super::first::First;
use super::line::Sealed;
use super::listing::{Active, Closed, Listing};
use super::names::CLOCK_ERROR;

mod filter;

pub use filter::Filter;

/// How a search went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// How many records were found.
    pub found: u64,
    /// How many bytes were read, before they were compressed.
    pub bytes: u64,
    /// Files that are older than what is asked for and were not read.
    pub skipped: u64,
    /// Lines that are no records.
    pub damaged: u64,
    /// Files that could not be read to their end, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// A record that was found.
#[derive(Debug)]
pub struct Find<'a> {
    /// The line, without its end.
    pub line: &'a [u8],
    /// What it says.
    pub record: &'a Value,
}

/// Reads all files of the journal, in the order of what they hold. `found` is handed each
/// record that the filter asks for and ends the search when it breaks; `read` is told
/// after each block how many bytes are read by then, before they were compressed.
pub fn search(
    listing: &Listing,
    filter: &Filter,
    found: &mut dyn FnMut(&Find<'_>) -> ControlFlow<()>,
    read: &mut dyn FnMut(u64),
) -> Searched {
    let mut search = Search {
        needle: filter
            .needle()
            .map(|needle| Finder::new(&needle).into_owned()),
        filter,
        found,
        is_written: false,
        searched: Searched::default(),
    };
    let since = filter
        .since
        .and_then(|since| since.checked_sub(CLOCK_ERROR));
    let active = listing.active.as_ref();
    let mut files = listing.closed.iter().peekable();
    while let Some(file) = files.next() {
        let Some(path) = file.path() else { continue };
        let mut next = || first_after(files.peek().copied(), active);
        if since.is_some_and(|since| file.closed_at < since && is_older(file, next(), since)) {
            search.searched.skipped += 1;
        } else if search.file(path, Blocks::open(path), read).is_break() {
            return search.searched;
        }
    }
    if let Some(active) = active {
        search.is_written = true;
        let _ = search.file(&active.path, active.blocks(), read);
    }
    search.searched
}

/// Whether all records of a file are from before a time, also by the first lines of that
/// file and the next one: a name alone can be given by anybody.
fn is_older(file: &Closed, next: Option<First>, since: SystemTime) -> bool {
    let is_first = first_of(file).is_some_and(|first| first.seq == file.first_seq);
    let ends_before =
        |next: First| next.seq > file.first_seq && next.time.is_some_and(|time| time < since);
    is_first && next.is_some_and(ends_before)
}

fn first_after(next: Option<&Closed>, active: Option<&Active>) -> Option<First> {
    match next {
        Some(next) => first_of(next).filter(|first| first.seq == next.first_seq),
        None => active?.first(),
    }
}

fn first_of(file: &Closed) -> Option<First> {
    First::of(Source::open(file.path()?).ok()?).ok()?
}

struct Search<'a> {
    filter: &'a Filter,
    needle: Option<Finder<'static>>,
    found: &'a mut dyn FnMut(&Find<'_>) -> ControlFlow<()>,
    /// Whether somebody may be writing the end of what is read.
    is_written: bool,
    searched: Searched,
}

impl Search<'_> {
    fn file(
        &mut self,
        path: &Path,
        blocks: io::Result<Blocks<Source>>,
        read: &mut dyn FnMut(u64),
    ) -> ControlFlow<()> {
        let searched = blocks.and_then(|blocks| self.blocks(blocks, read));
        searched.unwrap_or_else(|error| {
            let place = (path.to_owned(), error.to_string());
            self.searched.unreadable.push(place);
            ControlFlow::Continue(())
        })
    }

    fn blocks(
        &mut self,
        mut blocks: Blocks<Source>,
        read: &mut dyn FnMut(u64),
    ) -> io::Result<ControlFlow<()>> {
        let before = self.searched.bytes;
        while let Some(block) = blocks.next()? {
            self.searched.bytes += u64::try_from(block.bytes.len()).unwrap_or(u64::MAX);
            if self.block(block.bytes).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            read(self.searched.bytes);
        }
        if self.searched.bytes == before {
            return Err(io::Error::other(
                "it is empty, and poolgate leaves no file so",
            ));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Looks at each line that has the needle, or at each.
    fn block(&mut self, block: &[u8]) -> ControlFlow<()> {
        self.count_damaged(block);
        let mut rest = block;
        while !rest.is_empty() {
            let hit = match &self.needle {
                Some(needle) => needle.find(rest),
                None => Some(0),
            };
            let Some((before, behind)) = hit.and_then(|at| rest.split_at_checked(at)) else {
                break;
            };
            let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            let end = memchr::memchr(b'\n', behind).map_or(rest.len(), |at| before.len() + at);
            let line = rest.get(start..end).unwrap_or_default();
            self.line(line)?;
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        ControlFlow::Continue(())
    }

    /// Counts what does not look like a record, also where what is looked for is not in it:
    /// it may have been.
    fn count_damaged(&mut self, block: &[u8]) {
        let mut rest = block;
        while let Some((line, others)) = memchr::memchr(b'\n', rest)
            .and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?)))
        {
            self.searched.damaged += u64::from(!looks_like_record(line));
            rest = others;
        }
        let is_being_written = self.is_written && rest.starts_with(b"{");
        self.searched.damaged += u64::from(!rest.is_empty() && !is_being_written);
    }

    fn line(&mut self, line: &[u8]) -> ControlFlow<()> {
        if !self.filter.may_be_in_time(line) {
            return ControlFlow::Continue(());
        }
        match serde_json::from_slice(line) {
            Ok(record) if Sealed::read(line).is_some() => {
                if !self.filter.asks_for(&record) {
                    return ControlFlow::Continue(());
                }
                self.searched.found += 1;
                (self.found)(&Find {
                    line,
                    record: &record,
                })
            }
            _ => {
                // The others are counted already.
                self.searched.damaged += u64::from(looks_like_record(line));
                ControlFlow::Continue(())
            }
        }
    }
}

/// By a few of its bytes. JSON has no zeros, and a disk leaves them where it lost something.
fn looks_like_record(line: &[u8]) -> bool {
    line.starts_with(b"{\"") && line.ends_with(b"\"}}") && memchr::memchr(0, line).is_none()
}

/// When a record says that it was.
pub fn time_of(record: &Value) -> Option<SystemTime> {
    let time = record.get("eventTime")?.as_str()?;
    humantime::parse_rfc3339(time).ok()
}

#[cfg(test)]
mod tests;
