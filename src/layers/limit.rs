//! How often callers may.

mod addresses;
mod brake;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Extensions, HeaderName, HeaderValue};
use tonic::body::Body;

use super::slot::{peer, slot};
use super::{Answer, Gate, Holding, Meter, Next, Refused, Request, Response, Wrap};
use crate::call::{Held, Subject};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::notes::{Allowance, Notes};
use crate::operation::Operation;
use crate::quota::{Admitted, Asked, Decision, Limiter, Ruling, least_weight, weight};
use crate::rpc::Rpc;

pub use addresses::PerAddress;
pub use brake::Brakes;

/// How much a limit admits at once, how much of it is left, and in how many seconds all of
/// it may be had again. The names are those of the IETF's draft
/// (<https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06>).
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Answers RESOURCE_EXHAUSTED to callers who are over a limit, and tells all others in the
/// headers of every answer what is left to them.
///
/// It stands below the layers that fill in caller and operation. A call is under way from
/// here until its answer has been read, and as long as it is carried on when its caller has
/// gone.
#[derive(Clone)]
pub struct Limits {
    limiter: Arc<Limiter>,
    meter: Arc<dyn Meter>,
    clock: Clock,
}

/// The same for what a call weighs beyond the least of its operation, which only its
/// message tells. It stands below the layer that reads the message.
pub struct Weights(pub Limits);

impl Limits {
    /// Asks `limiter`.
    pub fn new(limiter: Arc<Limiter>, meter: Arc<dyn Meter>, clock: Clock) -> Self {
        Self {
            limiter,
            meter,
            clock,
        }
    }

    async fn admit(&self, extensions: &Extensions) -> Result<Admitted, Failure> {
        let asked = self.asked(extensions)?;
        let weight = least_weight(asked.operation);
        let ruling = self.limiter.decide(&asked, weight).await;
        self.tell(extensions, asked.operation, ruling)
    }

    async fn admit_rest(&self, extensions: &Extensions) -> Result<Admitted, Failure> {
        let asked = self.asked(extensions)?;
        let subject = slot::<Arc<Subject>>(extensions)?;
        let charged = least_weight(asked.operation);
        let weight = weight(asked.operation, subject);
        if weight <= charged {
            return Ok(Admitted::default());
        }
        let ruling = self.limiter.decide_rest(&asked, charged, weight).await;
        self.tell(extensions, asked.operation, ruling)
    }

    fn asked<'a>(&self, extensions: &'a Extensions) -> Result<Asked<'a>, Failure> {
        Ok(Asked {
            caller: slot::<Caller>(extensions)?,
            peer: peer(extensions),
            operation: *slot::<Operation>(extensions)?,
            at: self.clock.instant(),
        })
    }

    /// Counts what was decided, and notes what is left.
    fn tell(
        &self,
        extensions: &Extensions,
        operation: Operation,
        ruling: Ruling,
    ) -> Result<Admitted, Failure> {
        let rpc = Rpc::of_operation(operation);
        for judged in &ruling.judged {
            self.meter
                .limited(rpc, &judged.limit, word(judged.decision));
        }
        if ruling.shared {
            self.meter.crowded();
        }
        if let (Some(notes), Some(allowance)) = (extensions.get::<Notes>(), ruling.allowance) {
            notes.set_allowance(allowance);
        }
        ruling.outcome
    }
}

impl Wrap for Limits {
    fn around(self: Arc<Self>, mut request: Request, next: Next) -> Answer {
        let refused = Refused::of(&request);
        let notes = request.extensions_mut().get_or_insert_default::<Notes>();
        let notes = notes.clone();
        async move {
            let mut response = match self.admit(request.extensions()).await {
                Err(failure) => refused.answer(&failure),
                Ok(admitted) => {
                    let held = Held::new(admitted.permits);
                    request.extensions_mut().insert(held.clone());
                    let response = next(request).await;
                    response.map(|body| Body::new(Holding::new(body, held)))
                }
            };
            if let Some(allowance) = notes.allowance() {
                add_headers(&mut response, &allowance);
            }
            response
        }
        .boxed()
    }
}

impl Gate for Weights {
    const NAME: &'static str = "weigh";

    fn check(&self, request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            self.0.admit_rest(request.extensions()).await?;
            Ok(request)
        }
        .boxed()
    }
}

fn add_headers(response: &mut Response, allowance: &Allowance) {
    // A part of a second counts as a whole one, so that nobody is early.
    let reset = allowance.full_in.as_nanos().div_ceil(1_000_000_000);
    let reset = u64::try_from(reset).unwrap_or(u64::MAX);
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(allowance.most));
    headers.insert(REMAINING, HeaderValue::from(allowance.left));
    headers.insert(RESET, HeaderValue::from(reset));
}

/// The decision in one word.
fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Admitted => "admitted",
        Decision::Refused => "refused",
        Decision::ShadowAdmitted => "shadow_admitted",
        Decision::ShadowRefused => "shadow_refused",
    }
}
