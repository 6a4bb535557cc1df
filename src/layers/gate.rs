//! Gates: a decision in one function, `check`; the rest is here.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use tracing::Instrument;

use super::{Answer, Next, Refused, Request, Wrap};
use crate::failure::Failure;
use crate::trace;

/// A layer that lets a request pass, changed in its extensions at most, or
/// refuses it.
pub trait Gate: Send + Sync + 'static {
    /// What its span is called in a trace.
    const NAME: &'static str;

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
            match self
                .0
                .check(request)
                .instrument(trace::of_gate(G::NAME))
                .await
            {
                Ok(request) => next(request).await,
                Err(failure) => refused.answer(&failure),
            }
        }
        .boxed()
    }
}
