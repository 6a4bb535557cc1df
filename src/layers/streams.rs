//! How many streams of a kind are open at a time, and for how long.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use super::{Answer, Holding, Next, Refused, Request, Wrap};
use crate::caller::Peer;
use crate::failure::Failure;
use crate::rpc::Rpc;

/// Bounds the streams of one method, which anybody may open and which stay open as long as
/// their peer likes (reference: security, T-G7). Other methods pass.
///
/// The first stream of each connection is always opened: whoever is let in by the bound on
/// connections and asks for health as its service config tells it to would otherwise make no
/// call.
#[derive(Debug)]
pub struct Streams {
    method: &'static str,
    per_connection: usize,
    beyond: usize,
    /// How many each connection has open.
    open: Mutex<HashMap<Option<SocketAddr>, usize>>,
}

impl Streams {
    /// So many on each connection, and so many in all beyond the first of each.
    pub fn new(method: &'static str, per_connection: usize, beyond: usize) -> Self {
        Self {
            method,
            per_connection,
            beyond,
            open: Mutex::default(),
        }
    }

    fn open(self: &Arc<Self>, connection: Option<SocketAddr>) -> Result<Stream, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let beyond = || -> usize { open.values().map(|here| here.saturating_sub(1)).sum() };
        let refused = match open.get(&connection) {
            Some(here) if *here >= self.per_connection => Some(self.per_connection),
            Some(_) if beyond() >= self.beyond => Some(self.beyond),
            _ => None,
        };
        if let Some(limit) = refused {
            let method = self.method;
            return Err(Failure::TooManyStreams { method, limit });
        }
        *open.entry(connection).or_default() += 1;
        Ok(Stream {
            streams: Arc::clone(self),
            connection,
        })
    }
}

impl Wrap for Streams {
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer {
        if Rpc::of_path(request.uri().path()).method != self.method {
            return next(request);
        }
        let refused = Refused::of(&request);
        let connection = request
            .extensions()
            .get()
            .map(|peer: &Peer| peer.address.counted());
        match self.open(connection) {
            Err(failure) => std::future::ready(refused.answer(&failure)).boxed(),
            Ok(stream) => async move {
                let response = next(request).await;
                response.map(|body| Body::new(Holding::new(body, stream)))
            }
            .boxed(),
        }
    }
}

/// A stream that counts while it lives.
struct Stream {
    streams: Arc<Streams>,
    connection: Option<SocketAddr>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let open = &self.streams.open;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut here) = open.entry(self.connection) {
            match here.get().saturating_sub(1) {
                0 => drop(here.remove()),
                fewer => *here.get_mut() = fewer,
            }
        }
    }
}

/// Ends streams with DEADLINE_EXCEEDED after this time. A deadline of a call covers its
/// answer's beginning, and a stream's end may never come.
#[derive(Debug)]
pub struct Lifetime(pub Duration);

impl Wrap for Lifetime {
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer {
        let refused = Refused::of(&request);
        async move {
            let end = Box::pin(tokio::time::sleep(self.0));
            let response = next(request).await;
            response.map(|body| {
                Body::new(Ending {
                    body: Some(body),
                    end,
                    refused,
                })
            })
        }
        .boxed()
    }
}

/// A body that ends at its time.
struct Ending {
    /// Nothing, once it has ended.
    body: Option<Body>,
    end: Pin<Box<Sleep>>,
    refused: Refused,
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        match self.end.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.body = None;
                let answer = self.refused.answer(&Failure::DeadlineExceeded);
                let mut trailers = answer.into_parts().0.headers;
                trailers.remove(CONTENT_TYPE);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let body = self.body.as_ref();
        body.is_none_or(http_body::Body::is_end_stream)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn a_stream_has_a_place_on_its_connection_and_among_all() {
        let streams = Arc::new(Streams::new("Watch", 3, 2));
        let connection = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        let open = |port| streams.open(connection(port));
        let first = [(); 3].map(|()| open(1).ok().unwrap());

        let fourth = open(1).err();
        let _other = open(2).ok().unwrap();
        let third = open(2).err();

        let full = |limit| {
            Some(Failure::TooManyStreams {
                method: "Watch",
                limit,
            })
        };
        assert_eq!(fourth, full(3));
        assert_eq!(third, full(2));
        assert!(open(3).is_ok(), "the first of a connection");
        drop(first);
        assert!(open(2).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_connections_that_have_no_stream_open_any_more() {
        let streams = Arc::new(Streams::new("Watch", 2, 3));

        drop(streams.open(None));

        assert!(streams.open.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_does_not_end_is_ended_with_a_status() {
        let never = futures_util::stream::pending::<Result<Frame<Bytes>, Status>>();
        let endless = http_body_util::StreamBody::new(never);
        let next: Next =
            Box::new(|_| std::future::ready(http::Response::new(Body::new(endless))).boxed());
        let second = Duration::from_secs(1);

        let answer = Arc::new(Lifetime(second)).around(Request::default(), next);
        let body = answer.await.into_body().collect().await.unwrap();

        let trailers = body.trailers().unwrap();
        assert_eq!(trailers["grpc-status"], "4");
        assert!(!trailers.contains_key(CONTENT_TYPE));
    }
}
