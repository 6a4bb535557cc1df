//! Files that are not what poolgate leaves, shown to `audit verify` and `audit who`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use poolgate::audit::digest::Maker;
use poolgate::audit::line::{Draft, Hash};
use poolgate::audit::verify::What;
use serde_json::json;

use super::Made;
use crate::support::journal::{Journal, access_key};

fn told(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn what_is_compressed_is_read_by_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);

    for path in made.closed() {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn a_file_that_is_there_and_cannot_be_read_is_named_also_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), false);
    fs::remove_file(&made.path).unwrap();
    fs::create_dir(&made.path).unwrap();

    for command in ["who", "verify"] {
        let (code, text) = told(&made.poolgate(&[command, "."]));

        assert_eq!(code, Some(3), "{command}: {text}");
        assert!(text.contains("audit.jsonl"), "{command}: {text}");
    }
}

#[test]
fn what_is_no_file_is_named_and_keeps_nobody_waiting() {
    for name in [
        "audit-20270101T000000Z-000000009999.jsonl",
        "audit-20270101T000000Z-000000009999.jsonl.gz",
        "digests/audit-20270101T000000Z.json.gz",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let made = Made::in_folder(folder.path(), true);
        pipe(&folder.path().join(name));
        for command in ["who", "verify"] {
            if name.starts_with("digests") && command == "who" {
                continue;
            }
            let (code, text) = told(&made.poolgate(&[command, "audit.jsonl"]));

            assert_eq!(code, Some(3), "{command}: {text}");
            assert!(
                text.contains(name) && text.contains("not a regular file"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_journal_of_one_file_is_found_by_its_folder_and_an_emptied_one_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(folder.path());
    journal.call();
    journal.call();
    journal.flush();
    let made = Made {
        folder: folder.path().to_owned(),
        path: journal.path(),
        key: folder.path().join("key.pem"),
    };
    let (code, text) = told(&made.poolgate(&["verify", "."]));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = told(&made.poolgate(&["who", "--json", "."]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("GetId") || text.lines().count() > 1, "{text}");

    fs::write(&made.path, "").unwrap();
    let (code, text) = told(&made.poolgate(&["verify", "."]));
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = told(&made.poolgate(&["who", "."]));
    assert_eq!(code, Some(3), "{text}");
}

#[test]
fn damage_is_told_also_where_the_search_finds_nothing_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), false);
    let (key, last) = (access_key(9), made.closed().remove(0));
    let length = fs::read(&last).unwrap().len();
    fs::write(&last, vec![0; length]).unwrap();

    let (code, text) = told(&made.poolgate(&["who", "--access-key", &key, "audit.jsonl"]));

    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("1 lines are no records"), "{text}");
}

#[test]
fn a_name_with_another_time_hides_nothing_and_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), false);
    let (key, file) = (access_key(9), made.closed().remove(0));
    let renamed = file.with_file_name("audit-20200101T000000Z-000000000001.jsonl");
    fs::rename(&file, &renamed).unwrap();

    let since = ["--since", "2026-11-20T00:00:00Z"];
    let arguments = [&["who", "--json", "--access-key", &key], &since[..], &["."]].concat();
    let (code, text) = told(&made.poolgate(&arguments));
    assert_eq!((code, text.lines().count()), (Some(0), 1), "{text}");
    let faults = made.verify().faults;
    assert_eq!(
        (&faults[0].file, &faults[0].what),
        (&renamed, &What::Redated)
    );
}

#[test]
fn what_a_file_says_moves_no_cursor_and_begins_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let odd = "x\u{1b}[2J\nclean\u{9b}\u{202e}";
    let mut lines = Vec::new();
    let mut hash = Hash::NONE;
    for (seq, name) in [(1, "OpenJournalFile"), (2, odd)] {
        let record = json!({
            "eventName": name, "eventTime": odd, "sharedEventID": format!("{odd}{seq}"),
        });
        let draft = Draft::new(&record, &json!({"phase": "intent"})).unwrap();
        hash = draft.seal(seq, hash, &mut lines);
    }
    let made = Made {
        folder: folder.path().to_owned(),
        path: folder.path().join("audit.jsonl"),
        key: folder.path().join("key.pem"),
    };
    fs::write(&made.path, lines).unwrap();

    let (code, text) = told(&made.poolgate(&["verify", "audit.jsonl"]));
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("\\u{1b}[2J\\u{a}clean\\u{9b}\\u{202e}"),
        "{text}"
    );
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control())
    );
    assert!(!text.contains("\nclean"), "{text}");
}

#[test]
fn journals_whose_names_differ_in_their_endings_do_not_mix_their_digests() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::in_folder(folder.path(), true);
    let journal = Journal::new(&folder.path().join("elsewhere"));
    let mut settings = journal.settings(&made.key);
    settings.journal = folder.path().join("audit.log");

    let refused = Maker::open(&settings, journal.now())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("of another journal, with the file `audit-"),
        "{refused}"
    );

    let elsewhere = tempfile::tempdir().unwrap();
    let mut both = ["audit.log", "audit.jsonl"].map(|name| {
        settings.journal = elsewhere.path().join(name);
        Maker::open(&settings, journal.now()).unwrap().unwrap()
    });
    let at = both[0].next_hour();
    both[0].make(at, false).unwrap();
    let refused = both[1].make(at, false).unwrap_err().to_string();
    assert!(
        refused.contains("made meanwhile by another journal"),
        "{refused}"
    );
    both[0].make(both[0].next_hour(), false).unwrap();
}
