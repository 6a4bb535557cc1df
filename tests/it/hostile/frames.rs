//! Floods of frames that HTTP/2 allows, one by one.

use std::collections::BTreeSet;
use std::time::Duration;

use poolgate::operation::Operation;

use crate::support::raw::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, End, HEADERS, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, frame,
};
use crate::support::siege::{Siege, head, soon, streams};

const PROTOCOL_ERROR: u32 = 1;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

/// In KiB.
const MIB: usize = 1024;

/// What one flood may have the process compute, with the good caller's calls meanwhile.
const COMPUTED: Duration = Duration::from_millis(200);

/// Memory is counted by the page of 4 KiB, and not by those of 2 MiB that the allocator asks
/// for: one of these more is no growth that says anything.
const SMALL_PAGES: &[(&str, &str)] = &[("MIMALLOC_ALLOW_THP", "0")];

const DESCRIBE: Operation = Operation::DescribeIdentityPool;

#[tokio::test(flavor = "multi_thread")]
async fn who_resets_each_call_at_once_is_sent_away_before_much_was_done() {
    let siege = Siege::begin(&[]).await;
    let cancel = 8_u32.to_be_bytes();
    let flood: Vec<u8> = streams(20_000)
        .flat_map(|stream| {
            [
                head(stream, DESCRIBE, 0),
                frame(DATA, END_STREAM, stream, &[0; 5]),
                frame(RST_STREAM, 0, stream, &cancel),
            ]
        })
        .flatten()
        .collect();

    let end = soon(siege.peer().await.flood(&flood)).await;

    let (last, code) = end.goaway.expect("a GOAWAY");
    assert_eq!(code, ENHANCE_YOUR_CALM);
    assert!(last < 2 * 2_000, "{last}");
    let text = siege.metrics().await;
    let calls = text.text().lines().find_map(|line| {
        let is_it = line.starts_with("poolgate_upstream_requests_total")
            && line.contains("DescribeIdentityPool");
        is_it.then(|| line.rsplit(' ').next()?.parse::<usize>().ok())?
    });
    assert!(calls.unwrap_or_default() <= 100, "{calls:?}");
    siege.end("T-C1 resets").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_us_reset_each_call_is_sent_away() {
    let siege = Siege::begin(&[]).await;
    let overflow = 0x7fff_ffff_u32.to_be_bytes();
    let on_itself = |stream: u32| [&stream.to_be_bytes()[..], &[0]].concat();
    for (why, spoil) in [
        (
            "a window that overflows",
            &(|stream| frame(WINDOW_UPDATE, 0, stream, &overflow)) as &dyn Fn(u32) -> Vec<u8>,
        ),
        ("a window of nothing more", &|stream| {
            frame(WINDOW_UPDATE, 0, stream, &[0; 4])
        }),
        ("data behind the end", &|stream| {
            let end = frame(DATA, END_STREAM, stream, &[0; 5]);
            [end, frame(DATA, 0, stream, b"more")].concat()
        }),
        ("headers behind the end", &|stream| {
            let end = frame(DATA, END_STREAM, stream, &[0; 5]);
            [end, head(stream, DESCRIBE, END_STREAM)].concat()
        }),
        ("a priority of another length", &|stream| {
            frame(PRIORITY, 0, stream, &[0; 4])
        }),
        ("a priority that depends on itself", &|stream| {
            frame(PRIORITY, 0, stream, &on_itself(stream))
        }),
    ] {
        let flood: Vec<u8> = streams(20_000)
            .flat_map(|stream| [head(stream, DESCRIBE, 0), spoil(stream)])
            .flatten()
            .collect();

        let end = soon(siege.peer().await.flood(&flood)).await;

        let last = end.goaway.map_or(0, |(last, _)| last);
        assert!(last <= 2 * 4_000, "{why}: {end:?}");
    }
    siege.end("T-C2 resets by us").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_do_not_end_are_cut_off() {
    let siege = Siege::begin(SMALL_PAGES).await;
    let full = block(&[("x", &[b'x'; 16_000])]);
    for (why, fragment) in [("full", &full[..]), ("empty", &[])] {
        let mut flood = frame(HEADERS, 0, 1, &[]);
        for _ in 0..2_000 {
            flood.extend(frame(CONTINUATION, 0, 1, fragment));
        }

        let flooding = async || {
            soon(siege.peer().await.flood(&flood)).await;
        };
        siege.grows_at_most(MIB, why, flooding).await;
    }
    siege.end("T-C3 continuations").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_no_call_are_cut_off_whether_their_sender_reads_or_not() {
    let siege = Siege::begin(&[]).await;
    let kinds: [(u8, u32, &[u8]); 5] = [
        (PING, 0, &[0; 8]),
        (SETTINGS, 0, &[]),
        (PRIORITY, 1, &[0; 5]),
        (0x42, 0, &[]),
        (WINDOW_UPDATE, 0, &[0, 0, 0, 1]),
    ];
    for (kind, stream, payload) in kinds {
        let flood = frame(kind, 0, stream, payload).repeat(2_000);
        let reading = async || {
            soon(siege.peer().await.flood(&flood)).await;
        };
        let silent = async || soon(siege.peer().await.flood_without_reading(&flood)).await;
        for computed in [
            siege.computed_for(reading()).await,
            siege.computed_for(silent()).await,
        ] {
            assert!(computed <= COMPUTED, "{kind}: {computed:?}");
        }
    }

    let process = siege.end("T-C4 frames of no call").await;
    process.wait_for_log("a flood of frames", 2 * kinds.len());
    let (_, log) = process.terminate();
    let told = log.iter().filter(|line| line.contains("a flood of frames"));
    let peers: Vec<String> = told
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["peer"].to_string())
        .collect();
    // One line of each, with its address.
    let different: BTreeSet<&String> = peers.iter().collect();
    assert_eq!(
        (peers.len(), different.len()),
        (2 * kinds.len(), peers.len())
    );
    assert!(
        peers.iter().all(|peer| peer.contains("127.0.0.1:")),
        "{peers:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_next_to_nothing_is_cut_off() {
    let siege = Siege::begin(SMALL_PAGES).await;
    // A message of 60 KB, a byte at a time.
    let message = [&[0, 0, 0, 0xea, 0x60][..], &[b'x'; 60_000]].concat();
    let bytes: Vec<u8> = message
        .iter()
        .flat_map(|byte| frame(DATA, 0, 1, &[*byte]))
        .collect();
    let empty = frame(DATA, 0, 1, &[]).repeat(5_000);
    for (why, body) in [("empty frames", &empty), ("single bytes", &bytes)] {
        let flood = [head(1, DESCRIBE, 0), body.clone()].concat();

        let flooding = async || {
            let end = soon(siege.peer().await.flood(&flood)).await;
            // Our own budget ends it without a word.
            let code = end.goaway.map_or(ENHANCE_YOUR_CALM, |(_, code)| code);
            assert_eq!(code, ENHANCE_YOUR_CALM, "{why}: {end:?}");
        };
        siege.grows_at_most(2 * MIB, why, flooding).await;
    }
    siege.end("T-C5 bodies").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_unpack_to_more_are_refused_and_what_cannot_be_unpacked_ends() {
    let siege = Siege::begin(SMALL_PAGES).await;
    // A field that is remembered (RFC 7541, 6.2.1), and then named a thousand times.
    let mut bomb = vec![0x40, 1, b'x', 0x7f, 0x81, 0x1e];
    bomb.extend([b'x'; 4_000]);
    bomb.extend([0xbe; 1_000]);
    for (why, block, code) in [
        ("a bomb", &bomb[..], None),
        ("index 0", &[0x80], Some(COMPRESSION_ERROR)),
        (
            "an index of nothing",
            &[0xff, 0x7f],
            Some(COMPRESSION_ERROR),
        ),
        (
            "garbage of Huffman",
            &[0, 0x81, 0xff, 0x84, 0xff, 0xff, 0xff, 0xff],
            Some(COMPRESSION_ERROR),
        ),
        (
            "a larger table than we have",
            &[0x3f, 0xe1, 0xff, 0x03],
            Some(COMPRESSION_ERROR),
        ),
    ] {
        let unpacking = async || {
            let mut peer = siege.peer().await;
            peer.send(HEADERS, END_HEADERS | END_STREAM, 1, block).await;
            let ended = soon(peer.end_of(1)).await;
            match code {
                // A refusal, or a reset: the connection goes on or not.
                None => assert!(ended.is_some(), "{why}"),
                Some(code) => {
                    let End { goaway, .. } = soon(peer.flood(&[])).await;
                    let payload = ended.map(|frame| frame.payload);
                    let said = goaway.map(|(_, code)| code).or_else(|| {
                        let bytes = payload?.get(4..8)?.try_into().ok()?;
                        Some(u32::from_be_bytes(bytes))
                    });
                    assert!(
                        said == Some(code) || said == Some(PROTOCOL_ERROR),
                        "{why}: {said:?}"
                    );
                }
            }
        };
        siege.grows_at_most(MIB, why, unpacking).await;
    }
    siege.end("T-C6 header compression").await;
}
