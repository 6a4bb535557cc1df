//! Who did it: searches a journal.
//!
//! Most lines are never parsed. A search for a value looks for the bytes that every line
//! with that value has, and only a line that has them is read as JSON, where the value
//! then has to stand in a field that means it. The same value in a user agent is no find.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use memchr::memmem::Finder;
use serde_json::Value;

use super::blocks::{Blocks, Source};
use super::line::Sealed;
use super::listing::Listing;

mod filter;

pub use filter::Filter;

/// Files that were closed so long before what is asked for are not read. A clock may
/// have been wrong by less.
const CLOCK_ERROR: Duration = Duration::from_secs(24 * 60 * 60);

/// How a search went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// How many records were found.
    pub found: u64,
    /// How many bytes were read, before they were compressed.
    pub bytes: u64,
    /// Files that are older than what is asked for and were not read.
    pub skipped: u64,
    /// Lines that may have been meant and are no records.
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
        searched: Searched::default(),
    };
    let since = filter
        .since
        .and_then(|since| since.checked_sub(CLOCK_ERROR));
    for file in &listing.closed {
        let Some(path) = file.path() else { continue };
        if since.is_some_and(|since| file.closed_at < since) {
            search.searched.skipped += 1;
        } else if search.file(path, Blocks::open(path), read).is_break() {
            return search.searched;
        }
    }
    if let Some(active) = &listing.active {
        let _ = search.file(&active.path, active.blocks(), read);
    }
    search.searched
}

struct Search<'a> {
    filter: &'a Filter,
    needle: Option<Finder<'static>>,
    found: &'a mut dyn FnMut(&Find<'_>) -> ControlFlow<()>,
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
        while let Some(block) = blocks.next()? {
            self.searched.bytes += u64::try_from(block.bytes.len()).unwrap_or(u64::MAX);
            if self.block(block.bytes).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            read(self.searched.bytes);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Looks at each line that has the needle, or at each.
    fn block(&mut self, block: &[u8]) -> ControlFlow<()> {
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
                self.searched.damaged += 1;
                ControlFlow::Continue(())
            }
        }
    }
}

/// When a record says that it was.
pub fn time_of(record: &Value) -> Option<SystemTime> {
    let time = record.get("eventTime")?.as_str()?;
    humantime::parse_rfc3339(time).ok()
}

#[cfg(test)]
mod tests;
