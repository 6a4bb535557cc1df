//! The order of the layers: of two things that are wrong, the outer layer's is
//! the one that is answered.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use http_body_util::Full;
use poolgate::call::Target;
use poolgate::caller::Caller;
use poolgate::clock::Clock;
use poolgate::failure::Failure;
use poolgate::layers::{
    Answer, Around, Asking, Authorize, CatchPanic, Gate, Gated, Judged, Lookup, Next, Request,
    Tags, Wrap,
};
use poolgate::operation::Operation;
use poolgate::policy::{Engine, Policies};
use poolgate::quota::{self, InForce, Limits};
use prost::Message;
use tonic::Code;
use tonic::body::Body;
use tonic_types::StatusExt;
use tower::{ServiceBuilder, ServiceExt};

use crate::support::app::{App, Counts};
use crate::support::examples::frame;
use crate::support::guarded::EVERYTHING;
use crate::support::house::{Rules, token};
use crate::support::wire::Wire;

/// The stack's layers from the outside in, each by the answer it alone gives.
#[tokio::test]
async fn the_outer_of_two_refusals_is_the_answer() {
    let path = Operation::DescribeIdentityPool.path();
    let unknown = "/cognito.identity.v1.CognitoIdentityService/Nothing";
    let bad_message = frame(b"\xff\xff");
    let bad_field = frame(&poolgate::pb::DescribeIdentityPoolRequest::default().encode_to_vec());
    let cases = [
        (
            "context before route",
            unknown,
            "application/json",
            "1S",
            &bad_message,
            Err(415),
        ),
        (
            "route before deadline",
            unknown,
            "application/grpc",
            "soon",
            &bad_message,
            Ok("UNKNOWN_METHOD"),
        ),
        (
            "deadline before inspect",
            path,
            "application/grpc",
            "soon",
            &bad_message,
            Ok("INVALID_TIMEOUT"),
        ),
        (
            "a spent deadline before inspect",
            path,
            "application/grpc",
            "0S",
            &bad_message,
            Ok("DEADLINE_EXCEEDED"),
        ),
        (
            "inspect: the message",
            path,
            "application/grpc",
            "1S",
            &bad_message,
            Ok("MALFORMED_MESSAGE"),
        ),
        (
            "inspect before the service",
            path,
            "application/grpc",
            "1S",
            &bad_field,
            Ok("INVALID_FIELDS"),
        ),
    ];
    for (why, path, content_type, timeout, body, expected) in cases {
        let wire = Wire::echo();
        let app = App::wire(&wire).await;
        let request = http::Request::post(path)
            .header("content-type", content_type)
            .header("te", "trailers")
            .header("grpc-timeout", timeout)
            .body(Body::new(Full::from(body.clone())))
            .unwrap();

        let response = app.stack.clone().oneshot(request).await.unwrap();

        assert!(response.headers().contains_key("x-request-id"), "{why}");
        match expected {
            Err(http_status) => assert_eq!(response.status(), http_status, "{why}"),
            Ok(reason) => {
                let status = tonic::Status::from_header_map(response.headers()).unwrap();
                let info = status.get_details_error_info().unwrap();
                assert_eq!(info.reason, reason, "{why}");
            }
        }
        assert_eq!(
            app.meter.handled().len(),
            1,
            "{why}: observe sees every answer"
        );
        assert!(wire.sent().is_empty(), "{why}");
    }
}

