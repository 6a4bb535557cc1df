use proptest::prelude::*;
use serde_json::{Value, json};

use uuid::Uuid;

use super::*;
use crate::audit::Origin;
use crate::audit::line::Hash;

const START: SystemTime = SystemTime::UNIX_EPOCH;

fn strangers() -> (Strangers, Clock) {
    let clock = Clock::manual(START + Duration::from_secs(1_800_000_000));
    (Strangers::new(clock.clone()), clock)
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn the_first_ten_of_an_address_are_recorded_and_the_others_summarised_after_a_minute() {
    let (strangers, clock) = strangers();
    let peer = address("192.0.2.7");
    let began = clock.now();

    let verdicts: Vec<Verdict> = (0..13)
        .map(|call| {
            clock.advance(Duration::from_secs(1));
            let reason = if call == 11 {
                "UNKNOWN_OPERATION"
            } else {
                "UNAUTHENTICATED"
            };
            strangers.refused(peer, reason)
        })
        .collect();

    assert_eq!(verdicts[..10], [Verdict::Record; 10]);
    assert_eq!(verdicts[10..], [Verdict::Counted; 3]);
    clock.advance(Duration::from_secs(47));
    assert_eq!(strangers.due(), [], "the minute is not over");
    clock.advance(Duration::from_secs(1));
    let summary = Summary {
        source: Source::Address("192.0.2.7".parse().unwrap()),
        count: 3,
        by_reason: [("UNAUTHENTICATED", 2), ("UNKNOWN_OPERATION", 1)].into(),
        from: began + Duration::from_secs(11),
        until: began + Duration::from_secs(13),
    };
    assert_eq!(strangers.due(), [summary]);
    assert_eq!(strangers.due(), [], "told once");
    assert_eq!(strangers.refused(peer, "UNAUTHENTICATED"), Verdict::Record);
}

#[test]
fn an_address_is_what_one_stranger_has() {
    for (one, other, same, why) in [
        ("192.0.2.7", "192.0.2.8", false, "two addresses of IPv4"),
        (
            "192.0.2.7",
            "::ffff:192.0.2.7",
            true,
            "IPv4 written as IPv6",
        ),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", false, "two of them"),
        ("2001:db8::1", "2001:db8::2:0:0:1", true, "one network"),
        ("2001:db8::1", "2001:db8:0:1::1", false, "two networks"),
        (
            "::1",
            "127.0.0.1",
            false,
            "IPv4 is not in a network of IPv6",
        ),
    ] {
        let (one, other) = (Source::of(address(one)), Source::of(address(other)));

        assert_eq!(one == other, same, "{why}");
    }
    let shown = [
        Source::of(address("2001:db8::1")),
        Source::of(address("::ffff:192.0.2.7")),
        Source::of(None),
        Source::Others,
    ];
    let shown = shown.map(|source| source.to_string());
    assert_eq!(shown, ["2001:db8::/64", "192.0.2.7", "unknown", "others"]);
}

#[test]
fn those_who_are_refused_most_have_a_summary_of_their_own() {
    let (strangers, _) = strangers();
    let addresses = u32::try_from(MOST_ADDRESSES).unwrap();
    for stranger in 0..addresses + 50 {
        let peer = Some(IpAddr::from(stranger.to_be_bytes()));
        let calls = if stranger < 99 { 40 + stranger } else { 11 };
        for _ in 0..calls {
            strangers.refused(peer, "UNAUTHENTICATED");
        }
    }

    let summaries = strangers.rest();

    assert_eq!(summaries.len(), MOST_SUMMARIES);
    let most = &summaries[0];
    assert_eq!(most.source, Source::of(address("0.0.0.98")));
    assert_eq!(most.count, 138);
    let (others, own) = summaries.split_last().unwrap();
    assert_eq!(others.source, Source::Others);
    assert_eq!(others.count, u64::from(11 * (addresses + 50 - 99)));
    assert!(
        own.iter()
            .all(|summary| summary.source < Source::Address([0, 0, 0, 99].into()))
    );
}

#[test]
fn a_million_bad_calls_are_less_than_a_thousand_records_and_a_mebibyte() {
    for (addresses, why) in [
        (1_u32, "one address"),
        (90, "as many as have summaries"),
        (10_000, "as many as are told apart"),
        (1_000_000, "each call from another"),
    ] {
        let (strangers, clock) = strangers();
        let (mut full, mut counted, mut summaries, mut bytes) = (0, 0, 0, 0);
        let mut take = |due: Vec<Summary>| {
            summaries += due.len();
            for summary in due {
                let event = summary_event(&summary, &origin("ap-southeast-2"));
                assert!(event.bytes() <= MOST_BYTES);
                bytes += event.bytes();
                counted += summary.count;
            }
        };

        // 10,000 calls in a second, so that they take a hundred.
        for call in 0..1_000_000_u32 {
            if call % 10_000 == 0 {
                clock.advance(Duration::from_secs(1));
                take(strangers.due());
            }
            let peer = Ipv6Addr::from(u128::from(call % addresses) << 64);
            if strangers.refused(Some(peer.into()), "UNAUTHENTICATED") == Verdict::Record {
                full += 1;
            }
        }
        take(strangers.rest());

        assert_eq!(full + counted, 1_000_000, "{why}");
        let (records, bytes) = (
            full + summaries as u64,
            bytes as u64 + full * MOST_BYTES as u64,
        );
        assert!(records <= 1000, "{why}: {records} records");
        assert!(bytes <= 1 << 20, "{why}: {bytes} bytes");
    }
}

#[test]
fn a_summary_is_an_event_of_the_journal() {
    let summary = Summary {
        source: Source::of(address("2001:db8::1")),
        count: 41,
        by_reason: [("UNAUTHENTICATED", 40), ("UNKNOWN_OPERATION", 1)].into(),
        from: START + Duration::from_millis(1_800_000_000_250),
        until: START + Duration::from_millis(1_800_000_059_750),
    };
    let mut line = Vec::new();

    let draft = summary_event(&summary, &origin("eu-central-1"));
    draft.seal(1, Hash::NONE, &mut line);

    let mut event: Value = serde_json::from_slice(&line).unwrap();
    let id: Uuid = event["eventID"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    let place = event["additionalEventData"].as_object_mut().unwrap();
    place.retain(|name, _| name == "instanceId");
    let expected = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "Unknown"},
        "eventTime": "2027-01-15T08:00:59Z",
        "eventSource": "poolgate.internal",
        "eventName": "SummarizeRefusals",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "2001:db8::/64",
        "userAgent": concat!("poolgate/", env!("CARGO_PKG_VERSION")),
        "requestParameters": null,
        "responseElements": null,
        "eventID": event["eventID"],
        "readOnly": true,
        "eventType": "AwsServiceEvent",
        "managementEvent": true,
        "eventCategory": "Management",
        "serviceEventDetails": {
            "count": 41,
            "byReason": {"UNAUTHENTICATED": 40, "UNKNOWN_OPERATION": 1},
            "from": "2027-01-15T08:00:00.250Z",
            "until": "2027-01-15T08:00:59.750Z",
        },
        "additionalEventData": {"instanceId": "test"},
    });
    assert_eq!(event, expected);
}

