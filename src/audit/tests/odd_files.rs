//! Files that are not what poolgate leaves, at the start and while it runs.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[tokio::test]
async fn what_is_cut_off_twice_in_a_second_is_kept_twice() {
    let kept = Kept::new();
    kept.open().close(LONG).await.unwrap();
    for torn in ["{\"one", "{\"two"] {
        let whole = fs::read_to_string(kept.path()).unwrap();
        fs::write(kept.path(), whole + torn).unwrap();
        kept.open().close(LONG).await.unwrap();
    }

    let lines = kept.lines();
    let left = lines
        .iter()
        .filter_map(|line| line["serviceEventDetails"]["kept"].as_str());
    let left: Vec<String> = left
        .map(|name| fs::read_to_string(kept.directory.path().join(name)).unwrap())
        .collect();
    assert_eq!(left, ["{\"one", "{\"two"]);
}

#[tokio::test]
async fn a_journal_that_was_emptied_is_not_gone_on_with() {
    let kept = Kept::new();
    fs::write(kept.path(), "").unwrap();
    let journal = kept.open();
    journal.rotate();
    record(&journal, "one").await.unwrap();
    journal.close(LONG).await.unwrap();
    assert_eq!(
        kept.names()[0],
        "OpenJournalFile",
        "an installer may make it"
    );
    fs::write(kept.path(), "").unwrap();

    let refused = kept.try_open().unwrap_err();
    assert!(refused.contains("somebody emptied it"), "{refused}");
    let report = verify::verify(kept.path(), &verify::Settings::default(), &|_| {}).unwrap();
    assert_eq!(report.faults[0].what, verify::What::Empty);

    fs::remove_file(kept.path()).unwrap();
    let closed = Listing::of(kept.path()).unwrap().closed;
    fs::write(closed[0].path().unwrap(), "no line\n").unwrap();
    let refused = kept.try_open().unwrap_err();
    assert!(refused.contains(&closed[0].name), "{refused}");
    assert!(
        !kept.path().exists(),
        "numbers do not begin anew behind what cannot be read"
    );
}

#[tokio::test]
async fn a_link_is_not_taken_for_the_file_and_is_followed_by_who_reads() {
    let kept = Kept::new();
    let journal = kept.open();
    journal.rotate();
    record(&journal, "one").await.unwrap();
    journal.close(LONG).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut linked = Kept::new();
    let (link, dangling) = (elsewhere.path().join("link"), elsewhere.path().join("none"));
    symlink(kept.path(), &link).unwrap();
    symlink("nowhere", &dangling).unwrap();

    let listing = Listing::of(&link).unwrap();
    assert_eq!(listing.closed.len(), 1, "they lie beside the file");
    for path in [link, dangling] {
        linked.settings.file = Some(path.clone());
        let refused = linked.try_open().unwrap_err();
        assert!(refused.contains("is a symbolic link"), "{refused}");
        assert!(path.is_symlink());
    }
}

#[tokio::test]
async fn a_link_that_somebody_puts_there_stays_and_leads_to_what_is_written() {
    let kept = Kept::new();
    let journal = kept.open();
    let elsewhere = kept.directory.path().join("elsewhere");
    fs::rename(kept.path(), &elsewhere).unwrap();
    symlink(&elsewhere, kept.path()).unwrap();

    journal.rotate();
    record(&journal, "one").await.unwrap();

    assert!(kept.path().is_symlink());
    assert!(fs::read_to_string(elsewhere).unwrap().contains("\"one\""));
}

#[tokio::test]
async fn numbers_at_the_end_of_all_numbers_are_not_a_journals() {
    let kept = Kept::new();
    let record = json!({"eventName": "OpenJournalFile", "eventTime": "2027-01-15T08:00:00Z"});
    let draft = Draft::new(&record, &json!({})).unwrap();
    for seq in [u64::MAX, u64::MAX / 2 + 1] {
        let mut line = Vec::new();
        draft.seal(seq, Hash::NONE, &mut line);
        fs::write(kept.path(), &line).unwrap();

        let refused = kept.try_open().unwrap_err();

        assert!(
            refused.contains("something else than an audit journal"),
            "{refused}"
        );
        let report = verify::verify(kept.path(), &verify::Settings::default(), &|_| {});
        assert_eq!(report.unwrap().verdict(), verify::Verdict::Broken);
    }
}

#[tokio::test]
async fn a_pipe_in_the_place_of_the_next_file_keeps_nobody_waiting() {
    let kept = Kept::new();
    let next = kept.directory.path().join(".audit.jsonl.next");
    pipe(&next);

    let refused = kept.try_open().unwrap_err();
    assert!(
        refused.contains(".next`: it is not a regular file"),
        "{refused}"
    );

    fs::remove_file(&next).unwrap();
    let journal = kept.open();
    pipe(&next);
    journal.rotate();
    record(&journal, "one").await.unwrap();
    assert!(kept.names().contains(&"one".to_owned()));
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_closed_file_keeps_nobody_waiting() {
    let kept = Kept::new();
    let name = "audit-20270115T080000Z-000000000001.jsonl";
    pipe(&kept.directory.path().join(name));

    let refused = kept.try_open().unwrap_err();

    assert!(refused.contains(name), "{refused}");
    let report =
        verify::verify(kept.directory.path(), &verify::Settings::default(), &|_| {}).unwrap();
    assert_eq!(report.verdict(), verify::Verdict::Unreadable);
}
