//! The gRPC listener: our own accept loop over hyper.
//!
//! tonic's own server offers no deadline for the HTTP/2 preface, no cap on
//! connections, no pause when `accept` fails, and a shutdown that waits for ever
//! for a peer that is silent. This one promises:
//!
//! * a connection that does not speak HTTP/2 within [`PREFACE_TIMEOUT`] is closed, and
//!   with TLS one whose handshake takes longer than [`HANDSHAKE_TIMEOUT`]; of those that have
//!   not come so far there are at most `handshakes`, of which the oldest of the address that
//!   has most makes room;
//! * a peer that is owed answers and takes none of them for [`Life::stall`] is cut;
//! * a peer whose certificate is revoked, expires or loses its authority while it is
//!   connected is told to go away within half a minute, and cut soon after;
//! * a peer that a layer has had enough of is told to go away, and cut a second later;
//! * at most `max_connections` are open, of which no address has more than its share, and at
//!   most `max_concurrent_streams` calls are under way on each; resets forced by a peer are
//!   bounded, and so are frames that belong to no call;
//! * a connection that is old, or has had no call for long, is told to go away, and cut when
//!   its calls have had their time;
//! * after [`Serving::stop`] nothing is accepted and every peer is told to go away;
//!   after [`Serving::cut`] every connection is gone.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::caller::{Address, Peer};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Refusal;

mod accept;
mod addresses;
mod call;
mod connection;
mod frames;
mod handshake;
mod handshakes;
mod heads;
mod life;
mod owed;
mod preface;
mod trust;
mod unix;

use accept::Listener;
pub(super) use accept::accept;
pub use accept::bind;
use addresses::Addresses;
pub use handshake::{HANDSHAKE_TIMEOUT, ReadCertificate, Tls};
use handshakes::Handshakes;
pub use life::Life;
pub use unix::Socket;

/// How long a new connection may take to send its HTTP/2 preface.
pub const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections may be open.
    pub connections: usize,
    /// How many of them one address may have; of IPv6, a /64.
    pub connections_of_address: usize,
    /// How many may have their handshake or preface under way.
    pub handshakes: usize,
    /// How many calls one connection may have under way.
    pub concurrent_streams: u32,
    /// How long a new connection may take to send its HTTP/2 preface.
    pub preface: Duration,
    /// How long a connection lives.
    pub life: Life,
}

impl Default for Limits {
    /// Reference: security, 4.2.
    fn default() -> Self {
        Self {
            connections: 2_000,
            connections_of_address: 200,
            handshakes: 256,
            concurrent_streams: 100,
            preface: PREFACE_TIMEOUT,
            life: Life::default(),
        }
    }
}

/// A service that answers gRPC requests, whatever is behind it.
pub trait Grpc:
    Service<
        http::Request<tonic::body::Body>,
        Response = http::Response<tonic::body::Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Grpc for S
where
    S: Service<
            http::Request<tonic::body::Body>,
            Response = http::Response<tonic::body::Body>,
            Error = Infallible,
        > + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
}

/// Where connections come in.
#[derive(Debug)]
pub struct Listeners {
    /// Those of the network.
    pub network: TcpListener,
    /// Those of processes on this machine, where they have a socket of their own.
    pub unix: Option<Socket>,
}

impl From<TcpListener> for Listeners {
    fn from(network: TcpListener) -> Self {
        Self {
            network,
            unix: None,
        }
    }
}

/// A listener at work. Dropping it does not end it.
#[derive(Clone, Debug)]
pub struct Serving {
    stopped: CancellationToken,
    cut: CancellationToken,
    connections: TaskTracker,
    calls: TaskTracker,
}

/// Serves every connection of `listeners` with `service`, in tasks of their own; in plain
/// text without `tls`, and over a Unix socket always.
pub fn serve(
    listeners: impl Into<Listeners>,
    service: impl Grpc + Sync,
    limits: Limits,
    tls: Option<Tls>,
    metrics: Arc<Metrics>,
) -> Serving {
    let listening = Listening::new(service, limits, tls, metrics);
    let serving = listening.serving.clone();
    let Listeners { network, unix } = listeners.into();
    if let Some(socket) = unix {
        tokio::spawn(listening.clone().accept_processes(socket));
    }
    tokio::spawn(listening.accept_all(network));
    serving
}

impl Serving {
    /// Accepts nothing further and tells every peer to begin no further calls.
    pub fn stop(&self) {
        self.stopped.cancel();
        self.connections.close();
        self.calls.close();
    }

    /// Closes every connection, whatever is under way.
    pub fn cut(&self) {
        self.stop();
        self.cut.cancel();
    }

    /// How many calls are under way.
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }

    /// Ends when, after [`Serving::stop`], no call is under way.
    pub async fn calls_ended(&self) {
        self.calls.wait().await;
    }

    /// Ends when, after [`Serving::stop`], no connection is open.
    pub async fn connections_ended(&self) {
        self.connections.wait().await;
    }
}

/// What every connection is served with.
#[derive(Clone)]
struct Listening<S> {
    service: S,
    limits: Limits,
    tls: Option<Tls>,
    metrics: Arc<Metrics>,
    addresses: Arc<Addresses>,
    handshakes: Arc<Handshakes>,
    serving: Serving,
}

impl<S: Grpc + Sync> Listening<S> {
    fn new(service: S, limits: Limits, tls: Option<Tls>, metrics: Arc<Metrics>) -> Self {
        Self {
            service,
            limits,
            tls,
            metrics,
            addresses: Addresses::new(limits.connections_of_address),
            handshakes: Handshakes::new(limits.handshakes),
            serving: Serving {
                stopped: CancellationToken::new(),
                cut: CancellationToken::new(),
                connections: TaskTracker::new(),
                calls: TaskTracker::new(),
            },
        }
    }

    async fn accept_all(self, listener: TcpListener) {
        while let Some(stream) = self.next(&listener).await {
            // A peer that has left already has no address.
            let Ok(address) = stream.peer_addr() else {
                continue;
            };
            let address = canonical(address).into();
            self.spawn(address, |listening| {
                connection::serve(stream, Peer::at(address), listening)
            });
        }
    }

    /// The same for processes of this machine, who speak plain text.
    async fn accept_processes(self, socket: Socket) {
        let numbers = AtomicU64::new(0);
        while let Some(stream) = self.next(&socket.listener).await {
            let Ok(process) = unix::process(&stream, &numbers) else {
                continue;
            };
            let address = Address::Process(process);
            self.spawn(address, |listening| {
                connection::serve_plain(stream, Peer::at(address), listening)
            });
        }
    }

    /// The next connection; nothing when none is to be accepted any more.
    async fn next<L: Listener>(&self, listener: &L) -> Option<L::Stream> {
        tokio::select! {
            biased;
            () = self.serving.stopped.cancelled() => None,
            stream = accept(listener, &self.metrics) => Some(stream),
        }
    }

    /// Serves a connection in a task of its own, where there is a place for it.
    fn spawn<F>(&self, address: Address, serve: impl FnOnce(Self) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let connections = &self.serving.connections;
        if connections.len() >= self.limits.connections {
            return self.metrics.connection_refused(Refusal::Limit);
        }
        let Some(place) = self.addresses.place(address.counted().ip()) else {
            return self.metrics.connection_refused(Refusal::Address);
        };
        // What is moved while it is awaited takes its place twice.
        let serve = Box::pin(serve(self.clone()));
        connections.spawn(async move {
            serve.await;
            drop(place);
        });
    }
}

/// A listener on `[::]` shows IPv4 peers as IPv6; rules and records want the
/// address that the peer has.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests;
