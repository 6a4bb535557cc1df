//! What AWS admits of the account, shared among many callers.

use std::sync::Arc;
use std::time::Duration;

use poolgate::operation::Operation;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::pb::{GetIdRequest, TagResourceRequest};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::examples::{call_on, request};
use crate::support::guarded::EVERYTHING;
use crate::support::house::{House, Rules};
use crate::support::records::{outcomes, records};
use crate::support::rush::{CALLERS, Fates, OPEN, Rush, caller, callers};

/// What AWS admits of GetId in a second.
const QUOTA: f64 = 25.0;
const REFUSED: &str = "ACCOUNT_QUOTA_EXCEEDED";
const THROTTLED: &str = "TOO_MANY_REQUESTS";

/// Limits that guard the account.
fn guarded(more: &str) -> String {
    format!("{OPEN}[account]\n{more}")
}

#[tokio::test(start_paused = true)]
async fn forty_callers_who_want_ten_times_the_quota_share_nearly_all_of_it_and_none_is_throttled() {
    let rush = Rush::with(&guarded(""), "", Default::default()).await;
    rush.delay("50ms");
    let span = Duration::from_secs(20);

    let fates = rush.get_ids(&[10.0 * QUOTA / 40.0; CALLERS], span).await;

    let answered = Fates::answered(&fates) as f64;
    // What waits when the callers stop is answered after it.
    let goodput = answered / (QUOTA * (span.as_secs_f64() + 2.0));
    let throttled = rush.sum("poolgate_upstream_throttles_total");
    let requests = rush.sum("poolgate_upstream_requests_total");
    let jain = Fates::jain(&fates);
    let told = format!(
        "goodput {goodput:.3}, {throttled} of {requests} throttled, Jain's index {jain:.4}, \
         99 % within {:?}",
        Fates::percentile(&fates, 99)
    );
    assert!(goodput >= 0.95, "{told}");
    assert!(throttled / requests < 0.005, "{told}");
    assert_eq!(Fates::failed(&fates, THROTTLED), 0, "{told}");
    assert!(jain >= 0.95, "{told}");
    assert!(Fates::failed(&fates, REFUSED) > 3000, "{told}");
    assert!(
        Fates::percentile(&fates, 100) < Duration::from_millis(2100),
        "{told}"
    );
}

/// Ten callers with twenty calls at a time want eight times what there is in the two seconds
/// that a call may wait.
#[tokio::test(start_paused = true)]
async fn whoever_waits_as_told_finds_a_place_before_it_gives_up() {
    let rush = Arc::new(Rush::with(&guarded(""), "", Default::default()).await);
    let pool = rush.pool().await;
    let until = Instant::now() + Duration::from_secs(60);
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let (mut client, pool) = (rush.client(number % 10), pool.clone());
        calls.spawn(async move {
            let mut tries = vec![0];
            while Instant::now() < until {
                *tries.last_mut().unwrap() += 1;
                let guest = GetIdRequest {
                    identity_pool_id: pool.clone(),
                    ..Default::default()
                };
                match client.get_id(guest).await {
                    Ok(_) => tries.push(0),
                    Err(refused) => {
                        let pushback = refused.metadata().get("grpc-retry-pushback-ms").unwrap();
                        let millis = pushback.to_str().unwrap().parse().unwrap();
                        tokio::time::sleep(Duration::from_millis(millis)).await;
                    }
                }
            }
            // The last one was not tried to its end.
            tries.pop();
            tries
        });
    }
    let mut tries: Vec<usize> = calls.join_all().await.concat();
    tries.sort_unstable();

    let all = tries.iter().sum::<usize>() as f64 / tries.len() as f64;
    let told = format!(
        "{} answered after {all:.2} tries each, 99 % after {}, all after {}",
        tries.len(),
        tries[tries.len() * 99 / 100],
        tries[tries.len() - 1]
    );
    println!("{told}");
    assert!(tries.len() as f64 > 0.95 * QUOTA * 60.0, "{told}");
    assert!(
        tries[tries.len() * 99 / 100] <= 5,
        "clients try five times: {told}"
    );
}

