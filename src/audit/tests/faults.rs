//! Faults of the system, as it really makes them: they need limits of a process of its
//! own, so some of these tests run others.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::process::Command;
use std::sync::Mutex;

use super::*;
use crate::audit::journal::State;
use crate::audit::queue::{Shared, Waiting};
use crate::audit::sink::{Reason, Stdout};
use crate::audit::writer::{Chain, Writer};

/// Runs an ignored test of this file in a process that `limits`, in words of the shell.
fn in_a_process_of_its_own(limits: &str, test: &str) {
    let path = "audit::tests::faults";
    let run = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{limits} && exec \"$0\" --exact {path}::{test} --ignored --nocapture"
        ))
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();

    let out = String::from_utf8_lossy(&run.stdout);
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{out}\n{errors}");
    assert!(out.contains("1 passed"), "{out}\n{errors}");
}

async fn recovered(journal: &Journal) -> State {
    let mut state = journal.state();
    let again = state.wait_for(|state| state.failures == 0);
    let again = tokio::time::timeout(Duration::from_secs(2), again).await;
    again.unwrap().unwrap().clone()
}

#[test]
fn a_process_that_runs_out_of_descriptors_loses_no_record() {
    in_a_process_of_its_own("ulimit -n 64", "without_descriptors");
}

#[tokio::test]
#[ignore = "takes all descriptors of its process"]
async fn without_descriptors() {
    for left in 0..6 {
        let kept = Kept::new();
        let journal = kept.open();
        record(&journal, "before").await.unwrap();
        let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        taken.truncate(taken.len() - left);

        journal.rotate();
        record(&journal, "without").await.unwrap();
        kept.clock.advance(Duration::from_secs(3600));
        record(&journal, "old").await.unwrap();
        drop(taken);
        journal.rotate();
        record(&journal, "after").await.unwrap();
        recovered(&journal).await;

        let names = kept.names();
        for name in ["before", "without", "old", "after"] {
            let found = names.iter().filter(|found| *found == name).count();
            assert_eq!(found, 1, "{left} descriptors left: {name} in {names:?}");
        }
    }
}

/// Files of at most 16 KiB; what is longer is an error as on a disk that is full, with
/// as much written as fits.
const FULL: &str = "trap '' XFSZ && ulimit -S -f 16";

