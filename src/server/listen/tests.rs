use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::select_all;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, Empty, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::service_fn;

use super::*;
use crate::call::Connection;
use crate::server::testing::{
    GOAWAY, LIMITS, RawPeer, call, connect, raw_frame, request_frame, says, serve, until,
};

#[tokio::test]
async fn a_call_is_answered_and_the_service_knows_its_peer() {
    let service = service_fn(async |request: Request<Body>| {
        let peer = request.extensions().get::<Peer>().unwrap();
        says(peer.address.ip().to_string())
    });
    let (address, _serving, _) = serve(service, LIMITS);

    assert_eq!(call(address).await, "127.0.0.1");
}

#[tokio::test]
async fn a_connection_over_the_limit_is_closed_and_counted() {
    let limits = Limits {
        connections: 1,
        ..LIMITS
    };
    let (address, serving, metrics) = serve(answer(), limits);
    let _first = connect(address).await;
    until(|| serving.open_connections() == 1).await;

    RawPeer::silent(address).await.closed().await;

    let refused = "poolgate_connections_refused_total{reason=\"limit\"} 1";
    assert!(metrics.encode().contains(refused));
    assert!(metrics.encode().contains("\npoolgate_connections 1\n"));
}

#[tokio::test]
async fn a_peer_that_does_not_speak_is_closed_and_counted() {
    let limits = Limits {
        preface: Duration::from_millis(1),
        ..LIMITS
    };
    let (address, serving, metrics) = serve(answer(), limits);

    RawPeer::silent(address).await.closed().await;

    until(|| serving.open_connections() == 0).await;
    let refused = "poolgate_connections_refused_total{reason=\"preface\"} 1";
    assert!(metrics.encode().contains(refused));
}

#[tokio::test]
async fn the_first_frame_announces_the_limits() {
    let (address, _serving, _) = serve(answer(), LIMITS);

    let (kind, payload) = RawPeer::greet(address).await.receive().await.unwrap();

    assert_eq!(kind, SETTINGS);
    let settings: Vec<(u8, u32)> = payload
        .chunks(6)
        .map(|s| (s[1], u32::from_be_bytes([s[2], s[3], s[4], s[5]])))
        .collect();
    for expected in [
        (MAX_CONCURRENT_STREAMS, 100),
        (INITIAL_WINDOW_SIZE, 64 * 1024),
        (MAX_HEADER_LIST_SIZE, 16 * 1024),
    ] {
        assert!(settings.contains(&expected), "{expected:?} in {settings:?}");
    }
}

#[tokio::test]
async fn a_stop_tells_every_peer_to_go_away_and_accepts_nothing_further() {
    let (address, serving, _) = serve(answer(), LIMITS);
    let mut peer = RawPeer::greet(address).await;
    peer.receive().await.unwrap();

    serving.stop();

    loop {
        let (kind, _) = peer.receive().await.unwrap();
        if kind == GOAWAY {
            break;
        }
    }
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(serving.open_connections(), 1);
}

#[tokio::test]
async fn a_peer_that_a_layer_has_had_enough_of_is_told_to_go_away_and_then_cut() {
    let service = service_fn(async |request: Request<Body>| {
        let connection = request.extensions().get::<Connection>();
        connection.unwrap().dismiss();
        std::future::pending().await
    });
    let (address, _serving, metrics) = serve(service, LIMITS);
    let mut peer = RawPeer::greet(address).await;
    peer.begin_request().await;

    while peer.receive().await.unwrap().0 != GOAWAY {}
    peer.closed().await;

    let dismissed = "poolgate_connections_ended_total{reason=\"in_vain\"} 1";
    assert!(metrics.encode().contains(dismissed));
}

#[tokio::test]
async fn a_peer_that_makes_resets_is_sent_away() {
    let cancel = CANCEL.to_be_bytes();
    let overflow = 0x7fff_ffff_u32.to_be_bytes();
    for (why, kind, payload) in [
        ("it resets each stream at once", RST_STREAM, cancel),
        ("it makes us reset each stream", WINDOW_UPDATE, overflow),
    ] {
        let (address, _serving, _) = serve(answer_never(), LIMITS);
        let flood: Vec<u8> = (0..20_000)
            .map(|number| 2 * number + 1)
            .flat_map(|stream| [request_frame(stream), raw_frame(kind, 0, stream, &payload)])
            .flatten()
            .collect();

        let code = RawPeer::greet(address)
            .await
            .flood_until_goaway(flood)
            .await;

        assert_eq!(code, ENHANCE_YOUR_CALM, "{why}");
    }
}