/// Strangers' messages are not read, and only what was read is judged.
#[tokio::test]
async fn who_calls_comes_before_what_and_whether_it_may_comes_last() {
    let bad_message = frame(b"\xff\xff");
    let bad_field = frame(&poolgate::pb::DescribeIdentityPoolRequest::default().encode_to_vec());
    let good = frame(
        &poolgate::pb::DescribeIdentityPoolRequest {
            identity_pool_id: "us-east-1:0a".to_owned(),
        }
        .encode_to_vec(),
    );
    let known = format!("Bearer {}", token("ann"));
    for (why, authorization, timeout, body, reason) in [
        (
            "deadline before authenticate",
            "Bearer x",
            "soon",
            &good,
            "INVALID_TIMEOUT",
        ),
        (
            "authenticate before inspect",
            "Bearer x",
            "1S",
            &bad_message,
            "UNAUTHENTICATED",
        ),
        (
            "inspect before authorize",
            &known,
            "1S",
            &bad_field,
            "INVALID_FIELDS",
        ),
        (
            "authorize before the service",
            &known,
            "1S",
            &good,
            "NO_POLICY_PERMITS",
        ),
    ] {
        let wire = Wire::echo();
        let rules = Rules::new(
            "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n",
            &["ann"],
            r#"@id("lists") permit (principal, action == Poolgate::Action::"ListIdentityPools", resource);"#,
        );
        let directory = tempfile::TempDir::new().unwrap();
        let engines = rules.engines(&directory);
        let (settings, upstream) = Default::default();
        let app = App::ruled(settings, upstream, wire.client(), engines).await;
        let request = http::Request::post(Operation::DescribeIdentityPool.path())
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-timeout", timeout)
            .header("authorization", authorization)
            .body(Body::new(Full::from(body.clone())))
            .unwrap();

        let response = app.stack.clone().oneshot(request).await.unwrap();

        let status = tonic::Status::from_header_map(response.headers()).unwrap();
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, reason, "{why}");
        assert!(wire.sent().is_empty(), "{why}");
    }
}

/// Who has used up a limit costs no reading, what is dear costs no policies, and what is
/// known of a call only by its message is charged after it was read.
#[tokio::test]
async fn how_often_comes_after_who_and_before_what_but_for_what_a_message_weighs() {
    let bad_message = frame(b"\xff\xff");
    let delete = |identities: usize| {
        let ids = vec!["us-east-1:00000000-0000-4000-8000-000000000000".to_owned(); identities];
        let request = poolgate::pb::DeleteIdentitiesRequest {
            identity_ids_to_delete: ids,
        };
        frame(&request.encode_to_vec())
    };
    for (why, before, who, body, reason) in [
        (
            "authenticate before limit",
            5,
            "eve",
            &bad_message,
            "UNAUTHENTICATED",
        ),
        (
            "limit before inspect",
            5,
            "ann",
            &bad_message,
            "RATE_LIMIT_EXCEEDED",
        ),
        (
            "inspect before weights",
            0,
            "ann",
            &bad_message,
            "MALFORMED_MESSAGE",
        ),
        (
            "weights before authorize",
            0,
            "ann",
            &delete(60),
            "CALL_ABOVE_LIMIT",
        ),
        (
            "the least and the rest",
            2,
            "ann",
            &delete(40),
            "RATE_LIMIT_EXCEEDED",
        ),
        ("then authorize", 1, "ann", &delete(40), "POLICY_FORBIDS"),
    ] {
        let rules = Rules::new(
            "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n",
            &["ann"],
            r#"@id("lists") permit (principal, action == Poolgate::Action::"ListIdentityPools", resource);"#,
        );
        let limits =
            "[[limits]]\nname = \"writes\"\neffects = [\"write\"]\nwindows = [\"5/day\"]\n";
        let limits = quota::Settings {
            limits: Limits::parse(limits).unwrap(),
            in_force: InForce::Always,
            ..Default::default()
        };
        let directory = tempfile::TempDir::new().unwrap();
        let engines = rules.engines(&directory);
        let wire = Wire::echo();
        let (settings, upstream) = Default::default();
        let app = App::limited(settings, upstream, wire.client(), engines, limits).await;
        let call = async |who: &str, body: &[u8]| {
            let request = http::Request::post(Operation::DeleteIdentities.path())
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("authorization", format!("Bearer {}", token(who)))
                .body(Body::new(Full::from(body.to_owned())))
                .unwrap();
            let response = app.stack.clone().oneshot(request).await.unwrap();
            let status = tonic::Status::from_header_map(response.headers()).unwrap();
            status.get_details_error_info().unwrap().reason
        };
        for _ in 0..before {
            assert_eq!(call("ann", &delete(1)).await, "POLICY_FORBIDS", "{why}");
        }

        assert_eq!(call(who, body).await, reason, "{why}");
        assert!(wire.sent().is_empty(), "{why}");
    }
}

