//! The files of a journal, one behind the other.

use std::collections::{BTreeMap, HashMap};

use super::Report;
use super::fault::{Fault, What};
use super::file::{Found, Sealing};
use crate::audit::line::Hash;

/// A call that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The number of its line.
    pub seq: u64,
    /// What binds the records of a call: poolgate's request id.
    pub shared_event_id: String,
    /// What was called.
    pub operation: String,
    /// When, as the record says.
    pub time: String,
}

/// The calls of a file, or of several one behind the other.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Begun and not ended.
    begun: HashMap<String, Intent>,
    /// Ended and not begun here.
    ended: Vec<String>,
}

/// Files in their order, whichever is read first.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    waiting: BTreeMap<usize, Found>,
    files: Vec<Found>,
    calls: Calls,
}

impl Calls {
    pub(super) fn begin(&mut self, intent: Intent) {
        self.begun.insert(intent.shared_event_id.clone(), intent);
    }

    pub(super) fn end(&mut self, id: &str) {
        if self.begun.remove(id).is_none() {
            self.ended.push(id.to_owned());
        }
    }

    fn go_on_with(&mut self, later: Calls) {
        for id in later.ended {
            self.begun.remove(&id);
        }
        self.begun.extend(later.begun);
    }
}

impl InOrder {
    /// Takes in the file that is at `place`. What is known of its calls is kept no longer
    /// than until all files before it are there.
    pub(super) fn add(&mut self, place: usize, file: Found) {
        self.waiting.insert(place, file);
        while let Some(mut file) = self.waiting.remove(&self.files.len()) {
            self.calls.go_on_with(std::mem::take(&mut file.calls));
            self.files.push(file);
        }
    }

    /// Follows the lines from file to file.
    pub(super) fn join(self, report: &mut Report) -> Vec<Found> {
        let mut last: Option<Sealing> = None;
        for file in &self.files {
            report.files += 1;
            report.lines += file.lines;
            report.bytes += file.bytes;
            if let Some(first) = &file.first {
                let is_first = report.first.is_none() && report.faults.is_empty();
                if let Err(what) = fits(first, last.as_ref(), is_first) {
                    match what {
                        What::Missing(from, to) if file.is_lagged => report.lagged.push((from, to)),
                        what => report.faults.push(Fault {
                            line: Some(1),
                            seq: Some(first.seq),
                            offset: Some(0),
                            ..Fault::of_file(&file.path, file.position, what)
                        }),
                    }
                }
                report.first.get_or_insert((first.seq, first.hash));
            }
            report.last = file.last.map(|last| (last.seq, last.hash)).or(report.last);
            report.faults.extend(file.fault.clone());
            let unreadable = file.unreadable.clone();
            let is_known = file.fault.is_none() && unreadable.is_none();
            report
                .unreadable
                .extend(unreadable.map(|why| (file.path.clone(), why)));
            last = file.last.or(last).filter(|_| is_known);
        }
        report.open_intents = self.calls.begun.into_values().collect();
        report.open_intents.sort_by_key(|intent| intent.seq);
        self.files
    }
}

/// Whether a file may begin so. What is behind a fault cannot be told.
fn fits(first: &Sealing, last: Option<&Sealing>, is_first: bool) -> Result<(), What> {
    match last {
        Some(last) => first.follows(last),
        None if is_first && first.seq == 1 && first.previous != Hash::NONE => Err(What::NotFirst),
        None => Ok(()),
    }
}