#[tokio::test]
async fn a_peer_that_floods_with_frames_of_no_call_is_cut_off_and_counted_and_others_are_not() {
    let (address, serving, metrics) = serve(answer(), LIMITS);
    let _victim = connect(address).await;
    until(|| serving.open_connections() == 1).await;
    let one = 1_u32.to_be_bytes();
    for (number, (why, kind, stream, payload)) in (1..).zip([
        ("PING", PING, 0, [0; 8].as_slice()),
        ("SETTINGS", SETTINGS, 0, &[]),
        ("PRIORITY", PRIORITY, 1, &[0; 5]),
        ("of an unknown type", 0x42, 0, &[]),
        ("WINDOW_UPDATE", WINDOW_UPDATE, 0, &one),
    ]) {
        let flood = raw_frame(kind, 0, stream, payload).repeat(1_100);

        RawPeer::greet(address)
            .await
            .flood_until_closed(flood)
            .await;

        until(|| serving.open_connections() == 1).await;
        let ended = format!("poolgate_connections_ended_total{{reason=\"flood\"}} {number}\n");
        assert!(metrics.encode().contains(&ended), "{why}");
    }
    assert_eq!(call(address).await, "answered");
}

#[tokio::test]
async fn a_connection_over_the_share_of_its_address_is_closed_and_counted() {
    let limits = Limits {
        connections_of_address: 1,
        ..LIMITS
    };
    let (address, serving, metrics) = serve(answer(), limits);
    let first = RawPeer::silent(address).await;
    until(|| serving.open_connections() == 1).await;

    RawPeer::silent(address).await.closed().await;
    let refused = "poolgate_connections_refused_total{reason=\"address\"} 1";
    assert!(metrics.encode().contains(refused));

    drop(first);
    until(|| serving.open_connections() == 0).await;
    assert_eq!(call(address).await, "answered");
}

#[tokio::test]
async fn a_connection_that_is_old_or_idle_is_told_to_go_away() {
    let short = Duration::from_millis(20);
    // This peer does not answer, and is not waited for.
    let life = Life {
        grace: short,
        ..LIMITS.life
    };
    for (reason, life) in [
        ("age", Life { age: short, ..life }),
        (
            "idle",
            Life {
                idle: short,
                ..life
            },
        ),
    ] {
        let (address, serving, metrics) = serve(answer(), Limits { life, ..LIMITS });
        let mut peer = RawPeer::greet(address).await;

        while peer.receive().await.expect("a GOAWAY before the end").0 != GOAWAY {}

        until(|| serving.open_connections() == 0).await;
        let ended = format!("poolgate_connections_ended_total{{reason=\"{reason}\"}} 1");
        assert!(metrics.encode().contains(&ended), "{reason}");
    }
}

#[tokio::test]
async fn a_peer_that_takes_no_answer_is_cut_and_its_answers_are_let_go() {
    // It does not read either: what it is sent fits into the buffers of the kernel, or not.
    let everything = [raw_frame(
        WINDOW_UPDATE,
        0,
        0,
        &0x3fff_ffff_u32.to_be_bytes(),
    )];
    for (why, window, streams, more) in [
        ("no window at all", 0, 1, &[][..]),
        ("a window for less than an answer", 5, 1, &[][..]),
        ("a window for everything", 0x3fff_ffff, 100, &everything[..]),
    ] {
        let held = Arc::new(());
        let service = answer_at_length(&held);
        let (address, serving, metrics) = serve(service, impatient());
        let mut peer = RawPeer::greet_with_window(address, window).await;
        peer.send(&more.concat()).await;
        for number in 0..streams {
            peer.send(&request_frame(2 * number + 1)).await;
        }

        until(|| serving.open_connections() == 1).await;
        until(|| serving.open_connections() == 0).await;

        until(|| Arc::strong_count(&held) == 2).await;
        assert!(ended(&metrics, "stall", 1), "{why}");
        drop(peer);
    }
}

#[tokio::test]
async fn a_peer_that_does_not_acknowledge_our_settings_is_cut() {
    let (address, _serving, metrics) = serve(answer(), impatient());

    RawPeer::greet(address).await.closed().await;

    assert!(ended(&metrics, "stall", 1));
}

#[tokio::test]
async fn a_peer_that_waits_for_what_there_is_not_yet_is_not_cut() {
    let service = service_fn(async |_: Request<Body>| {
        let nothing = futures_util::stream::pending::<Result<Frame<Bytes>, Status>>();
        Ok(http::Response::new(Body::new(StreamBody::new(nothing))))
    });
    let (address, serving, metrics) = serve(service, impatient());
    let mut waiting = RawPeer::greet_with_window(address, 0).await;
    waiting.begin_request().await;
    while waiting.receive().await.unwrap().0 != HEADERS {}

    RawPeer::greet(address).await.closed().await;

    assert!(ended(&metrics, "stall", 1));
    until(|| serving.open_connections() == 1).await;
}

