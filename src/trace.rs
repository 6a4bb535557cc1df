//! Spans of a call, for traces: one for the call, below it one for each gate and one for
//! each attempt at AWS.
//!
//! Names and attributes are OpenTelemetry's for RPC and for AWS SDKs
//! (<https://opentelemetry.io/docs/specs/semconv/rpc/>); context comes and goes as W3C says
//! (<https://www.w3.org/TR/trace-context/>). Where no traces are exported spans are switched
//! off, which costs next to nothing. No span holds what a caller sent beyond its trace.

use http::HeaderMap;
use opentelemetry::TraceId;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::rpc::Rpc;

/// What spans of this module have as their target, and nothing else.
pub const TARGET: &str = "poolgate::trace";

/// The service as AWS SDKs call it.
const AWS_SERVICE: &str = "CognitoIdentity";

/// The span of a call, below the one that its caller's headers name.
pub fn of_call(rpc: Rpc, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "call",
        otel.name = field::Empty,
        otel.kind = "server",
        otel.status_code = field::Empty,
        rpc.system.name = "grpc",
        rpc.method = field::Empty,
        rpc.status_code = field::Empty,
        error.type = field::Empty,
    );
    if !span.is_disabled() {
        let method = format!("{}/{}", rpc.service, rpc.method);
        span.record("otel.name", &method);
        span.record("rpc.method", &method);
        let parent = TraceContextPropagator::new().extract(&Received(headers));
        // Fails for a span that has begun already, and this one has not.
        let _ = span.set_parent(parent);
    }
    span
}

/// Notes how a call ended.
pub fn end_call(span: &Span, code: &'static str, is_our_fault: bool) {
    span.record("rpc.status_code", code);
    if is_our_fault {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", code);
    }
}

/// The name of the trace that a span belongs to, if it is exported.
pub fn exported(span: &Span) -> Option<TraceId> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    (context.is_valid() && context.is_sampled()).then(|| context.trace_id())
}

/// The name of the trace that a call belongs to: that of the span that is entered, or where
/// it has none, because no traces are exported, the one that the headers name.
pub fn current(headers: &HeaderMap) -> Option<TraceId> {
    let id = |context: opentelemetry::Context| {
        let context = context.span().span_context().clone();
        context.is_valid().then(|| context.trace_id())
    };
    let named = || TraceContextPropagator::new().extract(&Received(headers));
    id(Span::current().context()).or_else(|| id(named()))
}

/// The span of a gate, below the one that is entered.
pub fn of_gate(name: &'static str) -> Span {
    tracing::info_span!(target: TARGET, "gate", otel.name = name)
}

/// The span of an attempt at AWS, below the one that is entered. The attempts of a call are
/// counted from 1.
pub fn of_attempt(operation: &str, attempt: u32) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "attempt",
        otel.name = field::Empty,
        otel.kind = "client",
        otel.status_code = field::Empty,
        rpc.system.name = "aws-api",
        rpc.method = field::Empty,
        http.request.resend_count = field::Empty,
        http.response.status_code = field::Empty,
        aws.request_id = field::Empty,
        error.type = field::Empty,
    );
    if !span.is_disabled() {
        let method = format!("{AWS_SERVICE}.{operation}");
        span.record("otel.name", &method);
        span.record("rpc.method", &method);
        if attempt > 1 {
            span.record("http.request.resend_count", attempt - 1);
        }
    }
    span
}

/// Notes how an attempt was answered; without a status, it was not.
pub fn end_attempt(span: &Span, http_status: Option<u16>, aws_request_id: Option<&str>) {
    if let Some(id) = aws_request_id {
        span.record("aws.request_id", id);
    }
    match http_status {
        Some(status) => {
            span.record("http.response.status_code", status);
            if status >= 400 {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", status);
            }
        }
        None => {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", "no_answer");
        }
    }
}

/// The headers that make whoever receives them part of the span's trace; none where the
/// span is switched off.
pub fn headers(span: &Span) -> Vec<(String, String)> {
    let mut sent = Sent::default();
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut sent);
    }
    sent.0
}

struct Received<'a>(&'a HeaderMap);

impl Extractor for Received<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[derive(Default)]
struct Sent(Vec<(String, String)>);

impl Injector for Sent {
    fn set(&mut self, name: &str, value: String) {
        if !value.is_empty() {
            self.0.push((name.to_owned(), value));
        }
    }
}
