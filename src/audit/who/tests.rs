use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::audit::line::{Draft, Hash};

const POOL: &str = "eu-west-1:aaaaaaaa-0000-4000-8000-000000000000";
const IDENTITY: &str = "eu-west-1:cccccccc-0000-4000-8000-000000000000";
const KEY: &str = "ASIAEXAMPLE000000001";

#[test]
fn a_record_is_found_by_what_it_says_and_not_by_what_is_only_mentioned() {
    let record = json!({
        "userIdentity": {"principalId": "https://a.example|\u{202e}max", "userName": "max"},
        "eventTime": "2026-11-25T05:00:00Z",
        "eventName": "GetCredentialsForIdentity",
        "errorCode": "TooManyRequestsException",
        "userAgent": "\"mentioned\"",
        "requestParameters": {"identityId": IDENTITY, "identityIdsToDelete": ["listed"]},
        "responseElements": {"credentials": {"accessKeyId": KEY}},
        "resources": [{"ARN": format!("arn:aws:cognito-identity:eu-west-1:1:identitypool/{POOL}")}],
        "requestID": "aws", "sharedEventID": "ours",
    });
    let some = |text: &str| Some(text.to_owned());
    let time = |text: &str| Some(humantime::parse_rfc3339(text).unwrap());
    let filter = Filter::default();
    for (filter, expected, why) in [
        (filter.clone(), 1, "nothing is asked for, all is found"),
        (
            Filter {
                access_key: some(KEY),
                ..filter.clone()
            },
            1,
            "the key",
        ),
        (
            Filter {
                access_key: some("ASIA"),
                ..filter.clone()
            },
            0,
            "half a key",
        ),
        (
            Filter {
                access_key: some("mentioned"),
                ..filter.clone()
            },
            0,
            "a user agent",
        ),
        (
            Filter {
                access_key: some(IDENTITY),
                ..filter.clone()
            },
            0,
            "another field",
        ),
        (
            Filter {
                identity: some(IDENTITY),
                ..filter.clone()
            },
            1,
            "the identity",
        ),
        (
            Filter {
                identity: some("listed"),
                ..filter.clone()
            },
            1,
            "one of a list",
        ),
        (
            Filter {
                pool: some(POOL),
                ..filter.clone()
            },
            1,
            "the pool, in an ARN",
        ),
        (
            Filter {
                pool: some("000000000000"),
                ..filter.clone()
            },
            0,
            "the end of a pool",
        ),
        (
            Filter {
                request_id: some("aws"),
                ..filter.clone()
            },
            1,
            "AWS's id",
        ),
        (
            Filter {
                request_id: some("ours"),
                ..filter.clone()
            },
            1,
            "our id",
        ),
        (
            Filter {
                caller: some("https://a.example|\u{202e}max"),
                ..filter.clone()
            },
            1,
            "escaped",
        ),
        (
            Filter {
                caller: some("max"),
                ..filter.clone()
            },
            1,
            "the user",
        ),
        (
            Filter {
                operation: some("GetCredentialsForIdentity"),
                ..filter.clone()
            },
            1,
            "the call",
        ),
        (
            Filter {
                operation: some("GetId"),
                ..filter.clone()
            },
            0,
            "another call",
        ),
        (
            Filter {
                error: some("TooManyRequestsException"),
                ..filter.clone()
            },
            1,
            "the error",
        ),
        (
            Filter {
                since: time("2026-11-25T05:00:00Z"),
                ..filter.clone()
            },
            1,
            "from then on",
        ),
        (
            Filter {
                since: time("2026-11-25T05:00:01Z"),
                ..filter.clone()
            },
            0,
            "later",
        ),
        (
            Filter {
                until: time("2026-11-25T05:00:00Z"),
                ..filter.clone()
            },
            0,
            "before then",
        ),
        (
            Filter {
                caller: some("max"),
                access_key: some(KEY),
                ..filter.clone()
            },
            1,
            "both are so",
        ),
        (
            Filter {
                caller: some("moritz"),
                access_key: some(KEY),
                ..filter
            },
            0,
            "one is not so",
        ),
    ] {
        let lines = sealed(&[&record]);

        assert_eq!(found(&lines, &filter).0.len(), expected, "{why}");
    }
}

