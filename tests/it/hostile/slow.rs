//! Peers that take their time.

use std::time::{Duration, Instant};

use poolgate::operation::Operation;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::pb::{CreateIdentityPoolRequest, ListIdentityPoolsRequest};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::examples;
use crate::support::raw::{ACK, DATA, END_STREAM, HEADERS, SETTINGS, frame};
use crate::support::siege::{Siege, head, soon, streams};

/// The limit of a preface, and what it may be late by on a machine that is busy.
const PREFACE: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_secs(5);

/// In KiB.
const MUCH: usize = 64 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_that_do_not_greet_keep_nobody_out_and_are_closed_in_time() {
    let siege = Siege::begin(&[("POOLGATE_SERVER__MAX_CONNECTIONS_PER_ADDRESS", "600")]).await;
    let mut silent = Vec::new();
    for number in 0..500 {
        let mut stream = TcpStream::connect(siege.address).await.unwrap();
        let opening = &b"PRI * HTTP/2.0\r\n\r\n"[..number % 18];
        // It may be closed already to make room.
        let _ = stream.write_all(opening).await;
        silent.push(stream);
    }
    let last = Instant::now();

    let mut client = CognitoIdentityServiceClient::new(siege.process.channel().await);
    let answer = client.list_identity_pools(ListIdentityPoolsRequest::default());
    assert!(soon(answer).await.is_ok());
    for mut stream in silent {
        let mut rest = Vec::new();
        // Both an orderly end and a reset are an end.
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    assert!(last.elapsed() < PREFACE + LATE, "{:?}", last.elapsed());

    let text = siege.metrics().await;
    let crowded_out = "poolgate_connections_refused_total{reason=\"handshakes\"} ";
    let lines = text.text().lines();
    let count = lines
        .filter_map(|line| line.strip_prefix(crowded_out))
        .next();
    assert!(
        count.unwrap().parse::<usize>().unwrap() >= 500 - 256,
        "{count:?}"
    );
    siege.end("T-C8 no greeting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_an_end_do_not_keep_a_connection() {
    let siege = Siege::begin(&[
        ("POOLGATE_SERVER__MAX_CONNECTION_IDLE", "1s"),
        ("POOLGATE_SERVER__MAX_CONNECTION_GRACE", "1s"),
    ])
    .await;
    let mut peer = siege.peer().await;
    peer.send(SETTINGS, ACK, 0, &[]).await;
    peer.send(HEADERS, 0, 1, b"\x83\x86").await;

    soon(peer.flood(&[])).await;

    siege.end("T-C8 headers without an end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_no_answers_is_cut_off_and_the_memory_is_there_for_others() {
    let siege = Siege::begin(&[("POOLGATE_SERVER__MAX_CONNECTION_STALL", "1s")]).await;
    fill(&siege).await;
    let before = siege.growth();
    let mut peers = Vec::new();
    for _ in 0..10 {
        let mut peer = siege.peer().await;
        // A window of nothing for each stream.
        peer.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
        peer.send(SETTINGS, ACK, 0, &[]).await;
        for stream in streams(100) {
            peer.write(&list(stream)).await;
        }
        peers.push(peer);
    }
    for peer in peers {
        soon(peer.flood(&[])).await;
    }
    // What the allocator keeps is less than what a thousand answers would take.
    let growth = siege.growth();
    assert!(growth < before + MUCH, "{before} {growth}");
    let process = siege.end("T-C9 slow readers").await;
    process.wait_for_log("its peer takes nothing", 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_four_gib_is_refused_when_it_is_announced() {
    let siege = Siege::begin(&[]).await;
    let before = siege.growth();
    let announced = [0, 0xff, 0xff, 0xff, 0xff, b'x'];
    let mut peers = Vec::new();
    for _ in 0..20 {
        let mut peer = siege.peer().await;
        peer.send(SETTINGS, ACK, 0, &[]).await;
        for stream in streams(100) {
            peer.write(&head(stream, Operation::DescribeIdentityPool, 0))
                .await;
            peer.send(DATA, 0, stream, &announced).await;
        }
        peers.push(peer);
    }
    for peer in &mut peers {
        let mut answered = 0;
        while answered < 100 {
            let frame = soon(peer.receive()).await.expect("an answer to each");
            let is_answer = frame.kind == HEADERS && frame.flags & END_STREAM != 0;
            answered += usize::from(is_answer);
        }
    }

    let growth = siege.growth() - before.min(siege.growth());
    assert!(growth <= 40 * 1024, "{growth} KiB");
    siege.end("T-C10 announced messages").await;
}

/// So many pools that a list of them is long.
async fn fill(siege: &Siege) {
    let mut client = CognitoIdentityServiceClient::new(siege.process.channel().await);
    for number in 0..60 {
        let request = CreateIdentityPoolRequest {
            identity_pool_name: format!("{number:0128}"),
            allow_unauthenticated_identities: Some(false),
            ..Default::default()
        };
        client.create_identity_pool(request).await.unwrap();
    }
}

fn list(stream: u32) -> Vec<u8> {
    let request = ListIdentityPoolsRequest::default().encode_to_vec();
    let body = examples::frame(&request);
    [
        head(stream, Operation::ListIdentityPools, 0),
        frame(DATA, END_STREAM, stream, &body),
    ]
    .concat()
}