proptest! {
    #[test]
    fn records_and_counts_add_up_to_the_calls(
        calls in prop::collection::vec((0..200_u64, 0..3_usize, 0..5_u64), 0..4000),
    ) {
        let (strangers, clock) = strangers();
        let (mut records, mut summaries, mut in_minute) = (0, Vec::new(), 0);

        for (stranger, reason, seconds) in &calls {
            clock.advance(Duration::from_millis(*seconds * 20));
            let due = strangers.due();
            if !due.is_empty() {
                in_minute = 0;
            }
            summaries.extend(due);
            let peer = (*stranger > 0).then(|| IpAddr::from((u128::from(*stranger) << 64).to_be_bytes()));
            let reason = ["UNAUTHENTICATED", "UNKNOWN_OPERATION", "INVALID_TIMEOUT"][*reason];
            if strangers.refused(peer, reason) == Verdict::Record {
                records += 1;
                in_minute += 1;
            }
            prop_assert!(in_minute <= 2 * MOST_FULL);
        }
        summaries.extend(strangers.rest());

        let counts: u64 = summaries.iter().map(|summary| summary.count).sum();
        prop_assert_eq!(records + counts, calls.len() as u64);
        for summary in &summaries {
            prop_assert_eq!(summary.count, summary.by_reason.values().sum::<u64>());
            prop_assert!(summary.from <= summary.until);
        }
    }
}

fn origin(region: &str) -> Origin {
    Origin {
        region: region.to_owned(),
        account_id: None,
        instance: "test".to_owned(),
    }
}
