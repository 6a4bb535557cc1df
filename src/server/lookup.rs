//! What policies may ask about pools and identities, looked up upstream.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::call::Target;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::layers::{Asking, Lookup, Tags};
use crate::upstream::{Outgoing, Upstream};

/// Asks upstream, within the time that the call has left.
pub(super) struct UpstreamLookup {
    pub(super) upstream: Arc<Upstream>,
    pub(super) clock: Clock,
}

impl Lookup for UpstreamLookup {
    fn pool_tags<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<Option<Tags>, Failure>> {
        async move {
            let now = self.clock.instant();
            let call = Outgoing {
                operation: asking.operation,
                target: asking.target.clone(),
                caller: asking.caller.clone(),
                region: asking.region.map(str::to_owned),
                pool_id: None,
                flow: asking.flow,
                held: Default::default(),
                left: asking.deadline.left(now),
                notes: Default::default(),
                tenant: None,
            };
            self.upstream.pool_tags(&call, asking.pool_id, now).await
        }
        .boxed()
    }

    fn pool_of(&self, target: &Target, identity_id: &str) -> Option<String> {
        let pool = self.upstream.pool_of(target, identity_id)?;
        Some(pool.to_string())
    }
}
