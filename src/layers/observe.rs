//! One line and one count for every call.

mod body;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tonic::body::Body;

use super::{Answer, Next, REQUEST_ID, Request, Response, Wrap};
use crate::clock::Clock;
use crate::notes::AWS_REQUEST_ID;
use crate::rpc::Rpc;
use crate::status::{self, Severity};
use body::Observed;

/// Where calls are counted.
pub trait Meter: Send + Sync + 'static {
    /// A call has begun.
    fn started(&self, rpc: Rpc);
    /// A call has ended with a gRPC code, in the word of
    /// [`status::code_name`].
    fn handled(&self, rpc: Rpc, code: &'static str, took: Duration);
    /// A panic was caught.
    fn panicked(&self);
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
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer {
        let mut call = Call {
            rpc: Rpc::of_path(request.uri().path()),
            started: self.clock.instant(),
            observe: Arc::clone(&self),
            request_id: String::new(),
            aws_request_id: None,
            ended: false,
        };
        self.meter.started(call.rpc);
        async move {
            let response = next(request).await;
            call.request_id = text(&response, REQUEST_ID.as_str()).unwrap_or_default();
            call.aws_request_id = text(&response, AWS_REQUEST_ID);
            let (parts, body) = response.into_parts();
            if !parts.status.is_success() {
                call.end(status::code_name(None));
            } else if let Some(code) = parts.headers.get(status::GRPC_STATUS) {
                call.end(status::code_name(code.to_str().ok()));
            }
            http::Response::from_parts(parts, Body::new(Observed::new(body, call)))
        }
        .boxed()
    }
}

fn text(response: &Response, header: &str) -> Option<String> {
    let value = response.headers().get(header)?;
    value.to_str().ok().map(str::to_owned)
}

/// A call under way. One that is dropped before its end was cancelled.
struct Call {
    observe: Arc<Observe>,
    rpc: Rpc,
    started: Instant,
    request_id: String,
    aws_request_id: Option<String>,
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
        self.observe.meter.handled(self.rpc, code, took);
        self.log(code, took);
    }

    fn log(&self, code: &'static str, took: Duration) {
        let Rpc {
            service, method, ..
        } = self.rpc;
        // Whole microseconds.
        let duration_ms = took.as_micros() as f64 / 1000.0;
        let request_id = self.request_id.as_str();
        let aws_request_id = self.aws_request_id.as_deref();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    service,
                    method,
                    code,
                    duration_ms,
                    request_id,
                    aws_request_id,
                    "{method} {code}"
                )
            };
        }
        // Probes come every few seconds and say nothing when all is well.
        match status::severity(code) {
            Severity::Expected if self.rpc.is_infrastructure() => line!(debug),
            Severity::Expected => line!(info),
            Severity::Gone => line!(debug),
            Severity::Ours => line!(error),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(status::CANCELLED);
    }
}
