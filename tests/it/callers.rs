//! Who calls, as callers see it on a real socket: one answer whatever was wrong, the
//! name of the policy that refuses, and nothing that a header could pretend.

use poolgate::operation::Operation;
use poolgate::pb;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_types::StatusExt;

use crate::support::app::App;
use crate::support::examples::{call_on, request};
use crate::support::guarded::Channel;
use crate::support::house::{House, Rules, token};
use crate::support::wire::Wire;

const CALLERS: &str = r#"
[[tokens]]
name = "ann"
sha256 = "{ann}"
roles = ["reader"]

[[tokens]]
name = "bob"
sha256 = "{bob}"
"#;

const POLICIES: &str = r#"
@id("readers-read-from-this-machine")
permit (principal in Poolgate::Role::"reader", action in Poolgate::Action::"read", resource)
when { context.peer_address.isLoopback() };

@id("readers-reflect")
permit (principal in Poolgate::Role::"reader", action == Poolgate::Action::"reflection", resource);

@id("no-lists-for-bob")
forbid (
  principal == Poolgate::Caller::"token:bob",
  action == Poolgate::Action::"ListIdentityPools",
  resource
);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_credentials_the_answer_is_the_same() {
    let house = house().await;
    let good = format!("Bearer {}", token("ann"));
    let cases: [(&str, &[&str]); 9] = [
        ("none at all", &[]),
        (
            "a token that nobody has",
            &["Bearer not-a-token-of-anybody"],
        ),
        ("the token without its scheme", &[&token("ann")]),
        ("another scheme", &["Basic YW5uOndvcmQ="]),
        ("an empty one", &["Bearer "]),
        ("two of them", &[&good, &good]),
        ("two, the first bad", &["Bearer x", &good]),
        (
            "a JWT of nobody",
            &["Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."],
        ),
        ("a short one", &["Bearer x"]),
    ];
    let mut answers = Vec::new();
    for (why, authorization) in cases {
        let mut request = Request::new(pb::ListIdentityPoolsRequest::default());
        for value in authorization {
            let metadata = request.metadata_mut();
            metadata.append("authorization", value.parse().unwrap());
        }
        let status = list(&house, request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{why}");
        let info = status.get_details_error_info().unwrap();
        answers.push((status.message().to_owned(), info.reason, info.metadata));
    }

    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_caller_learns_which_policy_refuses() {
    let house = house().await;

    let forbidden = ask(&house, "bob", Operation::ListIdentityPools).await;
    let not_permitted = ask(&house, "ann", Operation::CreateIdentityPool).await;
    let guarded = ask(&house, "ann", Operation::DeleteIdentityPool).await;

    for (status, reason, policy) in [
        (forbidden, "POLICY_FORBIDS", Some("no-lists-for-bob")),
        (not_permitted, "NO_POLICY_PERMITS", None),
        (guarded, "POLICY_FORBIDS", Some("guardrail-deletions")),
    ] {
        let status = status.unwrap_err();
        let info = status.get_details_error_info().unwrap();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(
            (info.domain.as_str(), info.reason.as_str()),
            ("poolgate", reason)
        );
        assert_eq!(info.metadata.get("policy").map(String::as_str), policy);
        let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
        assert_eq!(pushback, "-1", "{reason}: no retry helps");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_wants_a_caller_and_a_policy_and_health_wants_neither() {
    let house = house().await;

    let known = reflect(house.channel("ann").await).await;
    let denied = reflect(house.channel("bob").await).await;
    let stranger = reflect(house.channel("nobody").await).await;
    let mut health = HealthClient::new(house.channel("nobody").await);
    let healthy = health.check(HealthCheckRequest::default()).await;

    assert!(known.is_ok(), "{known:?}");
    assert_eq!(denied.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(stranger.unwrap_err().code(), Code::Unauthenticated);
    assert!(healthy.is_ok());
}

/// Headers that proxies set say nothing here: poolgate has no proxy that it trusts.
#[tokio::test(flavor = "multi_thread")]
async fn headers_do_not_say_who_calls_or_from_where() {
    let house = house().await;
    for (name, value) in FORGED {
        let mut forged = Request::new(pb::ListIdentityPoolsRequest::default());
        let metadata = forged.metadata_mut();
        metadata.insert(*name, value.parse().unwrap());
        let nobody = list(&house, forged).await.unwrap_err();
        assert_eq!(nobody.code(), Code::Unauthenticated, "{name}");

        let mut forged = Request::new(pb::ListIdentityPoolsRequest::default());
        let metadata = forged.metadata_mut();
        metadata.insert(*name, value.parse().unwrap());
        let bearer = format!("Bearer {}", token("ann"));
        metadata.insert("authorization", bearer.parse().unwrap());
        let answer = list(&house, forged).await;
        assert!(answer.is_ok(), "{name}: still from this machine");
    }
}

#[tokio::test]
async fn no_header_of_a_caller_reaches_aws() {
    let sent = async |headers: &[(&'static str, &str)]| {
        let wire = Wire::echo();
        let mut app = App::wire(&wire).await;
        let mut request = Request::new(pb::ListIdentityPoolsRequest::default());
        for (name, value) in headers {
            let metadata = request.metadata_mut();
            metadata.insert(*name, value.parse().unwrap());
        }
        let _ = app.client.list_identity_pools(request).await;
        wire.sent().remove(0).headers
    };

    let without = sent(&[]).await;
    let with = sent(FORGED).await;

    assert!(!without.is_empty());
    assert_eq!(with, without);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_watches_leave_places_for_others() {
    let house = house().await;
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..100 {
        let channel = house.channel("nobody").await;
        for _ in 0..10 {
            let mut client = HealthClient::new(channel.clone());
            match client.watch(HealthCheckRequest::default()).await {
                Ok(answer) => {
                    let mut statuses = answer.into_inner();
                    assert!(statuses.message().await.unwrap().is_some());
                    open.push(statuses);
                }
                Err(status) => {
                    assert_eq!(status.code(), Code::ResourceExhausted);
                    refused += 1;
                }
            }
        }
    }
    let mut client = HealthClient::new(house.channel("nobody").await);
    let check = client.check(HealthCheckRequest::default()).await;

    // One for each connection, and 256 beyond.
    assert_eq!((open.len(), refused), (356, 644));
    assert!(check.is_ok());
}

const FORGED: &[(&str, &str)] = &[
    ("x-forwarded-for", "203.0.113.7"),
    ("forwarded", "for=203.0.113.7;by=203.0.113.8"),
    ("x-real-ip", "203.0.113.7"),
    ("x-forwarded-client-cert", "URI=spiffe://example.org/admin"),
    ("x-client-cert", "spiffe://example.org/admin"),
    ("x-spiffe-id", "spiffe://example.org/admin"),
    ("x-ssl-client-s-dn", "CN=admin"),
    ("x-amzn-oidc-identity", "admin"),
    ("x-amz-security-token", "forged"),
    ("x-user", "token:ann"),
];

async fn house() -> House {
    House::start(Rules::new(CALLERS, &["ann", "bob"], POLICIES)).await
}

async fn list(
    house: &House,
    request: Request<pb::ListIdentityPoolsRequest>,
) -> Result<pb::ListIdentityPoolsResponse, Status> {
    let mut client = pb::cognito_identity_service_client::CognitoIdentityServiceClient::new(
        house.channel("nobody").await,
    );
    let answer = client.list_identity_pools(request).await;
    answer.map(tonic::Response::into_inner)
}

async fn ask(
    house: &House,
    caller: &str,
    operation: Operation,
) -> Result<serde_json::Value, Status> {
    call_on(house.channel(caller).await, operation, &request(operation)).await
}

async fn reflect(channel: Channel) -> Result<(), Status> {
    let asked = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let asked = futures_util::stream::iter([asked]);
    let answers = client.server_reflection_info(asked).await?;
    answers.into_inner().message().await?.unwrap();
    Ok(())
}
