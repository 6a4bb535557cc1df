//! One connection, from its first byte to its last.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use uuid::Uuid;

use super::call::Calls;
use super::frames::{Flood, Flooded, Toll};
use super::handshake::{Refused, Secured};
use super::handshakes::Handshake;
use super::owed::{Overdue, Owed};
use super::trust::Trust;
use super::{Grpc, Limits, Listening, preface};
use crate::call::Connection;
use crate::caller::{Address, Peer};
use crate::clock::Clock;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Ending, Refusal};

/// Streams that a peer opens and resets before we have looked at them.
const PENDING_ACCEPT_RESETS: usize = 20;
/// Streams that a peer makes us reset, over the life of a connection. hyper's
/// protection needs a number, else it is off.
const LOCAL_ERROR_RESETS: usize = 1024;
const HEADER_LIST_BYTES: u32 = 16 * 1024;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const SEND_BUFFER: usize = 64 * 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer has to go away that a layer has had enough of.
const DISMISSAL: Duration = Duration::from_secs(1);

/// Serves `stream` until either side ends it, its peer loses our trust, or a layer has had
/// enough of it.
pub(super) async fn serve(stream: TcpStream, peer: Peer, listening: Listening<impl Grpc + Sync>) {
    let Some(tls) = &listening.tls else {
        return serve_plain(stream, peer, listening).await;
    };
    let _open = Open::count(Arc::clone(&listening.metrics));
    let handshake = listening.handshakes.begin(peer.address.counted().ip());
    let secured = tokio::select! {
        biased;
        () = listening.serving.stopped.cancelled() => return,
        () = handshake.crowded_out() => {
            return listening.metrics.connection_refused(Refusal::Handshakes);
        }
        secured = tls.accept(stream) => secured,
    };
    let Secured {
        stream,
        certificate,
        security,
        trust,
    } = match secured {
        Ok(secured) => secured,
        Err(refused) => {
            listening.metrics.connection_refused(Refusal::Tls);
            return tell(&refused, peer.address);
        }
    };
    let peer = Peer {
        certificate,
        tls: security,
        ..peer
    };
    speak(stream, peer, trust, handshake, listening).await;
}

/// The same in plain text.
pub(super) async fn serve_plain<S>(stream: S, peer: Peer, listening: Listening<impl Grpc + Sync>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _open = Open::count(Arc::clone(&listening.metrics));
    let handshake = listening.handshakes.begin(peer.address.counted().ip());
    speak(stream, peer, Trust::Unconditional, handshake, listening).await;
}

/// What strangers do is no news. A certificate that we trust and cannot use is: whoever
/// made it wants to know.
fn tell(refused: &Refused, peer: Address) {
    match refused {
        Refused::Certificate(_) => tracing::info!(%peer, "connection closed: {refused}"),
        _ => tracing::debug!(%peer, reason = %refused, "TLS refused"),
    }
}

/// Speaks HTTP/2.
async fn speak<S>(
    stream: S,
    peer: Peer,
    mut trust: Trust,
    handshake: Handshake,
    listening: Listening<impl Grpc>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Listening {
        service,
        limits,
        metrics,
        serving,
        ..
    } = listening;
    let address = peer.address;
    let flooded = Flooded::default();
    let toll = Toll::new(flooded.clone(), Clock::system());
    let owed = Owed::new(Clock::of_runtime());
    let stream = tokio::select! {
        biased;
        // Nothing was begun yet, so nothing is lost.
        () = serving.stopped.cancelled() => return,
        () = handshake.crowded_out() => return metrics.connection_refused(Refusal::Handshakes),
        stream = preface::expect(stream, limits.preface, toll, owed.clone()) => stream,
    };
    let Some(stream) = stream else {
        metrics.connection_refused(Refusal::Preface);
        return;
    };
    drop(handshake);
    let dismissal = Connection::default();
    let under_way = watch::Sender::new(0);
    let life = limits.life.spread(Uuid::new_v4().as_u128());
    let over = life.over(under_way.subscribe());
    let calls = Calls {
        service,
        peer,
        connection: dismissal.clone(),
        owed: owed.clone(),
        open: serving.calls.clone(),
        under_way,
    };
    let connection = builder(limits).serve_connection(TokioIo::new(stream), calls);
    let mut connection = Box::pin(connection);
    let mut overdue = pin!(owed.overdue(life.stall));
    let grace = tokio::select! {
        biased;
        () = serving.cut.cancelled() => return,
        ended = connection.as_mut() => return tell_end(ended, address, &flooded, &metrics),
        what = overdue.as_mut() => return tell_stall(what, address, &metrics),
        // The drain has its own time limit.
        () = serving.stopped.cancelled() => None,
        (reason, grace) = trust.lost() => {
            tracing::info!(peer = %address, %reason, "peer is no longer trusted, told to go away");
            metrics.connection_ended(Ending::Trust);
            Some(grace)
        }
        over = over => {
            tracing::debug!(peer = %address, reason = %over, "peer told to go away");
            metrics.connection_ended(over.ending());
            Some(life.grace)
        }
        () = dismissal.dismissed() => {
            metrics.connection_ended(Ending::InVain);
            tracing::debug!(peer = %address, "peer calls in vain too often, told to go away");
            Some(DISMISSAL)
        }
    };
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        () = serving.cut.cancelled() => {}
        ended = connection => tell_end(ended, address, &flooded, &metrics),
        what = overdue => tell_stall(what, address, &metrics),
        () = pass(grace) => tracing::info!(peer = %address, "peer did not go away, connection cut"),
    }
}

/// Ends when the time is over; without a time, never.
async fn pass(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

fn tell_end(ended: hyper::Result<()>, peer: Address, flooded: &Flooded, metrics: &Metrics) {
    if flooded.is_so() {
        metrics.connection_ended(Ending::Flood);
        tracing::info!(%peer, "connection closed: {Flood}");
    } else if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended with an error");
    }
}

fn tell_stall(what: Overdue, peer: Address, metrics: &Metrics) {
    metrics.connection_ended(Ending::Stall);
    tracing::info!(%peer, "connection closed: its peer takes nothing: {what}");
}

fn builder(limits: Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(limits.concurrent_streams)
        .max_pending_accept_reset_streams(PENDING_ACCEPT_RESETS)
        .max_local_error_reset_streams(LOCAL_ERROR_RESETS)
        .max_header_list_size(HEADER_LIST_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    builder
}

/// Counts a connection as open while it lives.
struct Open(Arc<Metrics>);

impl Open {
    fn count(metrics: Arc<Metrics>) -> Self {
        metrics.connection_opened();
        Self(metrics)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}
