//! Whatever goes wrong with AWS, a create is on the wire once: one call is never
//! two pools.

use std::time::{Duration, Instant};

use poolgate::pb;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::guarded::{EVERYTHING, Guarded};

const CALLS: usize = 100;
const LONG: &str = "60s";

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_on_the_wire_once_under_every_fault() {
    let cases = [
        (Fault::None, Code::Ok, ""),
        (Fault::InternalError, Code::Internal, "INTERNAL_ERROR"),
        (Fault::HtmlUnavailable, Code::Unknown, "OUTCOME_UNKNOWN"),
        (Fault::Silence, Code::DeadlineExceeded, "OUTCOME_UNKNOWN"),
        (Fault::Close, Code::Unknown, "OUTCOME_UNKNOWN"),
        (Fault::HalfBody, Code::Unknown, "OUTCOME_UNKNOWN"),
        (
            Fault::LimitExceeded,
            Code::ResourceExhausted,
            "LIMIT_EXCEEDED",
        ),
    ];
    for (fault, code, reason) in cases {
        let aws = FakeAws::start(fault).await;
        let attempt = if fault == Fault::Silence { "3s" } else { LONG };
        let poolgate = start(&aws, attempt);
        let client = poolgate.client().await;

        let calls: Vec<_> = (0..CALLS)
            .map(|_| {
                let mut client = client.clone();
                tokio::spawn(async move { client.create_identity_pool(create()).await })
            })
            .collect();

        for call in calls {
            let answer = call.await.unwrap();
            match answer {
                Ok(_) => assert_eq!(code, Code::Ok, "{fault:?}"),
                Err(status) => {
                    assert_eq!(status.code(), code, "{fault:?}: {}", status.message());
                    assert_eq!(status.get_details_error_info().unwrap().reason, reason);
                    if reason == "OUTCOME_UNKNOWN" {
                        let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
                        assert_eq!(pushback, "-1", "{fault:?}: no client tries it again");
                    }
                }
            }
        }
        assert_eq!(aws.requests(), CALLS, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_tried_again_and_a_throttled_create_is_not() {
    let aws = FakeAws::start(Fault::InternalError).await;
    let poolgate = start(&aws, LONG);
    let status = poolgate
        .client()
        .await
        .describe_identity_pool(describe())
        .await
        .err()
        .unwrap();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(aws.requests(), 3);

    let aws = FakeAws::start(Fault::Throttled).await;
    let poolgate = start(&aws, LONG);
    let status = poolgate
        .client()
        .await
        .create_identity_pool(create())
        .await
        .err()
        .unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(aws.requests(), 1, "the caller decides when to try again");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_goes_on_over_another_connection_when_the_first_has_died_unnoticed() {
    let aws = FakeAws::start(Fault::SilenceAfterOne).await;
    let poolgate = start(&aws, "500ms");
    let mut client = poolgate.client().await;

    for call in 1..=3 {
        let began = Instant::now();
        let answer = client.describe_identity_pool(describe()).await;
        assert!(answer.is_ok(), "{answer:?}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(2), "call {call}: {took:?}");
        // That of the call before is used, until nothing comes.
        let is_first = call == 1;
        assert!(is_first || took >= Duration::from_millis(500), "{took:?}");
    }

    assert_eq!(aws.requests(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_a_byte_at_a_time_is_not_waited_for() {
    let aws = FakeAws::start(Fault::Trickle).await;
    let poolgate = start(&aws, "500ms");
    let began = Instant::now();

    let status = poolgate
        .client()
        .await
        .describe_identity_pool(describe())
        .await
        .err()
        .unwrap();

    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "UPSTREAM_TIMEOUT");
    assert_eq!(aws.requests(), 3);
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_end_is_read_no_further_than_any_answer_goes() {
    let aws = FakeAws::start(Fault::Endless).await;
    let poolgate = start(&aws, "3s");
    let mut client = poolgate.client().await;
    let (before, _) = poolgate.process.usage();

    let status = client.describe_identity_pool(describe()).await;

    let reason = status.unwrap_err().get_details_error_info().unwrap().reason;
    assert_eq!(reason, "UPSTREAM_ANSWER_UNREADABLE");
    // Three answers of 4 MiB, in buffers that may have room for twice as much, and what the
    // first call needs; in the time of three attempts a gigabyte would come.
    let growth = poolgate.process.usage().0 - before;
    assert!(growth < 64 * 1024, "{growth} KiB");
    let status = client.create_identity_pool(create()).await;
    let reason = status.unwrap_err().get_details_error_info().unwrap().reason;
    assert_eq!(reason, "OUTCOME_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let poolgate = start_at(&url, LONG);

    let status = poolgate
        .client()
        .await
        .create_identity_pool(create())
        .await
        .err()
        .unwrap();

    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "UPSTREAM_UNREACHABLE"
    );
    assert!(
        status.get_details_retry_info().is_some(),
        "nothing was sent, so a retry is safe"
    );
}

fn describe() -> pb::DescribeIdentityPoolRequest {
    pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:0a".to_owned(),
    }
}

fn start(aws: &FakeAws, attempt: &str) -> Guarded {
    start_at(&aws.url, attempt)
}

/// poolgate in front of AWS, which happens to be at `url`. Every time-out is long,
/// so that a busy machine changes nothing, but for that of one attempt.
fn start_at(url: &str, attempt: &str) -> Guarded {
    let set = [
        ("POOLGATE_SERVER__DEFAULT_DEADLINE", "60s"),
        ("POOLGATE_UPSTREAM__CONNECT_TIMEOUT", "10s"),
        ("POOLGATE_UPSTREAM__READ_ATTEMPT_TIMEOUT", attempt),
        ("POOLGATE_UPSTREAM__WRITE_ATTEMPT_TIMEOUT", attempt),
        ("POOLGATE_UPSTREAM__OPERATION_TIMEOUT", "120s"),
    ];
    Guarded::start_with(url, EVERYTHING, &set)
}

fn create() -> pb::CreateIdentityPoolRequest {
    pb::CreateIdentityPoolRequest {
        identity_pool_name: "once".to_owned(),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    }
}
