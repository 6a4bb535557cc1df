//! How often callers may, over real sockets.

mod account;
mod overload;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use poolgate::operation::Operation;
use poolgate::pb::{
    CreateIdentityPoolRequest, DeleteIdentitiesRequest, DescribeIdentityPoolRequest,
    ListIdentityPoolsRequest,
};
use poolgate::quota::{self, InForce, Limits};
use serde_json::Value;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;

use crate::support::app::App;
use crate::support::examples::{call_on, request};
use crate::support::guarded::EVERYTHING;
use crate::support::house::{House, Rules};
use crate::support::raw::{END_STREAM, HEADERS, RawPeer};
use crate::support::records::{outcomes, records};
use crate::support::turnstile::Turnstile;
use crate::support::wire::Wire;

const LISTING: &str = r#"
[[limits]]
name = "listing"
operations = ["ListIdentityPools"]
windows = ["4/s", "1000/day"]
"#;

#[tokio::test]
async fn a_refusal_says_which_limit_and_when_to_come_back() {
    let turnstile = Turnstile::with(LISTING).await;
    let mut ann = turnstile.client("ann").await;
    for left in ["3", "2", "1", "0"] {
        let answer = ann.list_identity_pools(list()).await.unwrap();
        let metadata = answer.metadata();
        assert_eq!(header(metadata, "ratelimit-limit"), "4");
        assert_eq!(header(metadata, "ratelimit-remaining"), left);
        assert_eq!(
            header(metadata, "ratelimit-reset"),
            "1",
            "not a whole second"
        );
        assert!(metadata.get("grpc-retry-pushback-ms").is_none());
    }

    let refused = ann.list_identity_pools(list()).await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.message(), "limit `listing` (4/s) is used up");
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(
        (&*info.domain, &*info.reason),
        ("poolgate", "RATE_LIMIT_EXCEEDED")
    );
    assert_eq!(info.metadata["limit"], "listing");
    assert_eq!(info.metadata["window"], "4/s");
    assert_eq!(info.metadata["operation"], "ListIdentityPools");
    let delay = refused.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(delay, Some(Duration::from_millis(250)));
    let quota = &refused.get_details_quota_failure().unwrap().violations[0];
    assert_eq!(quota.subject, "caller:token:ann");
    assert_eq!(quota.quota_id, "listing");
    assert_eq!(quota.quota_value, 4);
    assert_eq!(quota.quota_dimensions["operation"], "ListIdentityPools");
    assert_eq!(quota.quota_dimensions["window"], "4/s");
    let metadata = refused.metadata();
    assert_eq!(header(metadata, "grpc-retry-pushback-ms"), "250");
    assert_eq!(header(metadata, "ratelimit-limit"), "4");
    assert_eq!(header(metadata, "ratelimit-remaining"), "0");
    assert_eq!(header(metadata, "ratelimit-reset"), "1");
    // Of another caller, and of another operation, nothing was consumed.
    let mut bob = turnstile.client("bob").await;
    assert!(bob.list_identity_pools(list()).await.is_ok());
    let other = ann.describe_identity_pool(describe()).await.unwrap_err();
    assert_eq!(other.code(), Code::NotFound);
    assert_eq!(header(other.metadata(), "ratelimit-remaining"), "99");
}

#[tokio::test]
async fn a_client_that_waits_less_than_it_would_have_to_is_told_not_to_wait() {
    let turnstile = Turnstile::with(LISTING).await;
    let mut ann = turnstile.client("ann").await;
    for _ in 0..4 {
        ann.list_identity_pools(list()).await.unwrap();
    }
    for (timeout, pushback) in [(100_000, "250"), (250, "-1")] {
        let mut request = tonic::Request::new(list());
        let metadata = request.metadata_mut();
        metadata.insert("grpc-timeout", format!("{timeout}m").parse().unwrap());

        let refused = ann.list_identity_pools(request).await.unwrap_err();

        let told = header(refused.metadata(), "grpc-retry-pushback-ms");
        assert_eq!(told, pushback, "{timeout} ms");
        let delay = refused.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(Duration::from_millis(250)));
    }
}

