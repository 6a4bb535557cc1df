//! Peers that take their time.

use std::time::{Duration, Instant};

use poolgate::operation::Operation;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::pb::{CreateIdentityPoolRequest, ListIdentityPoolsRequest};
use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::examples;
use crate::support::raw::{
    ACK, DATA, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, RawPeer, SETTINGS, WINDOW_UPDATE,
    frame,
};
use crate::support::siege::{LONG, Siege, head, soon, streams};

/// The limit of a preface, and what it may be late by on a machine that is busy.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_secs(5);

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
    assert!(
        last.elapsed() < PREFACE_TIMEOUT + LATE,
        "{:?}",
        last.elapsed()
    );

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
    // What so many calls take in any case.
    for _ in 0..10 {
        let mut peer = siege.peer().await;
        peer.send(SETTINGS, ACK, 0, &[]).await;
        peer.send(WINDOW_UPDATE, 0, 0, &0x3fff_ffff_u32.to_be_bytes())
            .await;
        for stream in streams(100) {
            peer.write(&list(stream)).await;
        }
        for _ in 0..100 {
            soon(peer.ended()).await;
        }
    }
    let (before, _) = siege.process.usage();
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

    let back = async {
        while siege.process.usage().0 > before + before / 10 {
            // The allocator gives back what nobody wants when somebody calls.
            siege.metrics().await;
        }
    };
    let back = tokio::time::timeout(LONG, back).await;
    let (memory, _) = siege.process.usage();
    assert!(back.is_ok(), "{before} KiB before, {memory} KiB after");
    let process = siege.end("T-C9 slow readers").await;
    process.wait_for_log("its peer takes nothing", 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_answers_slowly_and_goes_on_is_not_cut() {
    let siege = Siege::begin(&[("POOLGATE_SERVER__MAX_CONNECTION_STALL", "1s")]).await;
    fill(&siege).await;
    let mut peer = siege.peer().await;
    peer.send(SETTINGS, ACK, 0, &[]).await;
    for stream in streams(100) {
        peer.write(&list(stream)).await;
    }

    // 16 KB every 40 ms, in frames of whatever length. Each answer fits into the window of its
    // stream; they share that of their connection.
    const PORTION: u32 = 16 * 1024;
    let began = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(40));
    let (mut ended, mut taken, mut given) = (0, 0, 0);
    while ended < 100 {
        let frame = soon(peer.receive()).await.expect("it is not cut");
        assert!(![RST_STREAM, GOAWAY].contains(&frame.kind), "{frame:?}");
        if frame.kind == DATA {
            taken += u32::try_from(frame.payload.len()).unwrap();
        }
        while taken - given >= PORTION {
            pace.tick().await;
            given += PORTION;
            peer.send(WINDOW_UPDATE, 0, 0, &PORTION.to_be_bytes()).await;
        }
        ended += usize::from(frame.flags & END_STREAM != 0);
    }

    assert!(taken > 100 * 10_000, "{taken}");
    assert!(began.elapsed() > Duration::from_secs(2));
    siege.end("T-C9 slow and honest").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_byte_now_and_then_is_cut_off() {
    let siege = Siege::begin(&[("POOLGATE_SERVER__MAX_CONNECTION_STALL", "1s")]).await;
    fill(&siege).await;
    let mut peer = siege.peer().await;
    peer.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
    peer.send(SETTINGS, ACK, 0, &[]).await;
    peer.write(&list(1)).await;

    // Twenty bytes a second.
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    let taking = async {
        loop {
            pace.tick().await;
            if peer
                .try_send(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes())
                .await
                .is_err()
            {
                return;
            }
        }
    };
    soon(taking).await;

    let process = siege.end("T-C9 a byte now and then").await;
    process.wait_for_log("its peer takes nothing", 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_to_greet_keeps_its_place_beside_addresses_with_many() {
    let siege = Siege::begin(&[("POOLGATE_SERVER__MAX_HANDSHAKES", "16")]).await;
    let mut slow = siege.connect_from("127.0.1.1").await.unwrap();
    let (first, second) = PREFACE.split_at(10);
    slow.write_all(first).await.unwrap();
    let mut silent = Vec::new();
    for number in 0..150 {
        let from = format!("127.0.2.{}", 1 + number % 3);
        silent.push(siege.connect_from(&from).await.unwrap());
    }
    let crowded_out = async || {
        let text = siege.metrics().await;
        let name = "poolgate_connections_refused_total{reason=\"handshakes\"} ";
        let mut lines = text.text().lines();
        let count = lines.find_map(|line| line.strip_prefix(name));
        count.unwrap().parse::<usize>().unwrap()
    };
    while crowded_out().await < 150 - 15 {
        tokio::task::yield_now().await;
    }

    slow.write_all(second).await.unwrap();
    slow.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let answer = soon(RawPeer(slow).receive()).await;

    assert_eq!(answer.expect("it is greeted").kind, SETTINGS);
    siege.end("T-C8 slow to greet").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_four_gib_is_refused_when_it_is_announced() {
    let siege = Siege::begin(&[]).await;
    let before = siege.growth();
    let mut peers = Vec::new();
    for _ in 0..20 {
        let mut peer = siege.peer().await;
        peer.send(SETTINGS, ACK, 0, &[]).await;
        announce(&mut peer).await;
        peers.push(peer);
    }
    for peer in &mut peers {
        refused(peer).await;
    }

    let growth = siege.growth().saturating_sub(before);
    assert!(growth <= 40 * 1024, "{growth} KiB");
    siege.end("T-C10 announced messages").await;
}

/// A hundred calls that say that 4 GiB will come, and send a byte.
pub(super) async fn announce<S: AsyncRead + AsyncWrite + Unpin>(peer: &mut RawPeer<S>) {
    let announced = [0, 0xff, 0xff, 0xff, 0xff, b'x'];
    let calls = streams(100).flat_map(|stream| {
        [
            head(stream, Operation::DescribeIdentityPool, 0),
            frame(DATA, 0, stream, &announced),
        ]
    });
    peer.write(&calls.flatten().collect::<Vec<u8>>()).await;
}

/// All of them are answered, without any more.
pub(super) async fn refused<S: AsyncRead + AsyncWrite + Unpin>(peer: &mut RawPeer<S>) {
    let mut answered = 0;
    while answered < 100 {
        let frame = soon(peer.receive()).await.expect("an answer to each");
        let is_answer = frame.kind == HEADERS && frame.flags & END_STREAM != 0;
        answered += usize::from(is_answer);
    }
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
