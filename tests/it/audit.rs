//! The audit journal, checked and searched from outside: by the library, by the real
//! binary and, from a folder that is made here, by AWS's own validator.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use poolgate::audit::Listing;
use poolgate::audit::sign::PublicKey;
use poolgate::audit::verify::{Report, Settings, Verdict, What, verify};
use poolgate::audit::who::{Filter, Find, search};
use poolgate::clock::Clock;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::journal::{Journal, POOL, access_key, identity, signing_key};

mod answers;
mod bad_values;
mod canaries;
mod complete;
mod content;
mod counted;
mod digests;
mod disk_faults;
mod failing;
mod forwarding;
mod killed;
mod mutations;
mod odd_files;
mod panics;

/// Makes a journal in the folder that `POOLGATE_AUDIT_FOLDER` names, for the validators of
/// others, and checks it with our own.
#[test]
fn a_journal_with_digests_is_clean_and_all_of_it_is_read() {
    let (_temporary, folder) = match std::env::var_os("POOLGATE_AUDIT_FOLDER") {
        Some(folder) => (None, PathBuf::from(folder)),
        None => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_owned();
            (Some(folder), path)
        }
    };
    let made = Made::in_folder(&folder, true);
    let key = PublicKey::read(&made.key).unwrap();
    let told = json!({"fingerprint": key.fingerprint(), "value": key.value()});
    fs::write(folder.join("public-key.json"), told.to_string()).unwrap();
    fs::write(folder.join("public-key.pem"), key.to_pem().unwrap()).unwrap();

    let report = made.verify();

    assert_eq!(report.verdict(), Verdict::Clean, "{report:?}");
    assert_eq!((report.files, report.digests.count), (5, 6));
    assert_eq!((report.digests.signed, report.digests.files), (6, 4));
    assert_eq!(report.last.unwrap().0, report.lines);
    assert!(report.digests.last_seq < Some(report.lines));
}

/// A journal that was written once stays readable. `POOLGATE_WRITE_DOCS=1` writes it anew.
#[test]
fn the_journal_that_the_documents_show_is_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/journal");
    let public = folder.join("public-key.pem");
    if std::env::var_os("POOLGATE_WRITE_DOCS").is_some() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let key = folder.join("key.pem");
        fs::write(&key, signing_key()).unwrap();
        let mut journal = Journal::new(&folder);
        for _ in 0..6 {
            journal.call();
        }
        journal.rotate();
        journal.digest(&key);
        for _ in 0..4 {
            journal.call();
        }
        journal.flush();
        fs::write(&public, PublicKey::read(&key).unwrap().to_pem().unwrap()).unwrap();
        fs::remove_file(key).unwrap();
    }
    let settings = Settings {
        keys: vec![PublicKey::read(&public).unwrap()],
        threads: 1,
    };

    let report = verify(&folder, &settings, &|_| {}).unwrap();

    assert_eq!(report.verdict(), Verdict::Clean, "{report:?}");
    assert_eq!((report.digests.signed, report.digests.files), (1, 1));
}

#[test]
fn one_thread_or_many_find_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), false);
    let with = |threads| {
        let settings = Settings {
            keys: Vec::new(),
            threads,
        };
        format!("{:?}", verify(&made.path, &settings, &|_| {}).unwrap())
    };

    let one = with(1);

    for threads in [0, 2, 3, 100] {
        assert_eq!(with(threads), one);
    }
}

#[test]
fn calls_that_are_open_are_named_wherever_they_begin() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(folder.path());
    journal.open_call();
    journal.rotate();
    journal.call();
    journal.open_call();
    journal.flush();

    let report = verify(&journal.path(), &Settings::default(), &|_| {}).unwrap();

    assert_eq!(report.verdict(), Verdict::OpenIntents);
    let seqs: Vec<_> = report
        .open_intents
        .iter()
        .map(|intent| intent.seq)
        .collect();
    assert_eq!((seqs[0], seqs.len()), (2, 2));
    assert_eq!(report.open_intents[0].operation, "DeleteIdentityPool");
}

