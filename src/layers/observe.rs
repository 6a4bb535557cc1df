//! One line and one count for every call.

mod body;
mod messages;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tonic::body::Body;
use tracing::{Instrument, Span};

use super::{Answer, Next, Request, Wrap};
use crate::caller::{Address, Caller, Peer};
use crate::clock::Clock;
use crate::notes::Notes;
use crate::rpc::Rpc;
use crate::status::{self, Severity};
use crate::trace;
use body::Observed;
use messages::Received;

/// Where calls are counted.
pub trait Meter: Send + Sync + 'static {
    /// A call has begun.
    fn started(&self, rpc: Rpc);
    /// A call has ended with a gRPC code, in the word of
    /// [`status::code_name`]. Where its trace is exported, it is of this name.
    fn handled(&self, rpc: Rpc, code: &'static str, took: Duration, trace: Option<String>);
    /// So many messages of a caller have come.
    fn received(&self, rpc: Rpc, messages: u64);
    /// So many messages have gone to a caller.
    fn sent(&self, rpc: Rpc, messages: u64);
    /// A panic was caught.
    fn panicked(&self);
    /// A caller was told apart, or refused, by a way to prove who one is.
    fn authenticated(&self, method: &'static str, outcome: &'static str);
    /// Policies decided about a call of a method.
    fn authorized(&self, rpc: Rpc, decision: &'static str);
    /// Shadow policies would have decided so about a call of a method.
    fn shadowed(&self, rpc: Rpc, outcome: &'static str);
    /// A limit of this name decided about a call of a method.
    fn limited(&self, rpc: Rpc, limit: &str, decision: &'static str);
    /// A caller was counted together with others.
    fn crowded(&self);
    /// A call was refused because too many from its address had failed.
    fn braked(&self);
}

/// Counts and logs every call, of every service.
pub struct Observe {
    meter: Arc<dyn Meter>,
    clock: Clock,
}

impl Observe {
    /// Observes calls.
    pub fn new(meter: Arc<dyn Meter>, clock: Clock) -> Self {
        Self { meter, clock }
    }
}

impl Wrap for Observe {
    fn around(self: Arc<Self>, mut request: Request, next: Next) -> Answer {
        let rpc = Rpc::of_path(request.uri().path());
        let span = trace::of_call(rpc, request.headers());
        let mut call = Call {
            rpc,
            span: span.clone(),
            peer: request.extensions().get().map(|peer: &Peer| peer.address),
            started: self.clock.instant(),
            observe: Arc::clone(&self),
            notes: Notes::default(),
            ended: false,
        };
        // Inner rooms write on it, also when their answer never comes back here.
        request.extensions_mut().insert(call.notes.clone());
        self.meter.started(call.rpc);
        let request = request.map(|body| {
            let meter = Arc::clone(&self.meter);
            Body::new(Received::new(body, meter, rpc))
        });
        async move {
            let response = next(request).await;
            let (parts, body) = response.into_parts();
            if !parts.status.is_success() {
                call.end(status::code_name(None));
            } else if let Some(code) = status::code_in(&parts.headers) {
                call.end(code);
            }
            http::Response::from_parts(parts, Body::new(Observed::new(body, call)))
        }
        .instrument(span)
        .boxed()
    }
}

/// A call under way. One that is dropped before its end was cancelled.
struct Call {
    observe: Arc<Observe>,
    rpc: Rpc,
    span: Span,
    peer: Option<Address>,
    started: Instant,
    notes: Notes,
    ended: bool,
}

impl Call {
    fn end(&mut self, code: &'static str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let took = self
            .observe
            .clock
            .instant()
            .saturating_duration_since(self.started);
        let trace = trace::exported(&self.span).map(|id| id.to_string());
        self.observe.meter.handled(self.rpc, code, took, trace);
        let is_our_fault = status::severity(code) == Severity::Ours;
        trace::end_call(&self.span, code, is_our_fault);
        self.log(code, took);
    }

    fn log(&self, code: &'static str, took: Duration) {
        let Rpc {
            service, method, ..
        } = self.rpc;
        // Whole microseconds.
        let duration_ms = took.as_micros() as f64 / 1000.0;
        let peer = self.peer.map(tracing::field::display);
        let caller = self.notes.caller().map(Caller::id);
        let upstream_target = self.notes.target().and_then(|it| it.name.as_deref());
        let request_id = self.notes.request_id().map(|id| id.as_str());
        let aws_request_id = self.notes.aws_request_id();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    service,
                    method,
                    code,
                    duration_ms,
                    peer,
                    caller,
                    upstream_target,
                    request_id,
                    aws_request_id,
                    "{method} {code}"
                )
            };
        }
        // Probes come every few seconds and say nothing when all is well.
        match status::severity(code) {
            _ if self.rpc.is_infrastructure() => line!(debug),
            Severity::Expected | Severity::Gone => line!(info),
            Severity::Ours => line!(error),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(status::CANCELLED);
    }
}