/// A body that never comes is under the deadline too.
#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_reading_of_the_message() {
    let app = App::wire(&Wire::echo()).await;
    let never = http_body_util::StreamBody::new(futures_util::stream::pending::<
        Result<http_body::Frame<bytes::Bytes>, tonic::Status>,
    >());
    let request = http::Request::post(Operation::GetId.path())
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "50m")
        .body(Body::new(never))
        .unwrap();

    let response = app.stack.clone().oneshot(request).await.unwrap();

    let status = tonic::Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(app.meter.handled(), [("GetId", "DeadlineExceeded")]);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_next_call_works() {
    let panics = Arc::new(Mutex::new(0));
    let count = Arc::clone(&panics);
    let service = ServiceBuilder::new()
        .layer(Around::new(CatchPanic::new(move || {
            *count.lock().unwrap() += 1
        })))
        .layer(Around::new(PanicsOnce(Mutex::new(true))))
        .service_fn(|_: Request| async { Ok(http::Response::new(Body::empty())) });
    let request = || http::Request::post("/").body(Body::empty()).unwrap();

    let first = service.clone().oneshot(request()).await.unwrap();
    let second = service.oneshot(request()).await.unwrap();

    let status = tonic::Status::from_header_map(first.headers()).unwrap();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "poolgate failed")
    );
    assert_eq!(*panics.lock().unwrap(), 1);
    assert!(second.headers().get("grpc-status").is_none());
}

#[tokio::test]
async fn a_gate_lets_pass_or_answers() {
    struct Even;
    impl Gate for Even {
        const NAME: &'static str = "even";

        fn check(
            &self,
            request: Request,
        ) -> futures_util::future::BoxFuture<'_, Result<Request, Failure>> {
            async move {
                match request.uri().path().len() % 2 {
                    0 => Ok(request),
                    _ => Err(Failure::UnknownMethod),
                }
            }
            .boxed()
        }
    }
    let service = ServiceBuilder::new()
        .layer(Around::new(Gated(Even)))
        .service_fn(|_: Request| async { Ok(http::Response::new(Body::empty())) });
    let request = |path: &str| http::Request::post(path).body(Body::empty()).unwrap();

    let passed = service.clone().oneshot(request("/a")).await.unwrap();
    let refused = service.oneshot(request("/ab")).await.unwrap();

    assert!(passed.headers().get("grpc-status").is_none());
    assert_eq!(refused.headers().get("grpc-status").unwrap(), "12");
}

/// A slot that is empty is a defect; it is never taken for a call that names no operation.
#[tokio::test]
async fn a_call_whose_operation_no_layer_told_is_not_judged_as_another() {
    struct Nothing;
    impl Lookup for Nothing {
        fn pool_tags<'a>(
            &'a self,
            _: Asking<'a>,
        ) -> futures_util::future::BoxFuture<'a, Result<Option<Tags>, Failure>> {
            async { Ok(None) }.boxed()
        }

        fn pool_of(&self, _: &Target, _: &str) -> Option<String> {
            None
        }
    }
    let directory = tempfile::TempDir::new().unwrap();
    let (_, settings) = Rules::new(
        "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n",
        &["ann"],
        EVERYTHING,
    )
    .engines(&directory);
    let engine = Arc::new(Engine::new(Policies::load(&settings).unwrap()));
    let check = async |judged| {
        let (engine, meter) = (Arc::clone(&engine), Arc::new(Counts::default()));
        let gate = Authorize::new(engine, Arc::new(Nothing), meter, Clock::system(), judged);
        let mut request = http::Request::post("/").body(Body::empty()).unwrap();
        request.extensions_mut().insert(Caller::anonymous());
        gate.check(request).await.map(|_| ())
    };

    let told = check(Judged::Reflection).await;
    let untold = check(Judged::Operations).await;

    assert_eq!(told, Ok(()));
    assert!(
        matches!(untold, Err(Failure::Internal { .. })),
        "{untold:?}"
    );
}

struct PanicsOnce(Mutex<bool>);

impl Wrap for PanicsOnce {
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer {
        let now = std::mem::take(&mut *self.0.lock().unwrap());
        async move {
            assert!(!now, "planted");
            next(request).await
        }
        .boxed()
    }
}
