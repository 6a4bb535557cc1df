//! What a file of a journal says to the process that goes on with it.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::time::SystemTime;

use serde::Deserialize;
use uuid::Uuid;

use super::line::Sealed;
use super::writer::Chain;

/// A call of which only the intent is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) shared: Uuid,
    pub(super) event: Uuid,
    pub(super) operation: String,
}

/// What a file says, up to the first line that is not whole.
pub(super) struct Scan {
    pub(super) chain: Chain,
    pub(super) first_seq: u64,
    pub(super) begun: Option<SystemTime>,
    pub(super) lines: u64,
    /// How many bytes the whole lines take.
    pub(super) good: u64,
    /// What comes after them.
    pub(super) rest: Vec<u8>,
    /// Whether there are whole lines in that.
    pub(super) goes_on: bool,
    pub(super) open: HashMap<Uuid, Left>,
}

impl Scan {
    pub(super) fn of(mut file: impl BufRead) -> io::Result<Self> {
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
