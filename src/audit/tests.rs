//! The journal over real files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::journal::{Durability, Intent, Kind, PLACES};
use super::line::{Draft, Hash, Sealed};
use super::listing::Closed;
use super::*;
use crate::clock::Clock;

mod faults;
mod odd_files;

const LONG: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Counts {
    syncs: AtomicUsize,
    failures: AtomicUsize,
}

impl Meter for Counts {
    fn written(&self, _: usize, _: usize, synced: bool) {
        self.syncs.fetch_add(usize::from(synced), Ordering::SeqCst);
    }

    fn failed(&self) {
        self.failures.fetch_add(1, Ordering::SeqCst);
    }
}

pub(super) struct Kept {
    directory: TempDir,
    settings: Settings,
    clock: Clock,
    counts: Arc<Counts>,
}

impl Kept {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings {
            file: Some(directory.path().join("audit.jsonl")),
            ..Settings::default()
        };
        Self {
            directory,
            settings,
            clock: Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
            counts: Arc::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.settings.file.as_deref().unwrap()
    }

    fn try_open(&self) -> Result<Journal, String> {
        let origin = Origin {
            region: "eu-west-1".to_owned(),
            account_id: Some("123456789012".to_owned()),
            instance: "test".to_owned(),
        };
        let meter: Arc<dyn Meter> = self.counts.clone();
        Journal::open(
            &self.settings,
            origin,
            &self.clock,
            meter,
            Vec::new(),
            Box::new(|| ()),
        )
        .map_err(|error| error.to_string())
    }

    pub(super) fn open(&self) -> Journal {
        self.try_open().unwrap()
    }

    /// Every line of every file, oldest first, whole and in one chain.
    pub(super) fn lines(&self) -> Vec<Value> {
        let listing = Listing::of(self.path()).unwrap();
        let closed = listing.closed.iter().filter_map(Closed::path);
        let mut files: Vec<PathBuf> = closed.map(Path::to_owned).collect();
        files.push(self.path().to_owned());
        let mut lines = Vec::new();
        let mut hash = Hash::NONE;
        for file in files {
            for line in fs::read_to_string(file).unwrap().lines() {
                let sealed = Sealed::read(line.as_bytes()).unwrap();
                assert!(sealed.is_whole());
                assert_eq!(sealed.previous, hash, "{line}");
                hash = sealed.hash;
                lines.push(serde_json::from_str::<Value>(line).unwrap());
                assert_eq!(sealed.seq, lines.len() as u64);
            }
        }
        lines
    }