#[test]
fn old_files_may_be_removed_and_a_hole_is_told_from_that() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let closed = made.closed();

    fs::remove_file(&closed[0]).unwrap();
    fs::remove_file(&closed[1]).unwrap();
    let report = made.verify();
    assert_eq!(report.verdict(), Verdict::Clean, "{report:?}");
    assert!(report.first.unwrap().0 > 1);
    assert_eq!(report.digests.files, 2);

    fs::remove_file(&closed[3]).unwrap();
    let report = made.verify();
    assert_eq!(report.verdict(), Verdict::Broken);
    assert_eq!(report.faults[0].file, closed[3]);
    assert!(
        matches!(report.faults[1].what, What::Missing(..)),
        "{report:?}"
    );
}

#[test]
fn a_piece_of_a_line_is_a_fault_wherever_it_is_and_at_the_end_it_is_told_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(folder.path());
    journal.call();
    journal.flush();
    let text = fs::read_to_string(journal.path()).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    let check = |text: String| {
        fs::write(journal.path(), text).unwrap();
        verify(&journal.path(), &Settings::default(), &|_| {}).unwrap()
    };

    let report = check(format!("{first}\n{}\n{second}", &second[..100]));
    assert_eq!(
        (&report.faults[0].what, report.faults[0].line),
        (&What::NoLine, Some(2))
    );

    let report = check(format!("{first}\n{second}{}", &second[..100]));
    assert_eq!(
        (&report.faults[0].what, report.faults[0].line),
        (&What::Unfinished, Some(3))
    );

    let report = check(format!("{first}\n{}x\n{second}", &second[..100]));
    assert_eq!(
        (&report.faults[0].what, report.faults[0].line),
        (&What::NoLine, Some(2))
    );
}

/// Files are closed, put into digests and compressed meanwhile.
#[test]
fn a_journal_can_be_checked_and_searched_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, signing_key()).unwrap();
    let mut journal = Journal::new(folder.path());
    journal.flush();
    let path = journal.path();
    let settings = Settings {
        keys: vec![PublicKey::read(&key).unwrap()],
        threads: 2,
    };
    let writer = std::thread::spawn(move || {
        for _ in 0..60 {
            journal.call();
            journal.rotate();
            journal.flush();
            journal.digest(&key);
        }
    });
    let mut last = 0;
    let mut is_last = false;
    while !is_last {
        is_last = writer.is_finished();

        let report = verify(&path, &settings, &|_| {});
        let searched = Listing::of(&path).map(|listing| {
            let found = &mut |_: &Find<'_>| ControlFlow::Continue(());
            search(&listing, &Filter::default(), found, &mut |_| {})
        });

        // For a moment, there is no file at the path.
        let Ok(report) = report else { continue };
        let others = report.faults.iter().filter(|fault| {
            let is_between = fault.what == What::Absent && fault.file == path;
            !is_between && fault.what != What::Unfinished
        });
        assert_eq!(others.count(), 0, "{report:?}");
        assert!(report.lines >= last, "{} after {last}", report.lines);
        last = report.lines;
        let unreadable = searched.unwrap().unreadable;
        assert!(
            unreadable.iter().all(|(file, _)| *file == path),
            "{unreadable:?}"
        );
    }
    writer.join().unwrap();
    assert!(last > 60);
}

/// What no reader of the files alone can see; `verify` says so.
#[test]
fn the_end_of_the_file_that_is_written_is_covered_by_nothing_yet() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let text = fs::read_to_string(&made.path).unwrap();
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&made.path, &text[..end]).unwrap();

    assert_ne!(made.verify().verdict(), Verdict::Broken);

    let output = made.poolgate(&["verify", "--key", "key.pem", "audit.jsonl"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("compare with digests kept elsewhere"),
        "{text}"
    );
}

