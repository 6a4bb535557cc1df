//! Whose calls take turns with whose.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::slot::{peer, slot};
use super::{Gate, Request};
use crate::call::Flow;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::quota::Guard;

/// Fills the slot [`Flow`], by which a call takes its turn at the account's quotas further
/// down, where nothing is known of callers. Where nobody guards the quotas, all calls are of
/// one flow.
pub struct Flows(Option<Arc<Guard>>);

impl Flows {
    /// Asks `guard`.
    pub fn new(guard: Option<Arc<Guard>>) -> Self {
        Self(guard)
    }
}

impl Gate for Flows {
    const NAME: &'static str = "take a turn";

    fn check(&self, mut request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let extensions = request.extensions_mut();
            let flow = match &self.0 {
                Some(guard) => guard.flow(slot::<Caller>(extensions)?, peer(extensions)),
                None => Flow::default(),
            };
            extensions.insert(flow);
            Ok(request)
        }
        .boxed()
    }
}