#[test]
fn lines_are_handed_out_as_they_are_and_the_search_ends_when_enough_is_found() {
    let lines = sealed(&[
        &json!({"eventName": "GetId"}),
        &json!({"eventName": "GetId"}),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::fs::write(&path, &lines).unwrap();
    let mut first = Vec::new();

    let searched = search(
        &Listing::of(&path).unwrap(),
        &Filter::default(),
        &mut |find| {
            first = find.line.to_vec();
            ControlFlow::Break(())
        },
        &mut |_| {},
    );

    assert_eq!(searched.found, 1);
    assert!(lines.starts_with(&first) && lines[first.len()] == b'\n');
}

#[test]
fn what_is_no_record_is_counted_and_a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::fs::write(&path, b"{\"eventName\":\"GetId\"\n").unwrap();
    let zipped = folder
        .path()
        .join("audit-20261125T050000Z-000000000001.jsonl.gz");
    std::fs::write(&zipped, b"no gzip").unwrap();
    let filter = Filter {
        since: Some(humantime::parse_rfc3339("2026-11-25T05:00:00Z").unwrap()),
        ..Filter::default()
    };

    let listing = Listing::of(&path).unwrap();
    let searched = search(
        &listing,
        &filter,
        &mut |_| ControlFlow::Continue(()),
        &mut |_| {},
    );

    assert_eq!((searched.damaged, searched.skipped), (1, 0));
    assert_eq!(searched.unreadable.len(), 1);
    assert_eq!(searched.unreadable[0].0, zipped);
}

#[test]
fn lines_that_are_no_records_are_counted_also_where_nothing_is_looked_for_in_them() {
    let record = sealed(&[&json!({"eventName": "GetId"})]);
    let filter = Filter {
        access_key: Some(KEY.to_owned()),
        ..Filter::default()
    };
    let zeroed = [&record[..40], &[0; 4096], &record[200..]].concat();
    for (bytes, damaged, why) in [
        (record.clone(), 0, "a record"),
        (b"\n\n".to_vec(), 2, "blank lines"),
        (vec![0; 4096], 1, "zeros"),
        (zeroed, 1, "zeros between two halves of lines"),
        ([&record[..], b"\x9f\x11\n"].concat(), 1, "random bytes"),
        (
            [&record[..], &record[..50]].concat(),
            0,
            "a line that is being written",
        ),
        (
            [KEY.as_bytes(), b"\n"].concat(),
            1,
            "what is looked for, and no record",
        ),
    ] {
        let searched = found(&bytes, &filter).1;

        assert_eq!((searched.found, searched.damaged), (0, damaged), "{why}");
        assert!(searched.unreadable.is_empty());
    }
    assert_eq!(found(b"", &filter).1.unreadable.len(), 1, "an empty file");
}

#[test]
fn a_file_is_skipped_by_what_is_in_it_and_not_by_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut seq, mut hash) = (0, Hash::NONE);
    let mut line = |time: &str| {
        let record = json!({"eventName": "OpenJournalFile", "eventTime": time});
        let mut line = Vec::new();
        seq += 1;
        hash = Draft::new(&record, &json!({}))
            .unwrap()
            .seal(seq, hash, &mut line);
        line
    };
    let path = |name: &str| folder.path().join(name);
    let (first, second) = (line("2025-11-25T05:00:00Z"), line("2025-11-26T05:00:00Z"));
    std::fs::write(path("audit-20251126T050000Z-000000000001.jsonl"), first).unwrap();
    std::fs::write(path("audit-20261125T050000Z-000000000002.jsonl"), &second).unwrap();
    std::fs::write(path("audit.jsonl"), line("2026-11-25T05:00:00Z")).unwrap();
    let search = || {
        let filter = Filter {
            since: Some(humantime::parse_rfc3339("2026-11-24T00:00:00Z").unwrap()),
            ..Filter::default()
        };
        let listing = Listing::of(&path("audit.jsonl")).unwrap();
        let found = &mut |_: &Find<'_>| ControlFlow::Continue(());
        search(&listing, &filter, found, &mut |_| {})
    };
    assert_eq!((search().found, search().skipped), (1, 1));

    std::fs::rename(
        path("audit-20261125T050000Z-000000000002.jsonl"),
        path("audit-20240101T000000Z-000000000002.jsonl"),
    )
    .unwrap();
    let renamed = search();

    assert_eq!(renamed.skipped, 1, "the next file begins later");
    std::fs::rename(
        path("audit-20240101T000000Z-000000000002.jsonl"),
        path("audit-20240101T000000Z-000000000000.jsonl"),
    )
    .unwrap();
    assert_eq!(search().skipped, 0, "its own line has another number");
}

proptest! {
    #[test]
    fn any_value_is_found_again_and_any_bytes_can_be_searched(
        name in ".*",
        others in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), any::<u8>()], 0..100),
    ) {
        let mut bytes = others.clone();
        bytes.push(b'\n');
        bytes.extend(sealed(&[&json!({"userIdentity": {"principalId": name}})]));
        bytes.extend(others);
        let filter = Filter { caller: Some(name), ..Filter::default() };

        let (lines, _) = found(&bytes, &filter);

        prop_assert_eq!(lines.len(), 1);
    }
}

fn sealed(records: &[&Value]) -> Vec<u8> {
    let (mut lines, mut hash, mut seq) = (Vec::new(), Hash::NONE, 0);
    for record in records {
        seq += 1;
        let draft = Draft::new(record, &json!({"phase": "outcome"})).unwrap();
        hash = draft.seal(seq, hash, &mut lines);
    }
    lines
}

fn found(bytes: &[u8], filter: &Filter) -> (Vec<Vec<u8>>, Searched) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::fs::write(&path, bytes).unwrap();
    let mut lines = Vec::new();
    let searched = search(
        &Listing::of(&path).unwrap(),
        filter,
        &mut |find| {
            lines.push(find.line.to_vec());
            ControlFlow::Continue(())
        },
        &mut |_| {},
    );
    (lines, searched)
}