#[tokio::test]
async fn who_has_not_greeted_makes_room_for_who_came_later() {
    let limits = Limits {
        handshakes: 2,
        ..LIMITS
    };
    let (address, serving, metrics) = serve(answer(), limits);
    let oldest = RawPeer::silent(address).await;
    until(|| serving.open_connections() == 1).await;
    let _silent = RawPeer::silent(address).await;
    until(|| serving.open_connections() == 2).await;

    assert_eq!(call(address).await, "answered");

    oldest.closed().await;
    let refused = "poolgate_connections_refused_total{reason=\"handshakes\"} 1";
    assert!(metrics.encode().contains(refused));
}

#[tokio::test]
async fn a_call_may_end_on_a_connection_that_has_grown_old_and_has_no_longer_than_the_grace() {
    let life = |grace| Life {
        age: Duration::from_millis(20),
        grace,
        ..LIMITS.life
    };
    let slow = service_fn(async |_: Request<Body>| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        says("answered")
    });
    let (address, _serving, _) = serve(
        slow,
        Limits {
            life: life(LIMITS.life.grace),
            ..LIMITS
        },
    );
    assert_eq!(call(address).await, "answered");

    let cut = Limits {
        life: life(Duration::from_millis(20)),
        ..LIMITS
    };
    let (address, serving, _) = serve(answer_never(), cut);
    let mut peer = RawPeer::greet(address).await;
    peer.begin_request().await;
    peer.closed().await;
    until(|| serving.open_connections() == 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_and_goes_on_is_not_cut() {
    const ANSWERS: usize = 100;
    const LENGTH: usize = 18 * 1024;
    const BYTES_PER_SECOND: u32 = 64_000;
    let service = service_fn(async |_: Request<Body>| {
        let body = Full::new(Bytes::from(vec![0; LENGTH])).map_err(|never| match never {});
        Ok(http::Response::new(Body::new(body)))
    });
    let life = Life::default();
    let (stream, metrics) = serve_in_memory(service, Limits { life, ..LIMITS });
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let client = client
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(64 * 1024);
    let (mut client, connection) = client.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);

    let calls = (0..ANSWERS).map(|_| {
        let request = Request::post("http://poolgate/a.B/C");
        client.send_request(request.body(Empty::<Bytes>::new()).unwrap())
    });
    let answers = futures_util::future::try_join_all(calls).await.unwrap();
    let began = Instant::now();
    let bodies = answers
        .into_iter()
        .map(|answer| BodyStream::new(answer.into_body()));
    let mut frames = select_all(bodies);
    let mut read = 0;
    while let Some(frame) = frames.next().await {
        let data = frame.expect("it is not cut").into_data().unwrap();
        read += data.len();
        let due = Duration::from_secs(1) * u32::try_from(read).unwrap() / BYTES_PER_SECOND;
        tokio::time::sleep_until(began + due).await;
    }

    assert_eq!(read, ANSWERS * LENGTH);
    assert!(began.elapsed() > 2 * life.stall);
    assert!(ended(&metrics, "stall", 0));
}

/// Nobody may take nothing for long.
fn impatient() -> Limits {
    let stall = Duration::from_millis(100);
    let life = Life {
        stall,
        ..LIMITS.life
    };
    Limits { life, ..LIMITS }
}

/// Serves one connection over a pipe, whose other end is given back.
fn serve_in_memory(
    service: impl Grpc + Sync,
    limits: Limits,
) -> (tokio::io::DuplexStream, Arc<Metrics>) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let metrics = Arc::new(Metrics::new());
    let listening = Listening::new(service, limits, None, Arc::clone(&metrics));
    let peer = Peer::at(SocketAddr::from(([127, 0, 0, 1], 1)));
    tokio::spawn(connection::serve_plain(ours, peer, listening));
    (theirs, metrics)
}

fn ended(metrics: &Metrics, reason: &str, times: usize) -> bool {
    let line = format!("poolgate_connections_ended_total{{reason=\"{reason}\"}} {times}\n");
    metrics.encode().contains(&line)
}

/// Answers with a MiB, which holds `held` while it is kept.
fn answer_at_length(held: &Arc<()>) -> impl Grpc + Sync {
    struct Answer(
        Vec<u8>,
        #[expect(dead_code, reason = "it is counted")] Arc<()>,
    );
    impl AsRef<[u8]> for Answer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let held = Arc::clone(held);
    service_fn(move |_: Request<Body>| {
        let answer = Answer(vec![0; 1024 * 1024], Arc::clone(&held));
        let body = Full::new(Bytes::from_owner(answer)).map_err(|never| match never {});
        std::future::ready(Ok(http::Response::new(Body::new(body))))
    })
}

const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
const MAX_CONCURRENT_STREAMS: u8 = 3;
const INITIAL_WINDOW_SIZE: u8 = 4;
const MAX_HEADER_LIST_SIZE: u8 = 6;

fn answer() -> impl Grpc + Sync {
    service_fn(async |_: Request<Body>| says("answered"))
}

fn answer_never() -> impl Grpc + Sync {
    service_fn(async |_: Request<Body>| std::future::pending().await)
}
