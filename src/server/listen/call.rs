//! One call: from hyper's request to the service and back.

use std::convert::Infallible;
use std::pin::Pin;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt;

use super::Grpc;
use crate::caller::Peer;
use crate::layers::Holding;
use crate::rpc::Rpc;

/// Hands each request of a connection to the service, with its peer, and counts it
/// as open until its answer has been read to the end or dropped, if it is a caller's.
pub(super) struct Calls<S> {
    pub(super) service: S,
    pub(super) peer: Peer,
    pub(super) open: TaskTracker,
}

impl<S: Grpc> hyper::service::Service<Request<Incoming>> for Calls<S> {
    type Response = Response<Holding<Option<TaskTrackerToken>>>;
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
            Ok(response.map(|body| Holding::new(body, open)))
        })
    }
}
