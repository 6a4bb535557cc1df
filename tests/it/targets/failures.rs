//! What callers see where a role cannot be had.

use std::time::{Duration, Instant};

use poolgate::pb;
use tonic::Code;
use tonic_types::StatusExt;

use super::world::{BANK, EVERYTHING, SHOP, World, reason, target, to};
use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::sts::{Answers, Sts};

const HOUR: Duration = Duration::from_secs(3600);

fn pool() -> pb::DescribeIdentityPoolRequest {
    pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:0a".to_owned(),
    }
}

fn create() -> pb::CreateIdentityPoolRequest {
    pb::CreateIdentityPoolRequest {
        identity_pool_name: "p".to_owned(),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    }
}

/// Nothing of poolgate's side of AWS is told.
fn tells_nothing(status: &tonic::Status) {
    let told = format!("{status:?}");
    let details = String::from_utf8_lossy(status.details()).into_owned();
    for secret in [
        "arn:",
        SHOP,
        "999999999999",
        "poolgate-shop",
        "127.0.0.1",
        "facade",
    ] {
        assert!(!told.contains(secret), "{secret}: {told}");
        assert!(!details.contains(secret), "{secret}: {details}");
    }
}

#[tokio::test]
async fn calls_are_refused_clearly_while_no_role_can_be_had_and_made_again_after() {
    let (aws, sts) = (
        FakeAws::start(Fault::None).await,
        Sts::start(Answers::Failure).await,
    );
    let targets = target("shop", SHOP, &aws.url, &sts.url, "");
    let world = World::start(&targets, EVERYTHING, &[]);
    let mut client = world.client("ann").await;

    let read = client
        .describe_identity_pool(to("", pool()))
        .await
        .unwrap_err();
    let write = client
        .create_identity_pool(to("", create()))
        .await
        .unwrap_err();

    for status in [read, write] {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(reason(&status), "TARGET_ROLE_UNAVAILABLE");
        assert_eq!(
            status.message(),
            "the role that calls to target `shop` are made with cannot be had for a moment"
        );
        assert!(status.get_details_retry_info().is_some());
        tells_nothing(&status);
    }
    assert_eq!(aws.requests(), 0);

    sts.set(Answers::Sessions(HOUR));
    let began = Instant::now();
    while let Err(status) = client.describe_identity_pool(to("", pool())).await {
        assert_eq!(reason(&status), "TARGET_ROLE_UNAVAILABLE");
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it does not recover"
        );
    }
    // What is not asked for anew for a moment is not asked for by each call.
    assert!(sts.asked().len() < 20, "{}", sts.asked().len());
}

#[tokio::test]
async fn a_role_that_aws_refuses_is_no_ones_to_use_and_not_shown() {
    let (aws, sts) = (
        FakeAws::start(Fault::None).await,
        Sts::start(Answers::Refusal).await,
    );
    let targets = target("shop", SHOP, &aws.url, &sts.url, "");
    let world = World::start(&targets, EVERYTHING, &[]);
    let mut client = world.client("ann").await;

    let status = client
        .describe_identity_pool(to("", pool()))
        .await
        .unwrap_err();

    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "TARGET_ROLE_REFUSED");
    tells_nothing(&status);
    assert_eq!(aws.requests(), 0);
    let log = world.end().concat();
    assert!(
        log.contains("AccessDenied"),
        "operators are told why: {log}"
    );
}

#[tokio::test]
async fn the_time_that_a_role_takes_is_the_callers_and_leaves_no_doubt() {
    let (aws, sts) = (
        FakeAws::start(Fault::None).await,
        Sts::start(Answers::Silence).await,
    );
    let targets = target("shop", SHOP, &aws.url, &sts.url, "");
    let world = World::start(&targets, EVERYTHING, &[]);
    let mut client = world.client("ann").await;
    let mut request = to("", create());
    request.set_timeout(Duration::from_millis(500));

    let began = Instant::now();
    let status = client.create_identity_pool(request).await.unwrap_err();

    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "it waited for the service"
    );
    assert_eq!(aws.requests(), 0);
}

#[tokio::test]
async fn what_aws_says_of_the_accounts_that_are_called_stays_with_operators() {
    let role = format!("arn:aws:iam::{SHOP}:role/poolgate-shop");
    let said = format!("Access to Role '{role}' is forbidden, says {SHOP} to {BANK}.");
    let body = format!(r#"{{"__type":"InvalidParameterException","message":"{said}"}}"#);
    let aws = FakeAws::answering(move |_, _| {
        let length = body.len();
        format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    })
    .await;
    let sts = Sts::start(Answers::Sessions(HOUR)).await;
    let targets = [
        target("shop", SHOP, &aws.url, &sts.url, ""),
        target("bank", BANK, &aws.url, &sts.url, "named_only = true"),
    ];
    let world = World::start(&targets.concat(), EVERYTHING, &[]);
    let mut client = world.client("ann").await;

    let answer = client.describe_identity_pool(to("", pool())).await;

    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        status.message(),
        "Access to Role '…' is forbidden, says … to …."
    );
    tells_nothing(&status);
    assert!(!format!("{status:?}").contains(BANK));
    let log = world.end().concat();
    assert!(log.contains(&said), "operators are told: {log}");
}
