//! One call: from hyper's request to the service and back.

use std::convert::Infallible;
use std::pin::Pin;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt;

use super::Grpc;
use super::life::UnderWay;
use super::owed::{Answer, Owed};
use crate::call::Connection;
use crate::caller::Peer;
use crate::layers::Holding;
use crate::rpc::Rpc;

/// Hands each request of a connection to the service, with its peer, and counts it
/// as open until its answer has been read to the end or dropped, if it is a caller's.
pub(super) struct Calls<S> {
    pub(super) service: S,
    pub(super) peer: Peer,
    pub(super) connection: Connection,
    pub(super) owed: Owed,
    pub(super) open: TaskTracker,
    /// How many are under way on this connection, of whatever service.
    pub(super) under_way: watch::Sender<usize>,
}

/// What counts a call while it lives.
type Open = (UnderWay, Option<TaskTrackerToken>);

impl<S: Grpc> hyper::service::Service<Request<Incoming>> for Calls<S> {
    type Response = Response<Answer<Holding<Open>>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(tonic::body::Body::new);
        request.extensions_mut().insert(self.peer.clone());
        request.extensions_mut().insert(self.connection.clone());
        let (service, owed) = (self.service.clone(), self.owed.clone());
        // Nobody loses anything when a probe or a stream of reflection is cut.
        let counts = !Rpc::of_path(request.uri().path()).is_infrastructure();
        let open = (
            UnderWay::new(&self.under_way),
            counts.then(|| self.open.token()),
        );
        Box::pin(async move {
            let response = service.oneshot(request).await?;
            Ok(response.map(|body| Answer::new(Holding::new(body, open), owed)))
        })
    }
}
