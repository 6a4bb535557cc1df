//! One call: from hyper's request to the service and back.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt;

use super::Grpc;
use crate::caller::Peer;
use crate::rpc::Rpc;

/// Hands each request of a connection to the service, with its peer, and counts it
/// as open until its answer has been read to the end or dropped, if it is a caller's.
pub(super) struct Calls<S> {
    pub(super) service: S,
    pub(super) peer: Peer,
    pub(super) open: TaskTracker,
}

impl<S: Grpc> hyper::service::Service<Request<Incoming>> for Calls<S> {
    type Response = Response<Counted>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(tonic::body::Body::new);
        request.extensions_mut().insert(self.peer.clone());
        let service = self.service.clone();
        // Nobody loses anything when a probe or a stream of reflection is cut.
        let counts = !Rpc::of_path(request.uri().path()).is_infrastructure();
        let open = counts.then(|| self.open.token());
        Box::pin(async move {
            let response = service.oneshot(request).await?;
            Ok(response.map(|body| Counted { body, _open: open }))
        })
    }
}

/// An answer that counts as open while it lives.
pub(super) struct Counted {
    body: tonic::body::Body,
    _open: Option<TaskTrackerToken>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
