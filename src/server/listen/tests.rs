use http::Request;
use tokio::net::TcpStream;
use tonic::body::Body;
use tower::service_fn;

use super::*;
use crate::caller::Peer;
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

const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
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
