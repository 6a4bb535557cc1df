//! Tower layers, and nothing else: they look at a request, ask one engine and let
//! it pass or answer it. What stands where is `server/stack`'s to say.
//!
//! A layer is a [`Wrap`], which sees both ways, or a [`Gate`], which only lets
//! pass or refuses. The plumbing of both is in [`Around`], once.

mod authenticate;
mod authorize;
mod catch_panic;
mod context;
mod deadline;
mod flow;
mod gate;
mod holding;
mod inspect;
mod limit;
mod observe;
mod record;
mod route;
mod slot;
mod streams;
mod target;
mod wrap;

pub use authenticate::Authenticate;
pub use authorize::{Asking, Authorize, Judged, Lookup, Tags};
pub use catch_panic::CatchPanic;
pub use context::{Context, REQUEST_ID};
pub use deadline::Deadlines;
pub use flow::Flows;
pub use gate::{Gate, Gated};
pub use holding::Holding;
pub use inspect::Inspect;
pub use limit::{Brakes, Limits, PerAddress, Weights};
pub use observe::{Meter, Observe};
pub use record::{Intend, Record};
pub use route::{KnownService, Route};
pub use streams::{Lifetime, Streams};
pub use target::Targets;
pub use wrap::{Around, Next, Wrap};

use std::time::Duration;

use futures_util::future::BoxFuture;
use tonic::body::Body;

use crate::call::{Patience, RequestId};
use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::Operation;
use crate::status::{self, About};

/// A request on its way down.
pub type Request = http::Request<Body>;
/// An answer on its way up.
pub type Response = http::Response<Body>;
/// An answer to come.
pub type Answer = BoxFuture<'static, Response>;

/// What a refusal has to know about the request it refuses.
#[derive(Clone, Debug, Default)]
struct Refused {
    operation: Option<Operation>,
    request_id: Option<RequestId>,
    notes: Option<Notes>,
    patience: Option<Duration>,
}

impl Refused {
    fn of(request: &Request) -> Self {
        Self {
            operation: request.extensions().get().copied(),
            request_id: request.extensions().get().cloned(),
            notes: request.extensions().get().cloned(),
            patience: request
                .extensions()
                .get()
                .map(|Patience(patience)| *patience),
        }
    }

    /// A refusal is an answer.
    fn answer(&self, failure: &Failure) -> Response {
        let about = About {
            operation: self.operation,
            request_id: self.request_id.as_ref(),
            notes: self.notes.as_ref(),
            patience: self.patience,
        };
        status::report(failure, about).into_http()
    }
}
