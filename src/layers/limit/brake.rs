//! A brake for addresses that send credentials which do not hold.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use futures_util::FutureExt;
use http::Extensions;

use crate::call::Connection;
use crate::caller::Peer;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::layers::{Answer, Meter, Next, Refused, Request, Wrap};
use crate::notes::Notes;
use crate::quota::Brake;

/// Answers RESOURCE_EXHAUSTED, before credentials are looked at, to addresses too many of
/// whose calls were answered UNAUTHENTICATED, and has connections closed that go on.
pub struct Brakes {
    brake: Arc<Brake>,
    meter: Arc<dyn Meter>,
    clock: Clock,
}

impl Brakes {
    /// Asks `brake`, and tells it who has failed.
    pub fn new(brake: Arc<Brake>, meter: Arc<dyn Meter>, clock: Clock) -> Self {
        Self {
            brake,
            meter,
            clock,
        }
    }

    /// The call has come to nothing.
    fn in_vain(&self, came: &Came) {
        let Came(Some(peer), Some(connection)) = came else {
            return;
        };
        if self
            .brake
            .is_enough(peer.address.counted(), self.clock.instant())
        {
            connection.dismiss();
        }
    }
}

/// What a call came on.
struct Came(Option<Peer>, Option<Connection>);

impl Came {
    fn of(extensions: &Extensions) -> Self {
        Self(extensions.get().cloned(), extensions.get().cloned())
    }

    /// What it counts as.
    fn address(&self) -> IpAddr {
        let address = self.0.as_ref().map(|peer| peer.address.counted().ip());
        address.unwrap_or(Ipv4Addr::UNSPECIFIED.into())
    }
}

impl Wrap for Brakes {
    fn around(self: Arc<Self>, mut request: Request, next: Next) -> Answer {
        let refused = Refused::of(&request);
        let came = Came::of(request.extensions());
        let address = came.address();
        let notes = request.extensions_mut().get_or_insert_default::<Notes>();
        let notes = notes.clone();
        async move {
            if let Some(wait) = self.brake.refusal(address, self.clock.instant()) {
                self.meter.braked();
                self.in_vain(&came);
                return refused.answer(&Failure::TooManyFailures { wait });
            }
            let response = next(request).await;
            if matches!(notes.failure(), Some(Failure::Unauthenticated { .. })) {
                self.brake.failed(address, self.clock.instant());
                self.in_vain(&came);
            }
            response
        }
        .boxed()
    }
}
