//! AWS is spared when it is slow or fails.

use std::collections::BTreeMap;
use std::task::Poll;
use std::time::Duration;

use poolgate::pb::{
    CreateIdentityPoolRequest, DescribeIdentityPoolRequest, ListIdentityPoolsRequest,
};
use poolgate::upstream::{Settings, Spare};
use serde_json::json;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::rush::{Client, OPEN, Rush};

/// Requests on the wire, repetitions included.
const REQUESTS: &str = "poolgate_upstream_requests_total";

async fn spared(more: Settings) -> Rush {
    let settings = Settings {
        spare: Spare::Always,
        ..more
    };
    Rush::with(OPEN, "", settings).await
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

fn pushback(status: &Status) -> Duration {
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    Duration::from_millis(pushback.to_str().unwrap().parse().unwrap())
}

async fn describe(client: &mut Client) -> Result<(), Status> {
    let request = DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:00000000-0000-4000-8000-000000000000".to_owned(),
    };
    client.describe_identity_pool(request).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn what_fails_again_and_again_is_not_tried_for_a_while_and_then_a_little() {
    let rush = spared(Settings::default()).await;
    rush.go_wrong(json!([
        {"operations": ["DescribeIdentityPool"], "fault": "error", "code": "InternalErrorException"}
    ]));
    let mut client = rush.client(0);
    let mut failed = 0;
    let refused = loop {
        let status = describe(&mut client).await.unwrap_err();
        match reason(&status).as_str() {
            "INTERNAL_ERROR" => failed += 1,
            _ => break status,
        }
    };

    assert_eq!(failed, 10);
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(reason(&refused), "CIRCUIT_OPEN");
    assert_eq!(
        refused.get_details_error_info().unwrap().metadata["region"],
        "us-east-1"
    );
    assert!(pushback(&refused) <= Duration::from_secs(1));
    // Nothing goes on the wire, and nobody waits.
    let (sent, began) = (rush.sum(REQUESTS), Instant::now());
    for _ in 0..100 {
        assert_eq!(
            reason(&describe(&mut client).await.unwrap_err()),
            "CIRCUIT_OPEN"
        );
    }
    assert_eq!(
        (rush.sum(REQUESTS), began.elapsed()),
        (sent, Duration::ZERO)
    );
    assert_eq!(rush.sum("poolgate_upstream_circuit_open"), 1.0);
    assert_eq!(rush.sum("poolgate_upstream_shed_total"), 101.0);
    // Another operation is not affected.
    assert!(
        client
            .list_identity_pools(ListIdentityPoolsRequest::default())
            .await
            .is_ok()
    );

    // As long as it fails it is tried once for each time that it is closed again.
    tokio::time::advance(pushback(&refused)).await;
    assert_eq!(
        reason(&describe(&mut client).await.unwrap_err()),
        "INTERNAL_ERROR"
    );
    let again = describe(&mut client).await.unwrap_err();
    assert_eq!(reason(&again), "CIRCUIT_OPEN");
    assert!(pushback(&again) > Duration::from_secs(1));

    // When it is well, so is everything.
    rush.go_wrong(json!([]));
    tokio::time::advance(pushback(&again)).await;
    for _ in 0..20 {
        assert_eq!(
            describe(&mut client).await.unwrap_err().code(),
            Code::NotFound
        );
    }
    assert_eq!(rush.sum("poolgate_upstream_circuit_open"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_not_tried_either_also_where_callers_are_impatient() {
    for (timeout, patient) in [
        (Duration::from_secs(30), true),
        (Duration::from_millis(1500), false),
    ] {
        let rush = spared(Settings::default()).await;
        rush.delay("600s");
        let calls: Vec<_> = (0..10)
            .map(|number| {
                let mut client = rush.client(number);
                tokio::spawn(async move {
                    let mut request = tonic::Request::new(DescribeIdentityPoolRequest {
                        identity_pool_id: "us-east-1:00000000-0000-4000-8000-000000000000"
                            .to_owned(),
                    });
                    request.set_timeout(timeout);
                    client.describe_identity_pool(request).await
                })
            })
            .collect();
        for call in calls {
            assert!(call.await.unwrap().is_err());
        }

        let refused = describe(&mut rush.client(0)).await.unwrap_err();

        assert_eq!(reason(&refused), "CIRCUIT_OPEN", "patient: {patient}");
    }
}

#[tokio::test(start_paused = true)]
async fn throttles_and_what_callers_do_wrong_open_nothing() {
    let rush = spared(Settings::default()).await;
    for rules in [json!([]), json!([{"fault": "throttle"}])] {
        rush.go_wrong(rules);
        for _ in 0..50 {
            let refused = describe(&mut rush.client(0)).await.unwrap_err();
            let expected = [Code::NotFound, Code::ResourceExhausted];
            assert!(expected.contains(&refused.code()), "{refused}");
        }
    }
    assert_eq!(rush.sum("poolgate_upstream_shed_total"), 0.0);
    assert!(rush.sum("poolgate_upstream_throttles_total") >= 50.0);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_may_be() {
    let settings = Settings {
        max_in_flight: 8,
        ..Default::default()
    };
    let rush = spared(settings).await;
    rush.delay("500ms");
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let mut client = rush.client(number);
            tokio::spawn(async move {
                let began = Instant::now();
                let answer = describe(&mut client).await.unwrap_err();
                (reason(&answer), began.elapsed(), answer)
            })
        })
        .collect();

    let mut shed = 0;
    for call in calls {
        let (reason, took, status) = call.await.unwrap();
        if reason == "UPSTREAM_OVERLOADED" {
            shed += 1;
            assert_eq!(status.code(), Code::Unavailable);
            assert_eq!(pushback(&status), Duration::from_secs(1));
            assert_eq!(took, Duration::ZERO, "nobody waits");
        }
    }
    assert_eq!(shed, 12);
    assert_eq!(rush.sum("poolgate_upstream_in_flight_limit"), 8.0);
    assert_eq!(
        describe(&mut rush.client(0)).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_calls_hang_leaves_places_to_others() {
    let settings = Settings {
        spare: Spare::Always,
        max_in_flight: 16,
        ..Default::default()
    };
    let rush = Rush::with(&format!("{OPEN}[account]\n"), "", settings).await;
    let mut other = rush.client(1);
    rush.go_wrong(json!([
        {"operations": ["DescribeIdentityPool"], "fault": "delay", "delay": "5s"}
    ]));
    let hanging: Vec<_> = (0..40)
        .map(|_| {
            let mut client = rush.client(0);
            tokio::spawn(async move { describe(&mut client).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rush.sum("poolgate_upstream_in_flight{"), 12.0);
    assert_eq!(rush.sum("poolgate_upstream_shed_total"), 28.0);

    let answer = other.list_identity_pools(ListIdentityPoolsRequest::default());

    assert!(answer.await.is_ok());
    assert_eq!(rush.sum("poolgate_upstream_in_flight{"), 12.0);
    for call in hanging {
        call.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_nobody_waits_for_count_until_they_end_and_leave_places_to_reads() {
    let limits = "[[limits]]\nname = \"few\"\neffects = [\"write\"]\nin_flight = 10\n";
    let settings = Settings {
        spare: Spare::Always,
        max_in_flight: 8,
        ..Default::default()
    };
    let rush = Rush::with(limits, "", settings).await;
    rush.go_wrong(json!([
        {"operations": ["CreateIdentityPool"], "fault": "delay", "delay": "3s"}
    ]));
    let mut reasons = BTreeMap::<String, usize>::new();
    for number in (0..20).chain([100]) {
        let caller = if number == 100 { 1 } else { 0 };
        let mut client = rush.client(caller);
        let create = CreateIdentityPoolRequest {
            identity_pool_name: "shop".to_owned(),
            allow_unauthenticated_identities: Some(false),
            ..Default::default()
        };
        // It is begun, and given up at once.
        let mut begun = std::pin::pin!(client.create_identity_pool(create));
        for _ in 0..50 {
            if let Poll::Ready(answer) = futures_util::poll!(begun.as_mut()) {
                *reasons.entry(reason(&answer.unwrap_err())).or_default() += 1;
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let began = Instant::now();

    let answer = describe(&mut rush.client(0)).await.unwrap_err();

    assert_eq!(answer.code(), Code::NotFound, "{answer}");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(rush.sum("poolgate_upstream_in_flight{"), 6.0, "{reasons:?}");
    // When they have ended, there is room again.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(rush.sum("poolgate_upstream_in_flight{"), 0.0);
    rush.pool().await;
}

#[tokio::test(start_paused = true)]
async fn when_aws_becomes_slow_fewer_calls_are_under_way_and_those_are_not_held_up() {
    let rush = spared(Settings::default()).await;
    let call = |number| {
        let mut client = rush.client(number % 8);
        tokio::spawn(async move {
            let began = Instant::now();
            let status = describe(&mut client).await.unwrap_err();
            (reason(&status), began.elapsed())
        })
    };
    let mut answered = Vec::new();
    for (delay, seconds) in [("50ms", 2_usize), ("1s", 8)] {
        rush.delay(delay);
        let mut calls = Vec::new();
        for number in 0..seconds * 200 {
            calls.push(call(number));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for call in calls {
            let (reason, took) = call.await.unwrap();
            match reason.as_str() {
                "UPSTREAM_OVERLOADED" => assert_eq!(took, Duration::ZERO),
                _ if delay == "1s" => answered.push(took),
                _ => {}
            }
        }
    }

    let limit = rush.sum("poolgate_upstream_in_flight_limit");
    assert!(limit <= 40.0, "{limit}");
    assert!(answered.iter().all(|took| *took < Duration::from_secs(2)));
    assert!(rush.sum("poolgate_upstream_shed_total") > 200.0);
}