    fn names(&self) -> Vec<String> {
        let lines = self.lines().into_iter();
        lines
            .map(|line| line["eventName"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn draft(name: &str) -> Draft {
    Draft::new(&json!({ "eventName": name }), &json!({})).unwrap()
}

pub(super) async fn record(journal: &Journal, name: &str) -> Result<(), Unavailable> {
    let place = journal.place().await?;
    place
        .close(draft(name), Kind::Other, Durability::Synced)
        .await
}

pub(super) fn intent() -> (Kind, Kind) {
    let shared = Uuid::now_v7();
    let intent = Intent {
        shared,
        event: Uuid::now_v7(),
        operation: "GetId",
    };
    (Kind::Intent(intent), Kind::Outcome(shared))
}

pub(super) fn intent_draft(kind: Kind) -> Draft {
    let Kind::Intent(Intent {
        shared,
        event,
        operation,
    }) = kind
    else {
        panic!("no intent");
    };
    let record = json!({
        "eventTime": "2027-01-15T08:00:00Z",
        "eventName": operation,
        "eventID": event,
        "sharedEventID": shared,
        "readOnly": false,
    });
    Draft::new(&record, &json!({"phase": "intent"})).unwrap()
}

#[tokio::test]
async fn records_are_in_the_file_when_whoever_wrote_them_goes_on() {
    let kept = Kept::new();
    let journal = kept.open();

    record(&journal, "one").await.unwrap();
    assert_eq!(kept.names(), ["OpenJournalFile", "StartJournal", "one"]);
    record(&journal, "two").await.unwrap();
    assert_eq!(kept.names()[3..], ["two"]);
    journal.close(LONG).await.unwrap();
    assert_eq!(kept.names()[4..], ["StopJournal"]);
    assert_eq!(record(&journal, "late").await, Err(Unavailable::Closed));
}

#[tokio::test]
async fn many_who_wait_share_one_sync() {
    let kept = Kept::new();
    let journal = kept.open();
    let before = kept.counts.syncs.load(Ordering::SeqCst);

    let records = (0..1_000).map(|number| {
        let journal = journal.clone();
        async move { record(&journal, &format!("r{number}")).await }
    });
    for written in futures_util::future::join_all(records).await {
        written.unwrap();
    }

    let syncs = kept.counts.syncs.load(Ordering::SeqCst) - before;
    assert!((1..500).contains(&syncs), "{syncs} syncs");
    assert_eq!(kept.lines().len(), 1_002);
}

#[tokio::test]
async fn a_record_is_written_also_when_nobody_waits_for_it() {
    let kept = Kept::new();
    let journal = kept.open();

    let place = journal.place().await.unwrap();
    drop(place.close(draft("dropped"), Kind::Other, Durability::Written));
    journal.close(LONG).await.unwrap();

    assert!(kept.names().contains(&"dropped".to_owned()));
}

#[tokio::test]
async fn only_what_is_on_the_disk_is_told_to_be_there() {
    let kept = Kept::new();
    let journal = kept.open();
    let mut durable = journal.durable();
    // `OpenJournalFile` and `StartJournal`.
    assert_eq!((journal.first(), *durable.borrow_and_update()), (1, 2));

    let place = journal.place().await.unwrap();
    let written = place.close(draft("read"), Kind::Other, Durability::Written);
    written.await.unwrap();
    assert_eq!(kept.lines().len(), 3);
    assert_eq!(*durable.borrow(), 2);
    kept.clock.advance(Duration::from_millis(100));
    durable.changed().await.unwrap();
    assert_eq!(*durable.borrow_and_update(), 3);

    record(&journal, "change").await.unwrap();
    assert_eq!(*durable.borrow_and_update(), 4);
    journal.rotate();
    durable.changed().await.unwrap();
    assert_eq!(*durable.borrow(), 5);

    journal.close(LONG).await.unwrap();
    let all = kept.lines().len() as u64;
    assert_eq!(*durable.borrow(), all);
    assert_eq!(kept.open().first(), all + 1);
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_places_and_who_gets_none_is_counted() {
    let kept = Kept::new();
    let journal = kept.open();
    let mut places = Vec::new();
    for _ in 0..PLACES {
        places.push(journal.place().await.unwrap());
    }

    assert_eq!(journal.place().await.err(), Some(Unavailable::NoPlace));
    assert_eq!(journal.place().await.err(), Some(Unavailable::NoPlace));
    drop(places);
    assert!(journal.place().await.is_ok());

    tokio::time::resume();
    journal.close(LONG).await.unwrap();
    let lines = kept.lines();
    let counted = lines
        .iter()
        .find(|line| line["eventName"] == "CallsWithoutRecord");
    assert_eq!(counted.unwrap()["serviceEventDetails"]["count"], 2);
}

#[tokio::test]
async fn a_journal_goes_on_over_restarts_and_files() {
    let mut kept = Kept::new();
    kept.settings.rotate_bytes = 2_000;
    for round in 0..4 {
        let journal = kept.open();
        for number in 0..5 {
            record(&journal, &format!("{round}-{number}"))
                .await
                .unwrap();
        }
        if round == 1 {
            journal.rotate();
            record(&journal, "asked").await.unwrap();
        }
        journal.close(LONG).await.unwrap();
        kept.clock.advance(Duration::from_secs(60));
    }

    let names = kept.names();
    assert!(Listing::of(kept.path()).unwrap().closed.len() >= 4);
    assert_eq!(names.iter().filter(|name| name.contains('-')).count(), 20);
    let lines = kept.lines();
    let reasons: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["serviceEventDetails"]["reason"].as_str())
        .collect();
    for reason in ["first", "size", "asked"] {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
}

#[tokio::test]
async fn a_file_is_closed_when_it_is_old() {
    let kept = Kept::new();
    let journal = kept.open();

    kept.clock.advance(Duration::from_secs(3600));
    record(&journal, "next").await.unwrap();

    assert_eq!(
        kept.names(),
        ["OpenJournalFile", "StartJournal", "OpenJournalFile", "next"]
    );
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(kept.path()).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_that_somebody_takes_away_is_followed_by_another() {
    let kept = Kept::new();
    let journal = kept.open();
    record(&journal, "one").await.unwrap();

    let moved = kept
        .directory
        .path()
        .join("audit-20270115T080000Z-000000000001.jsonl");
    fs::rename(kept.path(), moved).unwrap();
    record(&journal, "two").await.unwrap();
    assert_eq!(kept.names()[3..], ["OpenJournalFile", "two"]);

    fs::remove_file(kept.path()).unwrap();
    record(&journal, "three").await.unwrap();
    let text = fs::read_to_string(kept.path()).unwrap();
    assert!(
        text.contains("\"reason\":\"moved\"") && text.contains("three"),
        "{text}"
    );

    fs::File::options()
        .write(true)
        .open(kept.path())
        .unwrap()
        .set_len(0)
        .unwrap();
    record(&journal, "four").await.unwrap();
    let text = fs::read_to_string(kept.path()).unwrap();
    assert!(
        text.contains("\"reason\":\"truncated\"") && text.contains("four"),
        "{text}"
    );
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_cut_off_and_kept() {
    let kept = Kept::new();
    let journal = kept.open();
    record(&journal, "one").await.unwrap();
    journal.close(LONG).await.unwrap();
    let mut torn = fs::read(kept.path()).unwrap();
    let whole = torn.len();
    torn.extend_from_slice(b"{\"eventName\":\"torn");
    fs::write(kept.path(), &torn).unwrap();

    let journal = kept.open();
    record(&journal, "two").await.unwrap();

    let names = kept.names();
    assert_eq!(
        names[3..],
        ["StopJournal", "StartJournal", "CutJournal", "two"]
    );
    let lines = kept.lines();
    let details = &lines[5]["serviceEventDetails"];
    assert_eq!(details["cutBytes"], torn.len() - whole);
    let left = kept
        .directory
        .path()
        .join(details["kept"].as_str().unwrap());
    assert_eq!(fs::read(&left).unwrap(), b"{\"eventName\":\"torn");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(left).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_line_that_was_changed_is_not_gone_on_with() {
    let kept = Kept::new();
    let journal = kept.open();
    record(&journal, "one").await.unwrap();
    journal.close(LONG).await.unwrap();
    drop(journal);
    let text = fs::read_to_string(kept.path()).unwrap();
    fs::write(kept.path(), text.replacen("\"one\"", "\"two\"", 1)).unwrap();

    let refused = kept.try_open().unwrap_err();

    assert!(refused.contains("line 3 of"), "{refused}");
    assert!(
        refused.contains("somebody changed the journal"),
        "{refused}"
    );
}

#[tokio::test]
async fn only_a_journals_file_is_taken_and_by_one_process() {
    let kept = Kept::new();
    let _journal = kept.open();
    let refused = kept.try_open().unwrap_err();
    assert!(refused.contains("another process writes it"), "{refused}");

    let other = Kept::new();
    fs::write(other.path(), "diary\n").unwrap();
    let refused = other.try_open().unwrap_err();
    assert!(
        refused.contains("something else than an audit journal"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(other.path()).unwrap(), "diary\n");
    let mut other = Kept::new();
    for (path, says) in [
        ("/dev/full", "not a regular file"),
        ("/", "not a regular file"),
        ("/nowhere/audit.jsonl", "No such file or directory"),
    ] {
        other.settings.file = Some(path.into());
        let refused = other.try_open().unwrap_err();
        assert!(refused.contains(says), "{path}: {refused}");
    }
}

#[tokio::test]
async fn calls_of_which_only_the_intent_is_there_get_an_outcome() {
    let kept = Kept::new();
    let journal = kept.open();
    let (closed_intent, outcome) = intent();
    let (open_intent, _) = intent();
    let place = journal.place().await.unwrap();
    let synced = Durability::Synced;
    place
        .write(intent_draft(closed_intent), closed_intent, synced)
        .await
        .unwrap();
    let other = journal.place().await.unwrap();
    other
        .write(intent_draft(open_intent), open_intent, synced)
        .await
        .unwrap();
    place
        .close(draft_of_outcome(outcome), outcome, synced)
        .await
        .unwrap();
    // The call is still open when another file is begun.
    journal.rotate();
    record(&journal, "more").await.unwrap();
    drop(other);
    journal.close(LONG).await.unwrap();

    let journal = kept.open();
    journal.close(LONG).await.unwrap();

    let lines = kept.lines();
    let Kind::Intent(Intent { shared, event, .. }) = open_intent else {
        panic!("no intent");
    };
    let unknown: Vec<&Value> = lines
        .iter()
        .filter(|line| line["errorCode"] == "OutcomeUnknown")
        .collect();
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0]["sharedEventID"], shared.to_string());
    assert_eq!(unknown[0]["addendum"]["originalEventID"], event.to_string());
    assert_eq!(unknown[0]["eventName"], "GetId");

    kept.open().close(LONG).await.unwrap();
    let again = kept.lines();
    let unknown = again
        .iter()
        .filter(|line| line["errorCode"] == "OutcomeUnknown");
    assert_eq!(unknown.count(), 1, "an outcome is told once");
}

fn draft_of_outcome(kind: Kind) -> Draft {
    let Kind::Outcome(shared) = kind else {
        panic!("no outcome");
    };
    let record = json!({
        "eventTime": "2027-01-15T08:00:00Z",
        "eventName": "GetId",
        "eventID": Uuid::now_v7(),
        "sharedEventID": shared,
        "readOnly": false,
    });
    Draft::new(&record, &json!({"phase": "outcome"})).unwrap()
}

#[tokio::test]
async fn while_nothing_can_be_written_everybody_is_told_and_afterwards_nothing_is_missing() {
    let kept = Kept::new();
    let journal = kept.open();
    record(&journal, "one").await.unwrap();
    let mut state = journal.state();

    // A directory stands where the next file has to be.
    fs::remove_file(kept.path()).unwrap();
    fs::create_dir(kept.path()).unwrap();
    let waiting = record(&journal, "two");
    // What it gives back keeps the writer out for as long as it is held.
    let failing = async { state.wait_for(|state| state.failures > 3).await.map(drop) };
    let (written, failing) = tokio::join!(waiting, failing);
    failing.unwrap();
    assert!(
        matches!(written, Err(Unavailable::Failing(_))),
        "{written:?}"
    );
    assert!(journal.failing().is_some());

    fs::remove_dir(kept.path()).unwrap();
    state.wait_for(|state| state.failures == 0).await.unwrap();
    record(&journal, "three").await.unwrap();

    let text = fs::read_to_string(kept.path()).unwrap();
    let seqs: Vec<u64> = text
        .lines()
        .map(|line| Sealed::read(line.as_bytes()).unwrap().seq)
        .collect();
    assert_eq!(seqs, [4, 5, 6], "{text}");
    assert!(text.contains("\"two\"") && text.contains("\"three\""));
}