/// What the guard is there against.
#[tokio::test(start_paused = true)]
async fn without_the_guard_most_calls_are_throttled() {
    let rush = Rush::with(OPEN, "", Default::default()).await;
    let span = Duration::from_secs(5);

    let fates = rush.get_ids(&[10.0 * QUOTA / 40.0; CALLERS], span).await;

    let throttled = Fates::failed(&fates, THROTTLED);
    assert!(throttled > 8 * Fates::answered(&fates) / 2, "{throttled}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_without_measure_does_not_slow_down_those_with_measure() {
    for each in [0.5, 0.1, 0.02] {
        let mut rates = vec![each; CALLERS - 1];
        let span = Duration::from_secs(60);
        let calm = Rush::with(&guarded(""), "", Default::default()).await;
        calm.delay("50ms");
        let before = calm.get_ids(&rates, span).await;

        rates.push(10.0 * QUOTA);
        let rush = Rush::with(&guarded(""), "", Default::default()).await;
        rush.delay("50ms");
        let mut after = rush.get_ids(&rates, span).await;

        let greedy = after.pop().unwrap().answered.len();
        let (was, is) = (
            Fates::percentile(&before, 99),
            Fates::percentile(&after, 99),
        );
        let told = format!("{each}/s each: {was:?} before, {is:?} beside {greedy} calls");
        assert!(is <= was * 2, "{told}");
        let (was, is) = (Fates::answered(&before), Fates::answered(&after));
        assert!(is * 100 >= was * 99, "{was} and {is} answered; {told}");
        assert_eq!(rush.sum("poolgate_upstream_throttles_total"), 0.0, "{told}");
        // What the others leave is not wasted.
        let all = (greedy + Fates::answered(&after)) as f64;
        assert!(all >= 0.95 * QUOTA * span.as_secs_f64(), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn batch_waits_for_those_who_wait_for_an_answer() {
    let limits = guarded("batch_roles = [\"batch\"]\n");
    let rush = Rush::with(&limits, "", Default::default()).await;
    let mut rates = vec![0.0; CALLERS];
    // Two want 80 % of the quota, and batch all of it.
    (rates[0], rates[1], rates[CALLERS - 1]) = (10.0, 10.0, 25.0);

    let fates = rush.get_ids(&rates, Duration::from_secs(30)).await;

    let interactive = &fates[..2];
    let share = |fates: &[Fates]| {
        let refused = Fates::failed(fates, REFUSED);
        Fates::answered(fates) as f64 / (Fates::answered(fates) + refused) as f64
    };
    let batch = &fates[CALLERS - 1..];
    let told = format!("{:.3} and {:.3} of batch", share(interactive), share(batch));
    assert!(share(interactive) > 0.97, "{told}");
    assert!(share(batch) < 0.4 && share(batch) > 0.1, "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_account_with_less_than_aws_publishes_is_found_out() {
    let rush = Rush::with(&guarded(""), "GetId=10", Default::default()).await;
    let span = Duration::from_secs(120);

    let fates = rush.get_ids(&[1.0; CALLERS], span).await;

    let answered = Fates::answered(&fates) as f64;
    let throttled = rush.sum("poolgate_upstream_throttles_total");
    let told = format!("{answered} answered, {throttled} throttled");
    assert!(answered >= 0.9 * 10.0 * span.as_secs_f64(), "{told}");
    assert!(throttled <= 0.02 * answered, "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_which_quota_of_aws_it_is_and_when_to_come_back() {
    let rush = Rush::with(&guarded("max_wait = \"0s\"\n"), "", Default::default()).await;
    let pool = rush.pool().await;
    let mut client = rush.client(0);
    let mut get_id = async || {
        let request = poolgate::pb::GetIdRequest {
            identity_pool_id: pool.clone(),
            ..Default::default()
        };
        client.get_id(request).await
    };
    while get_id().await.is_ok() {}

    let refused = get_id().await.unwrap_err();

    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(
        refused.message(),
        "the AWS account's quota of GetId in us-east-1 is used up for longer than the call can wait"
    );
    let info = refused.get_details_error_info().unwrap();
    assert_eq!((&*info.domain, &*info.reason), ("poolgate", REFUSED));
    assert_eq!(info.metadata["region"], "us-east-1");
    assert_eq!(info.metadata["quotaOperation"], "GetId");
    let quota = &refused.get_details_quota_failure().unwrap().violations[0];
    assert_eq!(quota.quota_id, "L-A38ADA84");
    assert_eq!(quota.quota_value, 25);
    assert_eq!(quota.api_service, "cognito-identity.amazonaws.com");
    let delay = refused.get_details_retry_info().unwrap().retry_delay;
    let pushback = refused.metadata().get("grpc-retry-pushback-ms").unwrap();
    let pushback = Duration::from_millis(pushback.to_str().unwrap().parse().unwrap());
    assert_eq!(delay, Some(pushback));
    tokio::time::advance(pushback).await;
    assert!(get_id().await.is_ok(), "whoever waits as told has it");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_leaves_the_queue() {
    let rush = Rush::with(&guarded(""), "", Default::default()).await;
    let pool = rush.pool().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (mut client, pool) = (rush.client(0), pool.clone());
            tokio::spawn(async move {
                let request = poolgate::pb::GetIdRequest {
                    identity_pool_id: pool,
                    ..Default::default()
                };
                client.get_id(request).await
            })
        })
        .collect();
    while rush.waiting() == 0.0 {
        tokio::task::yield_now().await;
    }

    for call in calls {
        call.abort();
        let _ = call.await;
    }

    assert_eq!(rush.waiting(), 0.0);
    let requests = rush.sum("poolgate_upstream_requests_total");
    assert!(requests < 10.0, "{requests}");
}

/// Over sockets, and in the time that everybody has.
#[tokio::test(flavor = "multi_thread")]
async fn forty_callers_on_connections_share_nearly_all_of_the_quota() {
    let names: Vec<String> = (0..CALLERS).map(caller).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rules = Rules::new(&callers(), &names, EVERYTHING)
        .with("limits.toml", &guarded(""))
        .and("POOLGATE_QUOTA__LIMITS_FILE", "{}/limits.toml")
        .and("POOLGATE_EMULATOR__ENFORCE_QUOTAS", "true");
    let house = House::start(rules).await;
    let operation = Operation::CreateIdentityPool;
    let mut create = request(operation);
    create["allow_unauthenticated_identities"] = true.into();
    let created = call_on(house.channel("service-0").await, operation, &create).await;
    let pool = created.unwrap()["identity_pool"]["identity_pool_id"].clone();
    let pool = pool.as_str().unwrap().to_owned();
    let span = Duration::from_secs(4);
    let mut calling = tokio::task::JoinSet::new();
    for name in &names {
        let (channel, pool) = (house.channel(name).await, pool.clone());
        calling.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(160));
            let mut calls = tokio::task::JoinSet::new();
            for _ in 0..span.as_millis() / 160 {
                ticks.tick().await;
                let mut client = CognitoIdentityServiceClient::new(channel.clone());
                let request = poolgate::pb::GetIdRequest {
                    identity_pool_id: pool.clone(),
                    ..Default::default()
                };
                calls.spawn(async move { client.get_id(request).await });
            }
            let mut fates = Fates::default();
            while let Some(answer) = calls.join_next().await {
                match answer.unwrap() {
                    Ok(_) => fates.answered.push(Duration::ZERO),
                    Err(status) => {
                        let reason = status.get_details_error_info().unwrap().reason;
                        *fates.failed.entry(reason).or_default() += 1;
                    }
                }
            }
            fates
        });
    }

    let fates = calling.join_all().await;

    let answered = Fates::answered(&fates) as f64;
    let goodput = answered / (QUOTA * (span.as_secs_f64() + 2.0));
    let jain = Fates::jain(&fates);
    let told = format!("goodput {goodput:.3}, Jain's index {jain:.4}");
    assert_eq!(Fates::failed(&fates, THROTTLED), 0, "{told}");
    // In time that passes by itself callers are late on a busy machine.
    assert!(goodput >= 0.75, "{told}");
    assert!(jain >= 0.9, "{told}");
}

#[tokio::test]
async fn the_journal_says_how_long_a_call_waited_and_that_a_refused_change_was_not_made() {
    // A few can be had at once, each 50 ms one more, and who would wait for ten is refused.
    let limits = "[account]\nmax_wait = \"500ms\"\n[account.quotas]\nTagResource = 20\n";
    let callers = "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n";
    let rules = Rules::new(callers, &["ann"], EVERYTHING)
        .with("limits.toml", &format!("{OPEN}{limits}"))
        .and("POOLGATE_QUOTA__LIMITS_FILE", "{}/limits.toml")
        .and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl");
    let house = House::start(rules).await;
    let client = CognitoIdentityServiceClient::new(house.channel("ann").await);
    let tagging = (0..40).map(|number| {
        let mut client = client.clone();
        let resource_arn = format!(
            "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/\
             us-east-1:00000000-0000-4000-8000-{number:012}"
        );
        let tags = [("team".to_owned(), "shop".to_owned())].into();
        async move {
            let request = TagResourceRequest { resource_arn, tags };
            client.tag_resource(request).await.unwrap_err().code()
        }
    });
    let codes = futures_util::future::join_all(tagging).await;
    let count = |code| codes.iter().filter(|one| **one == code).count();
    let refused_calls = count(Code::ResourceExhausted);
    assert!(refused_calls > 0, "{codes:?}");
    assert_eq!(
        count(Code::NotFound),
        40 - refused_calls,
        "AWS was asked: {codes:?}"
    );

    let records = records(&house.path("audit.jsonl"));
    let outcomes = outcomes(&records);

    let waited: Vec<f64> = outcomes
        .iter()
        .filter_map(|record| record["additionalEventData"]["quotaWaitMs"].as_f64())
        .collect();
    assert!(!waited.is_empty(), "{codes:?}");
    assert!(waited.iter().all(|wait| *wait > 1.0), "{waited:?}");
    let refused: Vec<_> = outcomes
        .iter()
        .filter(|record| record["errorCode"] == REFUSED)
        .collect();
    assert_eq!(refused.len(), refused_calls);
    let refused = refused[0];
    assert_eq!(refused["eventName"], "TagResource");
    assert!(
        refused["additionalEventData"]["attempts"].is_null(),
        "{refused}"
    );
    let intended = records.iter().filter(|record| {
        record["sharedEventID"] == refused["sharedEventID"]
            && record["additionalEventData"]["phase"] == "intent"
    });
    assert_eq!(intended.count(), 1);
}