#[test]
fn the_binary_says_what_is_wrong_and_where_and_ends_with_a_code_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let verify = |arguments: &[&str]| {
        let output = made.poolgate(&[&["verify"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text)
    };

    let (code, text) = verify(&["--key", "public-key.pem", "audit.jsonl"]);
    assert_eq!(code, 3, "there is no such key: {text}");
    let (code, text) = verify(&["--key", "key.pem", "."]);
    assert_eq!((code, text.lines().next()), (0, Some("clean")), "{text}");
    let (code, text) = verify(&["audit.jsonl"]);
    assert!(
        text.contains("signatures were not checked"),
        "{code} {text}"
    );
    let (code, _) = verify(&["nothing.jsonl"]);
    assert_eq!(code, 3);

    let lines = fs::read_to_string(&made.path).unwrap();
    let mut lines: Vec<_> = lines.lines().collect();
    lines.remove(2);
    fs::write(&made.path, lines.join("\n") + "\n").unwrap();
    let (code, text) = verify(&["--key", "key.pem", "audit.jsonl"]);
    assert_eq!(code, 1);
    assert!(text.contains("audit.jsonl, line 3, seq "), "{text}");
    let (code, text) = verify(&["--json", "audit.jsonl"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["verdict"]), (1, &json!("broken")));
    assert_eq!(report["faults"][0]["line"], 3);
}

#[test]
fn the_binary_finds_who_got_an_access_key() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let (key, identity) = (access_key(9), identity(9));
    for (arguments, expected) in [
        (vec!["--access-key", &key], 1),
        (vec!["--identity", &identity], 2),
        (
            vec!["--pool", POOL, "--operation", "UpdateIdentityPool"],
            2 * 34,
        ),
        (vec!["--error", "TooManyRequestsException"], 5),
        (
            vec![
                "--caller",
                "user-9",
                "--operation",
                "GetCredentialsForIdentity",
            ],
            2 * 4,
        ),
        (
            vec!["--access-key", &key, "--until", "2020-01-01T00:00:00Z"],
            0,
        ),
        (vec!["--access-key", "ASIANOBODY"], 0),
    ] {
        let output =
            made.poolgate(&[&["who"], &arguments[..], &["--json", "audit.jsonl"]].concat());

        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), expected, "{arguments:?}");
    }
    let output = made.poolgate(&["who", "--access-key", &key, "--table", "."]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("user-9"), "{text}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .args(["audit", "who", "--json", "audit.jsonl"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());

    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(0), "{}", made.path.display());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_can_be_verified(
        active: Vec<u8>, closed: Vec<u8>, zipped: Vec<u8>, digest: Vec<u8>, signature: Vec<u8>,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("digests")).unwrap();
        for (name, bytes) in [
            ("audit.jsonl", active),
            ("audit-20261125T050000Z-000000000001.jsonl", closed),
            ("audit-20261125T060000Z-000000000002.jsonl.gz", zipped),
            ("digests/audit-20261125T060000Z.json.gz", digest),
            ("digests/audit-20261125T060000Z.json.gz.sig", signature),
        ] {
            fs::write(path(name), bytes).unwrap();
        }

        let report = verify(&path("audit.jsonl"), &Settings::default(), &|_| {}).unwrap();

        prop_assert_eq!(report.verdict(), Verdict::Broken);
    }
}

/// A journal of five files, four of them closed, and its key.
struct Made {
    folder: PathBuf,
    path: PathBuf,
    key: PathBuf,
}

impl Made {
    fn in_folder(folder: &Path, has_digests: bool) -> Self {
        let key = folder.join("key.pem");
        fs::write(&key, signing_key()).unwrap();
        let mut journal = Journal::new(folder);
        for _ in 0..4 {
            for _ in 0..20 {
                journal.call();
            }
            journal.rotate();
            if has_digests {
                journal.digest(&key);
            }
        }
        for _ in 0..22 {
            journal.call();
        }
        journal.flush();
        if has_digests {
            // Two full hours in which no file was closed.
            for _ in 0..2 {
                journal.advance(3600);
                journal.digest(&key);
            }
        }
        Self {
            folder: folder.to_owned(),
            path: journal.path(),
            key,
        }
    }

    /// The closed files in their order.
    fn closed(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut closed: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_str().unwrap().contains("audit-"))
            .collect();
        closed.sort();
        closed
    }

    fn verify(&self) -> Report {
        let settings = Settings {
            keys: vec![PublicKey::read(&self.key).unwrap()],
            threads: 1,
        };
        verify(&self.path, &settings, &|_| {}).unwrap()
    }

    fn poolgate(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .arg("audit")
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .unwrap()
    }
}

/// A clock that stands where the journal is.
fn clock(journal: &Journal) -> Clock {
    Clock::manual(journal.now())
}
