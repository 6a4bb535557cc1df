//! Gates: a decision in one function, `check`; the rest is here.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Answer, Next, Refused, Request, Wrap};
use crate::failure::Failure;

/// A layer that lets a request pass, changed in its extensions at most, or
/// refuses it.
pub trait Gate: Send + Sync + 'static {
    /// The decision.
    ///
    /// # Errors
    ///
    /// The failure the request is refused with.
    fn check(&self, request: Request) -> BoxFuture<'_, Result<Request, Failure>>;
}

/// Makes a gate a layer.
pub struct Gated<G>(pub G);

impl<G: Gate> Wrap for Gated<G> {
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer {
        async move {
            let refused = Refused::of(&request);
            match self.0.check(request).await {
                Ok(request) => next(request).await,
                Err(failure) => refused.answer(&failure),
            }
        }
        .boxed()
    }
}
