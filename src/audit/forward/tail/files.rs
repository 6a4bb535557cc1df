//! Which files of a journal may have a line.

use std::io;
use std::path::Path;

use super::Reading;
use crate::audit::blocks::{Blocks, Source};
use crate::audit::listing::{Closed, ListError, Listing};

/// Opens a file.
type Open<'a> = Box<dyn FnOnce() -> io::Result<Reading> + 'a>;

/// The files that may have a line, in the order of what they hold.
pub(super) fn candidates(listing: &Listing, seq: u64) -> Vec<Open<'_>> {
    let active = listing.active.as_ref();
    let active = active.and_then(|active| Some((active, active.first_seq()?)));
    let mut files: Vec<Open<'_>> = Vec::new();
    if active.is_none_or(|(_, first)| first > seq) {
        let after = listing.closed.partition_point(|file| file.first_seq <= seq);
        let closed = listing.closed.iter().skip(after.saturating_sub(1));
        let paths = closed.filter_map(Closed::path);
        files.extend(paths.map(|path| Box::new(move || open(path)) as Open<'_>));
    }
    if let Some((active, _)) = active {
        files.push(Box::new(move || active.blocks().map(reading)));
    }
    files
}

fn open(path: &Path) -> io::Result<Reading> {
    Blocks::open(path).map(reading)
}

fn reading(blocks: Blocks<Source>) -> Reading {
    match blocks.into_source() {
        Source::Plain(file, offset) => Reading::Plain(file, offset),
        zipped @ Source::Zipped(_) => Reading::Zipped(Box::new(Blocks::new(zipped))),
    }
}

/// The number of the oldest line that a journal has, or 1.
///
/// # Errors
///
/// When its files cannot be listed.
pub fn oldest(journal: &Path) -> Result<u64, ListError> {
    let listing = Listing::written_to(journal)?;
    let closed = listing.closed.first().map(|file| file.first_seq);
    let active = listing.active.as_ref();
    Ok(closed
        .or_else(|| active.and_then(|active| active.first_seq()))
        .unwrap_or(1))
}
