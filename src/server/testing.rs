//! Peers and services for the tests of this room.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};

use super::listen::{self, Grpc, Life, Limits, Serving};
use crate::pb;
use crate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use crate::telemetry::Metrics;

pub(super) const LIMITS: Limits = Limits {
    connections: 10,
    connections_of_address: 10,
    handshakes: 10,
    concurrent_streams: 100,
    preface: Duration::from_secs(3600),
    life: Life {
        age: Duration::from_secs(3600),
        idle: Duration::from_secs(3600),
        grace: Duration::from_secs(3600),
        stall: Duration::from_secs(3600),
    },
};

/// Serves on a free port.
pub(super) fn serve(
    service: impl Grpc + Sync,
    limits: Limits,
) -> (SocketAddr, Serving, Arc<Metrics>) {
    let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Arc::new(Metrics::new());
    let serving = listen::serve(listener, service, limits, None, Arc::clone(&metrics));
    (address, serving, metrics)
}

/// An answer without a message, whose status says `text`.
pub(super) fn says(text: impl Into<String>) -> Result<Response<Body>, Infallible> {
    Ok(tonic::Status::aborted(text).into_http())
}

/// Calls a method that does not matter and gives back what the answer says.
pub(super) async fn call(address: SocketAddr) -> String {
    let mut client = CognitoIdentityServiceClient::new(connect(address).await);
    let request = pb::ListIdentityPoolsRequest::default();
    let status = client.list_identity_pools(request).await.unwrap_err();
    status.message().to_owned()
}

pub(super) async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// Waits until `condition` holds, letting other tasks work meanwhile.
pub(super) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Reads the whole request before it answers.
pub(super) async fn read_all(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let _ = http_body_util::BodyExt::collect(request.into_body()).await;
    says("read")
}

/// A peer that sends frames by hand and answers none.
pub(super) struct RawPeer(TcpStream);

impl RawPeer {
    /// Connects and says nothing.
    pub(super) async fn silent(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Connects and greets.
    pub(super) async fn greet(address: SocketAddr) -> Self {
        let mut peer = Self::silent(address).await;
        peer.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        peer.send(&raw_frame(4, 0, 0, &[])).await;
        peer
    }

    /// Connects, greets with a window of so many bytes for each stream, and acknowledges
    /// what the other side wants.
    pub(super) async fn greet_with_window(address: SocketAddr, window: u32) -> Self {
        const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];
        const ACK: u8 = 1;
        let mut peer = Self::greet(address).await;
        let window = window.to_be_bytes();
        let settings = [INITIAL_WINDOW_SIZE.as_slice(), &window].concat();
        peer.send(&raw_frame(4, 0, 0, &settings)).await;
        peer.send(&raw_frame(4, ACK, 0, &[])).await;
        peer
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Begins a request that never ends.
    pub(super) async fn begin_request(&mut self) {
        self.send(&request_frame(1)).await;
    }

    /// Sends `bytes` while reading, until the other side says GOAWAY; gives back the
    /// error code it says.
    pub(super) async fn flood_until_goaway(mut self, bytes: Vec<u8>) -> u32 {
        let (mut read, mut write) = self.0.split();
        let sending = async {
            // The other side may close in the middle of it.
            let _ = write.write_all(&bytes).await;
            std::future::pending().await
        };
        let receiving = async {
            loop {
                let (kind, payload) = frame(&mut read).await.expect("a GOAWAY before the end");
                if kind == GOAWAY {
                    return u32::from_be_bytes(payload[4..8].try_into().unwrap());
                }
            }
        };
        tokio::select! {
            code = receiving => code,
            () = sending => unreachable!("it never ends"),
        }
    }

    /// Sends `bytes` while reading, until the other side has closed the connection.
    pub(super) async fn flood_until_closed(mut self, bytes: Vec<u8>) {
        let (mut read, mut write) = self.0.split();
        let mut rest = Vec::new();
        let sending = async {
            let _ = write.write_all(&bytes).await;
            std::future::pending().await
        };
        tokio::select! {
            _ = read.read_to_end(&mut rest) => {}
            () = sending => unreachable!("it never ends"),
        }
    }

    /// The type and payload of the next frame; nothing at the end.
    pub(super) async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        frame(&mut self.0).await
    }

    /// Waits until the other side has closed the connection.
    pub(super) async fn closed(mut self) {
        let mut rest = Vec::new();
        // Both an orderly end and a reset are an end.
        let _ = self.0.read_to_end(&mut rest).await;
    }
}

pub(super) const GOAWAY: u8 = 7;

/// POST to `/a.B/C` without END_STREAM.
pub(super) fn request_frame(stream: u32) -> Vec<u8> {
    const HEADERS: u8 = 1;
    const END_HEADERS: u8 = 4;
    let headers = b"\x83\x86\x04\x06/a.B/C\x01\x01x";
    raw_frame(HEADERS, END_HEADERS, stream, headers)
}

/// A frame as it goes over the wire.
pub(super) fn raw_frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}
