//! More connections than there is room for, and connections that say something else.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use poolgate::pb::ListIdentityPoolsRequest;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::telemetry::most_files;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::process::Process;
use crate::support::raw::{ACK, RawPeer, SETTINGS};
use crate::support::siege::{Siege, soon};

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_connections_leave_those_that_are_there_and_the_probes() {
    let siege = Siege::begin(&[]).await;
    let mut idle = Vec::new();
    // The good caller has one, and each address no more than 200.
    for number in 0..1_999 {
        let from = format!("127.0.1.{}", 1 + number / 200);
        let stream = siege.connect_from(&from).await.unwrap();
        let mut peer = RawPeer::greet(stream).await;
        assert_eq!(
            soon(peer.receive()).await.unwrap().kind,
            SETTINGS,
            "{number}"
        );
        peer.send(SETTINGS, ACK, 0, &[]).await;
        idle.push(peer);
    }

    let one_more = siege.connect_from("127.0.2.1").await.unwrap();
    closed(one_more).await;
    let text = siege.metrics().await;
    assert_eq!(text.sum("poolgate_connections"), 2_000);
    let refused = "poolgate_connections_refused_total{reason=\"limit\"} 1\n";
    assert!(text.text().contains(refused));

    drop(idle.split_off(300));
    while siege.metrics().await.sum("poolgate_connections") > 301 {
        tokio::task::yield_now().await;
    }
    let over_its_share = siege.connect_from("127.0.1.1").await.unwrap();
    closed(over_its_share).await;
    siege.end("T-C7 idle connections").await;
}

/// As many as this process may have, where that is less.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_at_once_keep_no_good_caller_out() {
    let descriptors = most_files().unwrap() as usize;
    let count = 10_000.min(descriptors / 2);
    let siege = Siege::begin(&[]).await;
    let began = Instant::now();

    let arriving = (0..count).map(async |number| {
        let from = format!("127.0.1.{}", 1 + number / 100);
        siege.connect_from(&from).await
    });
    let arrived = join_all(arriving).await;

    let arrived = arrived.iter().filter(|stream| stream.is_ok()).count();
    println!(
        "R20: {arrived} of {count} connections in {:?}",
        began.elapsed()
    );
    assert!(arrived > count / 2, "{arrived} of {count}");
    let mut client = CognitoIdentityServiceClient::new(siege.process.channel().await);
    let answer = client.list_identity_pools(ListIdentityPoolsRequest::default());
    assert!(soon(answer).await.is_ok());
    siege.end("R20 connections at once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_leave_descriptors_to_what_else_wants_them() {
    let directory = tempfile::TempDir::new().unwrap();
    let journal = directory.path().join("audit.jsonl");
    let process = Process::start_with_descriptors(
        128,
        &[
            ("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0"),
            ("POOLGATE_AUDIT__FILE", journal.to_str().unwrap()),
        ],
    );
    let siege = Siege::of(process).await;

    let mut idle = Vec::new();
    for number in 0..300 {
        let from = format!("127.0.1.{}", 1 + number / 100);
        idle.push(siege.connect_from(&from).await.unwrap());
    }
    // The good caller has one, and what is kept is kept for the journal and for probes.
    while refused(&siege, "limit").await < 300 - 63 {
        tokio::task::yield_now().await;
    }
    assert_eq!(refused(&siege, "error").await, 0);
    siege.process.signal("HUP");
    while std::fs::read_dir(directory.path()).unwrap().count() < 2 {
        tokio::task::yield_now().await;
    }

    drop(idle);
    while siege.metrics().await.sum("poolgate_connections") > 1 {
        tokio::task::yield_now().await;
    }
    let mut client = CognitoIdentityServiceClient::new(siege.process.channel().await);
    let answer = client.list_identity_pools(ListIdentityPoolsRequest::default());
    assert!(soon(answer).await.is_ok());
    siege
        .end_warned("T-C12 descriptors", "fewer connections")
        .await;
}

/// Without a good caller, whose calls would count.
#[tokio::test(flavor = "multi_thread")]
async fn peers_for_whom_there_is_no_room_have_the_process_compute_next_to_nothing() {
    let process = Process::start_with_descriptors(128, &[]);
    let mut peers = Vec::new();
    for _ in 0..300 {
        peers.push(TcpStream::connect(&process.address).await.unwrap());
    }
    let (_, before) = process.usage();

    // Those there was room for are closed when their preface is overdue, in five seconds.
    for peer in peers {
        closed(peer).await;
    }

    let computed = process.usage().1 - before;
    assert!(computed <= Duration::from_millis(50), "{computed:?}");
}

async fn refused(siege: &Siege, reason: &str) -> usize {
    let text = siege.metrics().await;
    let name = format!("poolgate_connections_refused_total{{reason=\"{reason}\"}} ");
    let mut lines = text.text().lines();
    let value = lines.find_map(|line| line.strip_prefix(name.as_str()));
    value.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_while_their_connections_are_told_to_go_away() {
    let aged = [("POOLGATE_SERVER__MAX_CONNECTION_AGE", "1s")];
    let siege = Siege::begin_where_connections_end(&aged).await;

    let aged = "poolgate_connections_ended_total{reason=\"age\"} 5\n";
    while !siege.metrics().await.text().contains(aged) {
        tokio::task::yield_now().await;
    }

    siege.end("T-C11 rotations").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_openings_by_chance_are_closed_and_say_nothing_in_the_log() {
    let siege = Siege::begin(&[("POOLGATE_SERVER__MAX_CONNECTIONS_PER_ADDRESS", "2000")]).await;
    let mut chance = Chance(0x5eed);
    for round in 0..100 {
        let mut open = Vec::new();
        for number in 0..100 {
            let mut stream = TcpStream::connect(siege.address).await.unwrap();
            let mut bytes = chance.bytes();
            // Half of them get as far as frames.
            if number % 2 == 0 {
                bytes.splice(0..0, *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            }
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            open.push(stream);
        }
        for stream in open {
            closed(stream).await;
        }
        assert!(!siege.process.log().is_empty(), "{round}");
    }
    siege.end("T-C13 random openings").await;
}

/// Waits until the other side has closed the connection.
async fn closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // Both an orderly end and a reset are an end.
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

/// The same each time: xorshift64*.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Up to 128 bytes, of which many are small, as the heads of frames are.
    fn bytes(&mut self) -> Vec<u8> {
        let count = self.next() % 128;
        let small = self.next().is_multiple_of(2);
        (0..count)
            .map(|_| {
                let byte = self.next().to_be_bytes()[0];
                if small { byte % 10 } else { byte }
            })
            .collect()
    }
}
