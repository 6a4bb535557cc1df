//! How often an address may do what nobody has to say who it is for.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::layers::slot::peer;
use crate::layers::{Gate, Request};
use crate::quota::Addresses;

/// Answers RESOURCE_EXHAUSTED to addresses that call too often, whoever calls from there.
pub struct PerAddress {
    addresses: Arc<Addresses>,
    clock: Clock,
}

impl PerAddress {
    /// Asks `addresses`.
    pub fn new(addresses: Arc<Addresses>, clock: Clock) -> Self {
        Self { addresses, clock }
    }
}

impl Gate for PerAddress {
    const NAME: &'static str = "limit addresses";

    fn check(&self, request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let from = peer(request.extensions());
            self.addresses.take(from, self.clock.instant())?;
            Ok(request)
        }
        .boxed()
    }
}