/// Clients heed a pushback only there (gRFC A6).
#[tokio::test]
async fn a_refusal_is_one_frame_of_headers_that_ends_the_stream() {
    let turnstile = Turnstile::open_to_all(LISTING).await;
    let mut peer = RawPeer::connect(turnstile.address).await;
    let headers: [(&str, &[u8]); 6] = [
        (":method", b"POST"),
        (":scheme", b"http"),
        (":path", Operation::ListIdentityPools.path().as_bytes()),
        (":authority", b"poolgate"),
        ("content-type", b"application/grpc"),
        ("te", b"trailers"),
    ];
    for number in 0..5 {
        let stream = 2 * number + 1;
        peer.request(stream, &headers, &[0; 5]).await;

        let first = loop {
            let frame = peer.receive().await.unwrap();
            if frame.stream == stream && frame.kind == HEADERS {
                break frame;
            }
        };

        let is_refused = number == 4;
        assert_eq!(first.flags & END_STREAM != 0, is_refused, "call {number}");
        if !is_refused {
            peer.end_of(stream).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_client_that_waits_as_told_is_admitted_on_its_next_try() {
    let turnstile = Turnstile::with(
        "[[limits]]\nname = \"odd\"\neffects = [\"read\"]\nwindows = [\"7/s burst 3\", \"61/min\"]\n",
    )
    .await;
    let mut ann = turnstile.client("ann").await;
    let mut refusals = 0;

    for _ in 0..300 {
        if let Err(refused) = ann.list_identity_pools(list()).await {
            refusals += 1;
            let wait = header(refused.metadata(), "grpc-retry-pushback-ms");
            turnstile
                .clock
                .advance(Duration::from_millis(wait.parse().unwrap()));
            ann.list_identity_pools(list()).await.unwrap();
        }
    }

    assert!(refusals > 200, "{refusals}");
}

#[tokio::test]
async fn a_call_that_weighs_more_than_a_limit_admits_is_told_that_it_never_will() {
    let turnstile = Turnstile::with(
        "[[limits]]\nname = \"deletions\"\noperations = [\"DeleteIdentities\"]\nwindows = [\"1/min burst 5\"]\n",
    )
    .await;
    let mut ann = turnstile.client("ann").await;
    let delete = |identities: u32| DeleteIdentitiesRequest {
        identity_ids_to_delete: (0..identities)
            .map(|number| format!("us-east-1:00000000-0000-4000-8000-{number:012}"))
            .collect(),
    };

    let refused = ann.delete_identities(delete(60)).await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(
        refused.message(),
        "the call weighs 6, and limit `deletions` (1/min burst 5) never admits more than 5 at once"
    );
    assert_eq!(
        refused.get_details_error_info().unwrap().reason,
        "CALL_ABOVE_LIMIT"
    );
    assert!(refused.get_details_retry_info().is_none());
    assert_eq!(header(refused.metadata(), "grpc-retry-pushback-ms"), "-1");
    let admitted = ann.delete_identities(delete(20)).await.unwrap();
    let left = header(admitted.metadata(), "ratelimit-remaining");
    assert_eq!(left, "2", "one for the refused call and two for twenty");
}

#[tokio::test]
async fn a_shadow_limit_is_counted_and_refuses_nobody() {
    let turnstile = Turnstile::with(&format!("{LISTING}shadow = true\n")).await;
    let mut ann = turnstile.client("ann").await;

    for _ in 0..6 {
        let answer = ann.list_identity_pools(list()).await.unwrap();
        assert_eq!(
            header(answer.metadata(), "ratelimit-limit"),
            "100",
            "the default"
        );
    }

    for (limit, decision, count) in [
        ("listing", "shadow_admitted", 4),
        ("listing", "shadow_refused", 2),
        ("default-read", "admitted", 6),
    ] {
        let line = format!(
            "poolgate_quota_decisions_total{{limit=\"{limit}\",grpc_method=\"ListIdentityPools\",decision=\"{decision}\"}} {count}"
        );
        assert!(
            turnstile.counts(&line),
            "{line}\n{}",
            turnstile.metrics.encode()
        );
    }
}

#[tokio::test]
async fn roles_have_limits_of_their_own() {
    let turnstile = Turnstile::with(
        "[[limits]]\nname = \"batch\"\nroles = [\"batch\"]\nwindows = [\"30/s\"]\nin_flight = 7\n",
    )
    .await;

    for (who, limit) in [("ann", "100"), ("bob", "30")] {
        let answer = turnstile
            .client(who)
            .await
            .list_identity_pools(list())
            .await;
        assert_eq!(
            header(answer.unwrap().metadata(), "ratelimit-limit"),
            limit,
            "{who}"
        );
    }
}

/// Whose callers may have two calls under way.
async fn two_in_flight(wire: &Wire) -> App {
    let limits = "[[limits]]\nname = \"few\"\nin_flight = 2\n";
    let limits = quota::Settings {
        limits: Limits::parse(limits).unwrap(),
        in_force: InForce::Always,
        ..Default::default()
    };
    let (settings, upstream, nobody) = Default::default();
    App::limited(settings, upstream, wire.client(), nobody, limits).await
}

#[tokio::test]
async fn a_call_counts_as_in_flight_until_it_is_answered_or_given_up() {
    let wire = Wire::echo();
    let app = two_in_flight(&wire).await;
    let waiting = || {
        let never =
            futures_util::stream::pending::<Result<http_body::Frame<bytes::Bytes>, Status>>();
        let body = tonic::body::Body::new(http_body_util::StreamBody::new(never));
        let request = http::Request::post(Operation::ListIdentityPools.path())
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(body);
        Box::pin(app.stack.clone().oneshot(request.unwrap()))
    };
    let call = async || {
        let operation = Operation::ListIdentityPools;
        call_on(app.stack.clone(), operation, &request(operation)).await
    };
    let (mut first, mut second) = (waiting(), waiting());
    assert!(futures_util::poll!(&mut first).is_pending());
    call().await.unwrap();
    assert!(futures_util::poll!(&mut second).is_pending());

    let refused = call().await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(
        refused.message(),
        "limit `few` admits no more than 2 calls at a time"
    );
    assert_eq!(
        refused.get_details_error_info().unwrap().reason,
        "TOO_MANY_CALLS"
    );
    drop(first);
    for _ in 0..5 {
        call().await.unwrap();
    }
    drop(second);
}

#[tokio::test]
async fn a_change_counts_as_in_flight_until_it_ends_also_when_its_caller_has_gone() {
    let wire = Wire::silent();
    let app = two_in_flight(&wire).await;
    let call = async |operation| call_on(app.stack.clone(), operation, &request(operation)).await;
    for begun_before in 0..2 {
        let mut begun = Box::pin(call(Operation::CreateIdentityPool));
        while wire.sent().len() == begun_before {
            assert!(futures_util::poll!(begun.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(app.writes.len(), 2, "both are carried on");

    for operation in [Operation::CreateIdentityPool, Operation::ListIdentityPools] {
        let refused = call(operation).await.unwrap_err();
        let reason = refused.get_details_error_info().unwrap().reason;
        assert_eq!(reason, "TOO_MANY_CALLS");
    }
    assert_eq!(wire.sent().len(), 2);
}

#[tokio::test]
async fn an_address_that_fails_too_often_is_not_looked_at_and_others_are() {
    let turnstile = Turnstile::with(LISTING).await;
    let mut guesser = turnstile.client("guesser").await;
    for _ in 0..100 {
        let refused = guesser.list_identity_pools(list()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }

    let refused = guesser.list_identity_pools(list()).await.unwrap_err();
    let beside = turnstile
        .client("ann")
        .await
        .list_identity_pools(list())
        .await;
    let elsewhere = turnstile.client_at("ann", "127.0.0.2").await;
    let elsewhere = { elsewhere }.list_identity_pools(list()).await;

    assert_eq!(refused.code(), Code::ResourceExhausted);
    let reason = refused.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "TOO_MANY_FAILED_AUTHENTICATIONS");
    assert_eq!(header(refused.metadata(), "grpc-retry-pushback-ms"), "20");
    assert_eq!(beside.unwrap_err().code(), Code::ResourceExhausted);
    assert!(elsewhere.is_ok());
    assert!(turnstile.counts("poolgate_quota_braked_total 2"));
    turnstile.clock.advance(Duration::from_millis(20));
    let looked_at = guesser.list_identity_pools(list()).await.unwrap_err();
    assert_eq!(looked_at.code(), Code::Unauthenticated);
}

const CALLERS: &str = "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n";

fn daily(windows: &str) -> String {
    format!(
        "[[limits]]\nname = \"daily\"\neffects = [\"write\"]\nwindows = [{windows}]\nin_flight = 64\n"
    )
}

fn limited(limits: &str) -> Rules {
    Rules::new(CALLERS, &["ann"], EVERYTHING)
        .with("limits.toml", limits)
        .and("POOLGATE_QUOTA__LIMITS_FILE", "{}/limits.toml")
        .and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl")
}

#[tokio::test(flavor = "multi_thread")]
async fn new_limits_are_in_force_under_load_and_what_was_consumed_stays_consumed() {
    // Given a caller who has used up its day and calls on.
    let house = Arc::new(House::start(limited(&daily("\"3/day\""))).await);
    let (created, refused, ended) = (counter(), counter(), Arc::new(AtomicBool::new(false)));
    let refused_by_new = counter();
    let calling = {
        let house = house.clone();
        let (created, refused, ended) = (created.clone(), refused.clone(), ended.clone());
        let refused_by_new = refused_by_new.clone();
        tokio::spawn(async move {
            let channel = house.channel("ann").await;
            let mut client =
                poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient::new(
                    channel,
                );
            while !ended.load(Ordering::SeqCst) {
                match client.create_identity_pool(create()).await {
                    Ok(_) => created.fetch_add(1, Ordering::SeqCst),
                    Err(status) => {
                        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
                        if status.message().contains("(5/day)") {
                            refused_by_new.fetch_add(1, Ordering::SeqCst);
                        }
                        refused.fetch_add(1, Ordering::SeqCst)
                    }
                };
            }
        })
    };
    until(|| refused.load(Ordering::SeqCst) > 0).await;
    assert_eq!(created.load(Ordering::SeqCst), 3);

    // When limits with a mistake come, and then good ones.
    fs::write(house.path("limits.toml"), "[[limits]]\nname = 3\n").unwrap();
    let before = refused.load(Ordering::SeqCst);
    until(|| refused.load(Ordering::SeqCst) > before + 100).await;
    assert_eq!(created.load(Ordering::SeqCst), 3);
    fs::write(house.path("limits.toml"), daily("\"5/day\"")).unwrap();
    until(|| refused_by_new.load(Ordering::SeqCst) > 100).await;

    // Then the day is used up as it was before.
    assert_eq!(created.load(Ordering::SeqCst), 3);
    ended.store(true, Ordering::SeqCst);
    calling.await.unwrap();
}

#[tokio::test]
async fn the_journal_says_which_limit_counted_and_what_was_left() {
    let house = House::start(limited(&daily("\"1/day\""))).await;
    let operation = Operation::CreateIdentityPool;
    for _ in 0..2 {
        // Whether it is refused is in the journal.
        let _ = call_on(house.channel("ann").await, operation, &request(operation)).await;
    }

    let records = records(&house.path("audit.jsonl"));
    let outcomes = outcomes(&records);

    let told: Vec<(&Value, &Value, &Value)> = outcomes
        .iter()
        .map(|record| {
            let more = &record["additionalEventData"];
            (
                &record["errorCode"],
                &more["quotaLimit"],
                &more["quotaRemaining"],
            )
        })
        .collect();
    let (code, limit, none) = ("RATE_LIMIT_EXCEEDED".into(), "daily".into(), 0.into());
    assert_eq!(
        told,
        [(&Value::Null, &limit, &none), (&code, &limit, &none)]
    );
    assert_eq!(outcomes[1]["userIdentity"]["principalId"], "token:ann");
    assert_eq!(
        outcomes[1]["errorMessage"],
        "limit `daily` (1/day) is used up"
    );
}

fn list() -> ListIdentityPoolsRequest {
    ListIdentityPoolsRequest::default()
}

fn describe() -> DescribeIdentityPoolRequest {
    DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:00000000-0000-4000-8000-000000000000".to_owned(),
    }
}

fn create() -> CreateIdentityPoolRequest {
    CreateIdentityPoolRequest {
        identity_pool_name: "shop".to_owned(),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    }
}

fn header<'a>(metadata: &'a MetadataMap, name: &str) -> &'a str {
    let value = metadata.get(name).unwrap_or_else(|| panic!("no {name}"));
    value.to_str().unwrap()
}

fn counter() -> Arc<AtomicU64> {
    Arc::default()
}

async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let waiting = tokio::time::timeout(Duration::from_secs(60), waiting);
    waiting.await.expect("it holds within a minute");
}
