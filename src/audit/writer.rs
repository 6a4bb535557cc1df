//! The one thread that numbers records, chains them and writes them.
//!
//! It takes everything that is queued, writes it at once, makes it durable once, and tells
//! all who wait: while it waits for the disk, the next records gather. What cannot be
//! written is tried again with the same numbers until it can, so that there is no gap.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use super::Meter;
use super::events::{Origin, event};
use super::journal::{Durability, Intent, Kind};
use super::line::{Draft, Hash};
use super::queue::{Shared, Waiting};
use super::sink::{Reason, Sink};
use crate::clock::Clock;

/// How soon what was only written is on the disk.
const SYNC_WITHIN: Duration = Duration::from_millis(100);

/// How often it is looked whether there is something to do without records.
const TICK: Duration = Duration::from_secs(1);

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// How many open intents one record lists.
const INTENTS: usize = 200;

/// Where the chain has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// The number of the last line; 0 when there is none.
    pub(super) seq: u64,
    /// Its hash.
    pub(super) hash: Hash,
}

impl Chain {
    /// Before the first line.
    pub(super) const START: Chain = Chain {
        seq: 0,
        hash: Hash::NONE,
    };

    fn seal(&mut self, draft: &Draft, out: &mut Vec<u8>) {
        self.seq += 1;
        self.hash = draft.seal(self.seq, self.hash, out);
    }
}

/// What is told that a file was closed. It must not wait.
pub type Closed = Box<dyn Fn() + Send>;

/// What is told of lines that are in the journal.
pub type Copy = Box<dyn Fn(u64, &[u8]) + Send>;

/// What the thread owns.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) chain: Chain,
    pub(super) open: HashMap<Uuid, Intent>,
    pub(super) origin: Arc<Origin>,
    pub(super) clock: Clock,
    pub(super) meter: Arc<dyn Meter>,
    pub(super) copies: Vec<Copy>,
    /// Told when a file was closed.
    pub(super) closed: Closed,
}

impl Writer {
    /// Writes until the journal is closed.
    pub(super) fn run(mut self) {
        let mut unsynced_since: Option<Instant> = None;
        loop {
            let patience = unsynced_since.map_or(TICK, |_| SYNC_WITHIN);
            let mut taken = self.shared.take(patience);
            self.add_own(&mut taken.waiting, taken.close);
            let now = self.clock.instant();
            let waited = unsynced_since.is_some_and(|since| now - since >= SYNC_WITHIN);
            let sync = waited
                || taken.close
                || taken
                    .waiting
                    .iter()
                    .any(|waiting| waiting.durability == Durability::Synced);
            if taken.rotate || !taken.waiting.is_empty() || waited {
                let asked = taken.rotate.then_some(Reason::Asked);
                if !self.put_until_done(taken.waiting, asked, sync) {
                    break;
                }
                unsynced_since = match sync {
                    true => None,
                    false => unsynced_since.or(Some(now)),
                };
            } else if self.sink.wants_another(0, self.clock.now()).is_some() {
                self.put_until_done(Vec::new(), None, false);
            }
            if taken.close {
                break;
            }
        }
        let shared = Arc::clone(&self.shared);
        // Another process can go on with the file from here on.
        drop(self);
        shared.end();
    }

    /// Adds what the journal has to say about itself.
    fn add_own(&self, waiting: &mut Vec<Waiting>, closes: bool) {
        let own =
            |name, details| Waiting::own(event(&self.origin, name, details, self.clock.now()));
        match self.shared.without_place() {
            0 => {}
            count => waiting.push(own("CallsWithoutRecord", json!({ "count": count }))),
        }
        if closes {
            waiting.push(own("StopJournal", json!({})));
        }
    }

    /// Puts records, as often as it takes; gives up only when the journal has to end.
    fn put_until_done(
        &mut self,
        waiting: Vec<Waiting>,
        mut asked: Option<Reason>,
        sync: bool,
    ) -> bool {
        let mut lines = Vec::new();
        while let Err(error) = self.put(&waiting, &mut asked, sync, &mut lines) {
            self.meter.failed();
            let cause = format!("the audit journal cannot be written: {error}");
            self.shared.failed(cause.into());
            if self.shared.pause(RETRY) {
                return false;
            }
        }
        self.shared.succeeded();
        for waiting in waiting {
            match waiting.kind {
                Kind::Intent(intent) => drop(self.open.insert(intent.shared, intent)),
                Kind::Outcome(shared) => drop(self.open.remove(&shared)),
                Kind::Other => {}
            }
            if let Some(acknowledge) = waiting.acknowledge {
                // Who no longer waits does not have to be told.
                let _ = acknowledge.send(());
            }
        }
        true
    }

    /// One attempt. Only what has succeeded moves the chain.
    pub(super) fn put(
        &mut self,
        waiting: &[Waiting],
        asked: &mut Option<Reason>,
        sync: bool,
        lines: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let bytes = waiting.iter().map(|waiting| waiting.draft.bytes()).sum();
        let asked_for = asked.filter(|_| self.sink.has_files());
        let wanted = self.sink.wants_another(bytes, self.clock.now());
        let reason = wanted.or(asked_for);
        let before = self.chain.seq;
        if let Some(reason) = reason {
            match self.begin(reason) {
                Ok(()) => *asked = None,
                // The file that is there is good for now.
                Err(error) if reason.can_wait() => {
                    *asked = None;
                    tracing::warn!(%error, "no new file could be begun for the audit journal");
                }
                Err(error) => return Err(error),
            }
        }
        let mut chain = self.chain;
        let begun = chain.seq;
        lines.clear();
        for waiting in waiting {
            chain.seal(&waiting.draft, lines);
        }
        self.sink.put(lines, sync)?;
        self.told(lines, waiting.len(), sync);
        self.chain = chain;
        if sync {
            self.shared.durable.send_replace(chain.seq);
        } else if begun > before {
            // A new file is on the disk, and now its name is.
            self.shared.durable.send_replace(begun);
        }
        Ok(())
    }

    /// Begins another file, which says what it follows and which calls are under way.
    fn begin(&mut self, reason: Reason) -> std::io::Result<()> {
        let now = self.clock.now();
        let mut chain = self.chain;
        let mut lines = Vec::new();
        let details = json!({
            "reason": reason.word(),
            "previousSeq": self.chain.seq,
            "previousHash": self.chain.hash.to_string(),
        });
        chain.seal(
            &event(&self.origin, "OpenJournalFile", details, now),
            &mut lines,
        );
        let open: Vec<&Intent> = self.open.values().collect();
        for intents in open.chunks(INTENTS) {
            let listed = intents.iter();
            let listed =
                listed.map(|intent| json!([intent.shared, intent.event, intent.operation]));
            let details = json!({ "intents": listed.collect::<Vec<_>>() });
            chain.seal(
                &event(&self.origin, "OpenIntents", details, now),
                &mut lines,
            );
        }
        self.sink.begin(&lines, self.chain.seq + 1, now)?;
        let count = usize::try_from(chain.seq - self.chain.seq).unwrap_or_default();
        self.told(&lines, count, true);
        self.chain = chain;
        (self.closed)();
        Ok(())
    }

    fn told(&self, lines: &[u8], count: usize, synced: bool) {
        if count > 0 {
            self.meter.written(count, lines.len(), synced);
            for copy in &self.copies {
                copy(self.chain.seq + 1, lines);
            }
        }
    }
}
