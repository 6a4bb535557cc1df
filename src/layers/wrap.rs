//! The plumbing of every layer.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use super::{Answer, Request, Response};

/// The rest of the way down.
pub type Next = Box<dyn FnOnce(Request) -> Answer + Send>;

/// A layer that sees both ways.
pub trait Wrap: Send + Sync + 'static {
    /// Answers `request`, as a rule by handing it to `next`.
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer;
}

/// Puts a [`Wrap`] around a service.
pub struct Around<W: ?Sized, S = ()> {
    wrap: Arc<W>,
    inner: S,
}

impl<W: Wrap> Around<W> {
    /// The layer of this wrap.
    pub fn new(wrap: W) -> Self {
        Self {
            wrap: Arc::new(wrap),
            inner: (),
        }
    }
}

impl<W: ?Sized, S: Clone> Clone for Around<W, S> {
    fn clone(&self) -> Self {
        Self {
            wrap: Arc::clone(&self.wrap),
            inner: self.inner.clone(),
        }
    }
}

impl<W, S> Layer<S> for Around<W> {
    type Service = Around<W, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Around {
            wrap: Arc::clone(&self.wrap),
            inner,
        }
    }
}

impl<W, S> Service<Request> for Around<W, S>
where
    W: Wrap,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was polled ready goes into the future, its clone stays
        // (https://docs.rs/tower/latest/tower/trait.Service.html#be-careful-when-cloning-inner-services).
        let clone = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, clone);
        let next: Next = Box::new(move |request| {
            ready
                .call(request)
                .map(|answer| match answer {
                    Ok(response) => response,
                    Err(never) => match never {},
                })
                .boxed()
        });
        Arc::clone(&self.wrap).around(request, next).map(Ok).boxed()
    }
}