/// Writes until the file takes no more. How many records are in the journal then, with
/// the one that was not.
async fn fill(journal: &Journal) -> usize {
    for number in 0.. {
        match record(journal, &format!("r{number}")).await {
            Ok(()) => {}
            Err(Unavailable::Failing(cause)) => {
                assert!(cause.contains("File too large"), "{cause}");
                return number + 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    0
}

fn assert_all_records(kept: &Kept, count: usize) {
    let names = kept.names();
    let found: Vec<&String> = names.iter().filter(|name| name.starts_with('r')).collect();
    let expected: Vec<String> = (0..count).map(|number| format!("r{number}")).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
}

#[test]
fn when_there_is_room_again_nothing_is_missing_and_nothing_is_there_twice() {
    in_a_process_of_its_own(FULL, "without_room");
}

#[tokio::test]
#[ignore = "limits the files of its process"]
async fn without_room() {
    let kept = Kept::new();
    let journal = kept.open();
    let count = fill(&journal).await;
    let text = fs::read_to_string(kept.path()).unwrap();
    assert!(text.ends_with('\n'), "half a line is not left");

    let limits = Command::new("prlimit")
        .arg(format!("--pid={}", std::process::id()))
        .arg("--fsize=unlimited:")
        .status();
    assert!(limits.unwrap().success());
    recovered(&journal).await;

    assert_all_records(&kept, count);
}

#[test]
fn a_full_file_that_somebody_moves_away_ends_with_what_was_acknowledged() {
    in_a_process_of_its_own(FULL, "moved_when_full");
}

#[tokio::test]
#[ignore = "limits the files of its process"]
async fn moved_when_full() {
    let kept = Kept::new();
    let journal = kept.open();
    let count = fill(&journal).await;

    let moved = "audit-20270115T080000Z-000000000001.jsonl";
    fs::rename(kept.path(), kept.directory.path().join(moved)).unwrap();
    recovered(&journal).await;

    assert_all_records(&kept, count);
}

#[tokio::test]
async fn a_file_that_somebody_else_writes_to_is_followed_by_another() {
    let kept = Kept::new();
    let journal = kept.open();
    record(&journal, "one").await.unwrap();
    let before = fs::read(kept.path()).unwrap();
    let mut other = File::options().append(true).open(kept.path()).unwrap();
    other.write_all(b"a stranger's line\n").unwrap();

    record(&journal, "two").await.unwrap();

    let text = fs::read_to_string(kept.path()).unwrap();
    assert!(
        text.contains("\"reason\":\"lengthened\"") && text.contains("\"two\""),
        "{text}"
    );
    let listing = Listing::of(kept.path()).unwrap();
    let closed = fs::read(listing.closed[0].path().unwrap()).unwrap();
    assert_eq!(closed, [&before[..], b"a stranger's line\n"].concat());
}

#[tokio::test]
async fn calls_that_were_under_way_when_the_file_went_away_get_an_outcome() {
    let kept = Kept::new();
    let journal = kept.open();
    let (open, _) = intent();
    let place = journal.place().await.unwrap();
    let written = place.write(intent_draft(open), open, Durability::Synced);
    written.await.unwrap();
    let moved = "audit-20270115T080000Z-000000000001.jsonl";
    let moved = kept.directory.path().join(moved);
    fs::copy(kept.path(), moved).unwrap();
    journal.close(LONG).await.unwrap();
    fs::remove_file(kept.path()).unwrap();

    kept.open().close(LONG).await.unwrap();

    let lines = kept.lines();
    let unknown = lines
        .iter()
        .filter(|line| line["errorCode"] == "OutcomeUnknown");
    assert_eq!(unknown.count(), 1);
}

#[tokio::test]
async fn what_another_process_is_about_to_begin_is_left_to_it() {
    let kept = Kept::new();
    let other = kept.open();
    record(&other, "one").await.unwrap();
    other.close(LONG).await.unwrap();
    let begun = kept.directory.path().join(".audit.jsonl.next");
    fs::rename(kept.path(), &begun).unwrap();
    let held = File::open(&begun).unwrap();
    held.try_lock().unwrap();

    let refused = kept.try_open().unwrap_err();

    assert!(refused.contains("another process writes it"), "{refused}");
    drop(held);
    kept.open();
    assert_eq!(
        kept.names()[2],
        "one",
        "and gone on with when it ended there"
    );
}

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is written to a pipe without a reader that keeps up is kept waiting.
#[tokio::test]
async fn a_writer_that_is_kept_waiting_is_noticed_by_those_who_wait() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    // Open for both, so that to open it does not wait.
    let both = || File::options().read(true).write(true).open(&pipe).unwrap();
    let mut reader = both();
    let (journal, shared) = Journal::after(0, Clock::system());
    let writer = writer(Arc::clone(&shared), Stdout::over(both()));
    std::thread::spawn(move || writer.run());
    let mut state = journal.state();

    // More than the 64 KiB that a pipe holds.
    let text = "x".repeat(40_000);
    record(&journal, &text).await.unwrap();
    let clock = Clock::system();
    let begun = clock.instant();
    let late = record(&journal, &text).await;
    let waited = clock.instant() - begun;

    assert_eq!(late, Err(Unavailable::Late));
    assert!(waited < Duration::from_millis(2_100), "{waited:?}");
    assert!(journal.failing().is_some(), "others need not wait");
    assert_eq!(state.borrow_and_update().failures, 1);
    for refused in 2..=3 {
        assert!(journal.refuses().is_some());
        assert_eq!(
            state.borrow_and_update().failures,
            refused,
            "a hanging writer is told of"
        );
    }

    let drained = std::thread::spawn(move || {
        let mut buffer = vec![0; 90_000];
        let mut shown = Vec::new();
        while shown.iter().filter(|byte| **byte == b'\n').count() < 2 {
            let read = std::io::Read::read(&mut reader, &mut buffer).unwrap();
            shown.extend_from_slice(&buffer[..read]);
        }
        shown
    });
    recovered(&journal).await;
    let shown = drained.join().unwrap();
    let seqs = shown.split(|byte| *byte == b'\n').filter_map(Sealed::read);
    assert_eq!(seqs.map(|line| line.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(journal.failing(), None);
    journal.close(LONG).await.unwrap();
}

fn writer<W: Write + Send + 'static>(shared: Arc<Shared>, sink: Stdout<W>) -> Writer {
    let origin = Origin {
        region: "eu-west-1".to_owned(),
        account_id: None,
        instance: "test".to_owned(),
    };
    Writer {
        shared,
        sink: Box::new(sink),
        chain: Chain::START,
        open: HashMap::new(),
        origin: Arc::new(origin),
        clock: Clock::system(),
        meter: Arc::new(Counts::default()),
        copies: Vec::new(),
        closed: Box::new(|| ()),
    }
}

#[test]
fn where_there_are_no_files_none_is_begun_and_no_number_is_left_out() {
    let shown = Shown::default();
    let mut writer = writer(
        Arc::new(Shared::after(0, Clock::system())),
        Stdout::over(shown.clone()),
    );
    for mut asked in [None, Some(Reason::Asked), None] {
        let waiting = Waiting {
            draft: draft("record"),
            kind: Kind::Other,
            durability: Durability::Synced,
            acknowledge: None,
            _place: None,
        };
        let put = writer.put(&[waiting], &mut asked, true, &mut Vec::new());
        put.unwrap();
    }

    let text = String::from_utf8(shown.0.lock().unwrap().clone()).unwrap();
    let seqs = text.lines().map(|line| Sealed::read(line.as_bytes()));
    let seqs: Vec<u64> = seqs.map(|line| line.unwrap().seq).collect();
    assert_eq!(seqs, [1, 2, 3], "{text}");
}
