//! The emulator's own listener: AWS's protocols over HTTP/1.1, for every AWS SDK and
//! the AWS CLI.
//!
//! Header names go out in lower case, as HTTP/2 has them: HTTP gives their case no
//! meaning, and hyper spells either all in lower case or none as AWS does.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listen;
use crate::emulator::{Emulator, HalfBody, Reply, front};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Refusal;

/// Where AWS emulators are usually found.
pub const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);

const MAX_CONNECTIONS: usize = 1000;
/// How long a connection may be silent, between requests too.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Up to here a body that is too large is read and thrown away, so that its sender,
/// who does not look up before it has sent all, gets the answer.
const MOST_DISCARDED_BYTES: usize = 32 * 1024 * 1024;
/// What all bodies together may take while they are read.
const MOST_BYTES_OF_ALL: usize = 32 * 1024 * 1024;

/// What an operator sets about the emulator's listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens; nothing when it is closed.
    pub listen: Option<SocketAddr>,
}

/// The listener at work. Dropping it does not end it.
#[derive(Clone, Debug)]
pub struct AwsPort {
    stopped: CancellationToken,
    cut: CancellationToken,
    accepting: TaskTracker,
    connections: TaskTracker,
    /// A permit for each byte of a body.
    room: Arc<Semaphore>,
}

/// What has come of a request's body.
enum Body {
    Whole(Bytes, Option<OwnedSemaphorePermit>),
    TooLarge,
    /// Others take all the room there is.
    NoRoom,
}

/// Serves the emulator on every connection of `listener`, in tasks of their own.
pub fn serve(listener: TcpListener, emulator: Arc<Emulator>, metrics: Arc<Metrics>) -> AwsPort {
    let port = AwsPort {
        stopped: CancellationToken::new(),
        cut: CancellationToken::new(),
        accepting: TaskTracker::new(),
        connections: TaskTracker::new(),
        room: Arc::new(Semaphore::new(MOST_BYTES_OF_ALL)),
    };
    let accepting = accept_all(listener, emulator, metrics, port.clone());
    port.accepting.spawn(accepting);
    port.accepting.close();
    port
}

impl AwsPort {
    /// Accepts nothing further and waits for the requests under way, `grace` at most;
    /// then cuts what is left and says how many connections that were.
    pub async fn end(&self, grace: Duration) -> usize {
        self.stopped.cancel();
        // Whoever uses the data directory next finds nobody in it.
        self.accepting.wait().await;
        self.connections.close();
        // What is left when the time is over is cut and counted next.
        let _ = timeout(grace, self.connections.wait()).await;
        let left = self.connections.len();
        self.cut.cancel();
        self.connections.wait().await;
        left
    }
}

async fn accept_all(
    listener: TcpListener,
    emulator: Arc<Emulator>,
    metrics: Arc<Metrics>,
    port: AwsPort,
) {
    loop {
        let stream = tokio::select! {
            biased;
            () = port.stopped.cancelled() => return,
            stream = listen::accept(&listener, &metrics) => stream,
        };
        if port.connections.len() >= MAX_CONNECTIONS {
            metrics.connection_refused(Refusal::Limit);
            continue;
        }
        let connection = connection(stream, Arc::clone(&emulator), port.clone());
        port.connections.spawn(connection);
    }
}

async fn connection(stream: TcpStream, emulator: Arc<Emulator>, port: AwsPort) {
    let room = Arc::clone(&port.room);
    let service =
        service_fn(move |request| answer(Arc::clone(&emulator), Arc::clone(&room), request));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
    );
    // A client that hangs up half-way is its own affair.
    tokio::select! {
        biased;
        () = port.cut.cancelled() => {}
        _ = connection.as_mut() => {}
        () = port.stopped.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                () = port.cut.cancelled() => {}
                _ = connection => {}
            }
        }
    }
}

/// An error closes the connection without an answer.
async fn answer(
    emulator: Arc<Emulator>,
    room: Arc<Semaphore>,
    request: Request<Incoming>,
) -> Result<Response<Either<Full<Bytes>, HalfBody>>, Box<dyn Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let reply = match timeout(BODY_TIMEOUT, read(body, &room)).await {
        Ok(Ok(Body::Whole(body, _room))) => emulator.serve(Request::from_parts(head, body)).await,
        Ok(Ok(Body::TooLarge)) => Reply::Whole(front::too_large()),
        // SDKs make such a request again.
        Ok(Ok(Body::NoRoom)) => empty(StatusCode::SERVICE_UNAVAILABLE),
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => empty(StatusCode::REQUEST_TIMEOUT),
    };
    match reply {
        Reply::Whole(response) => Ok(response.map(|body| Either::Left(Full::new(body)))),
        Reply::Cut(response) => Ok(response.map(Either::Right)),
        Reply::Lost => Err("a rule wants the connection lost".into()),
    }
}

fn empty(status: StatusCode) -> Reply {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    Reply::Whole(response)
}

/// The whole body, if there is room for it.
async fn read(mut body: Incoming, room: &Arc<Semaphore>) -> Result<Body, hyper::Error> {
    let mut whole = BytesMut::new();
    let mut taken: Option<OwnedSemaphorePermit> = None;
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= front::MOST_BODY_BYTES {
            let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
            let Ok(more) = Arc::clone(room).try_acquire_many_owned(bytes) else {
                return Ok(Body::NoRoom);
            };
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
            whole.extend_from_slice(&data);
        } else if length <= MOST_DISCARDED_BYTES {
            (whole, taken) = (BytesMut::new(), None);
        } else {
            break;
        }
    }
    Ok(match length <= front::MOST_BODY_BYTES {
        true => Body::Whole(whole.freeze(), taken),
        false => Body::TooLarge,
    })
}
