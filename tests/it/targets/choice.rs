//! Which target a call goes to.

use std::collections::BTreeMap;

use poolgate::pb;
use tonic::Code;
use tonic_types::StatusExt;

use super::world::{BANK, EVERYTHING, SHOP, World, reason, target, to};
use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::sts::{Answers, Sts};

/// The same target in a region of its own.
fn elsewhere(target: &str) -> String {
    target.replace("us-east-1", "eu-central-1")
}

#[tokio::test]
async fn a_target_that_is_not_there_or_does_not_answer_for_the_region_is_not_called() {
    let aws = FakeAws::start(Fault::None).await;
    let sts = Sts::start(Answers::Sessions(std::time::Duration::from_secs(3600))).await;
    let targets = [
        target("shop", SHOP, &aws.url, &sts.url, "named_only = true"),
        target("bank", BANK, &aws.url, &sts.url, "named_only = true"),
        elsewhere(&target("rest", SHOP, &aws.url, &sts.url, "")),
    ];
    let world = World::start(&targets.concat(), EVERYTHING, &[]);
    let mut ann = world.client("ann").await;
    let pool = |region: &str| pb::DescribeIdentityPoolRequest {
        identity_pool_id: format!("{region}:0a"),
    };

    for (name, told) in [
        (
            "",
            "`x-poolgate-target`: a call for `us-east-1` has to name one of the targets `shop`, `bank`",
        ),
        (
            "Shop",
            "`x-poolgate-target`: there is no target of this name; the targets of `us-east-1` are `shop`, `bank`",
        ),
    ] {
        let status = ann
            .describe_identity_pool(to(name, pool("us-east-1")))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(status.message(), told);
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "x-poolgate-target");
    }
    for name in ["", "shop"] {
        let status = ann
            .describe_identity_pool(to(name, pool("eu-west-1")))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(reason(&status), "UNKNOWN_REGION");
    }
    let mut twice = to("shop", pool("us-east-1"));
    twice
        .metadata_mut()
        .append("x-poolgate-target", "bank".parse().unwrap());
    let status = ann.describe_identity_pool(twice).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);

    assert_eq!(aws.requests(), 0);
    assert!(sts.asked().is_empty());
}

#[tokio::test]
async fn policies_judge_the_target_that_is_called() {
    let aws = FakeAws::start(Fault::None).await;
    let sts = Sts::start(Answers::Sessions(std::time::Duration::from_secs(3600))).await;
    let targets = [
        target("shop", SHOP, &aws.url, &sts.url, ""),
        target("bank", BANK, &aws.url, &sts.url, "named_only = true"),
    ];
    let policy = r#"
        @id("everything") permit (principal, action, resource);
        @id("no-bank-for-bob")
        forbid (principal == Poolgate::Caller::"token:bob", action in Poolgate::Action::"all", resource)
        when { resource has target && resource.target == "bank" };
        @id("no-other-account")
        forbid (principal, action in Poolgate::Action::"all", resource)
        unless { resource has account && ["111111111111", "222222222222"].contains(resource.account) };
    "#;
    let world = World::start(&targets.concat(), policy, &[]);
    let mut bob = world.client("bob").await;
    let pool = pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:0a".to_owned(),
    };
    let identity = pb::DescribeIdentityRequest {
        identity_id: "us-east-1:0b".to_owned(),
    };
    let list = pb::ListIdentityPoolsRequest::default();

    // What was allowed for one target says nothing of another.
    bob.describe_identity_pool(to("shop", pool.clone()))
        .await
        .unwrap();
    bob.describe_identity_pool(to("", pool.clone()))
        .await
        .unwrap();
    let refusals = [
        bob.describe_identity_pool(to("bank", pool.clone()))
            .await
            .err(),
        bob.describe_identity(to("bank", identity)).await.err(),
        bob.list_identity_pools(to("bank", list)).await.err(),
    ];
    for refusal in refusals {
        assert_eq!(reason(&refusal.unwrap()), "POLICY_FORBIDS");
    }
    assert_eq!(aws.requests(), 2);
    assert_eq!(sts.asked().len(), 1, "no role of the bank was asked for");
    let mut ann = world.client("ann").await;
    ann.describe_identity_pool(to("bank", pool)).await.unwrap();
}

#[tokio::test]
async fn the_arn_of_a_pool_in_another_account_is_refused() {
    let aws = FakeAws::start(Fault::None).await;
    let sts = Sts::start(Answers::Sessions(std::time::Duration::from_secs(3600))).await;
    let targets = target("shop", SHOP, &aws.url, &sts.url, "");
    let world = World::start(&targets, EVERYTHING, &[]);
    let mut ann = world.client("ann").await;
    let tags = |account: &str| pb::ListTagsForResourceRequest {
        resource_arn: format!(
            "arn:aws:cognito-identity:us-east-1:{account}:identitypool/us-east-1:0a"
        ),
    };

    let status = ann
        .list_tags_for_resource(to("", tags(BANK)))
        .await
        .unwrap_err();

    assert_eq!(status.code(), Code::InvalidArgument);
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "resource_arn");
    assert_eq!(aws.requests(), 0);
    for account in [SHOP, ""] {
        ann.list_tags_for_resource(to("", tags(account)))
            .await
            .unwrap();
    }
}

/// What a caller could tell two refusals apart by.
fn shown(status: &tonic::Status) -> (Code, String, String, BTreeMap<String, String>) {
    let info = status.get_details_error_info().unwrap();
    let metadata = info.metadata.into_iter().collect();
    (
        status.code(),
        status.message().to_owned(),
        info.reason,
        metadata,
    )
}

#[tokio::test]
async fn who_may_not_call_a_target_does_not_learn_that_it_is_there() {
    let aws = FakeAws::answering(|_, _| {
        let body = r#"{"__type":"ResourceNotFoundException","message":"IdentityPool not found."}"#;
        let length = body.len();
        format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    })
    .await;
    let sts = Sts::start(Answers::Sessions(std::time::Duration::from_secs(3600))).await;
    let named_only = |name, account| target(name, account, &aws.url, &sts.url, "named_only = true");
    let targets = [
        target("shop", SHOP, &aws.url, &sts.url, ""),
        named_only("bank", BANK),
        elsewhere(&named_only("left", SHOP)),
        elsewhere(&named_only("right", BANK)),
    ];
    let permitting = r#"
        @id("ann") permit (principal == Poolgate::Caller::"token:ann", action, resource);
        @id("bob") permit (principal == Poolgate::Caller::"token:bob", action, resource)
        when { resource has target && ["shop", "left"].contains(resource.target) };
    "#;
    let forbidding = r#"
        @id("everything") permit (principal, action, resource);
        @id("not-for-bob")
        forbid (principal == Poolgate::Caller::"token:bob", action in Poolgate::Action::"all", resource)
        when { resource has target && !["shop", "left"].contains(resource.target) };
    "#;
    let rename = || pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_id: "us-east-1:0a".to_owned(),
            identity_pool_name: "q".to_owned(),
            allow_unauthenticated_identities: Some(false),
            ..Default::default()
        }),
        ..Default::default()
    };
    for (policy, refusal) in [
        (permitting, "NO_POLICY_PERMITS"),
        (forbidding, "POLICY_FORBIDS"),
    ] {
        let world = World::start(&targets.concat(), policy, &[]);
        let before = aws.requests();
        let (mut ann, mut bob) = (world.client("ann").await, world.client("bob").await);
        let pool = |region: &str| pb::DescribeIdentityPoolRequest {
            identity_pool_id: format!("{region}:0a"),
        };
        let tags = |region: &str| pb::ListTagsForResourceRequest {
            resource_arn: format!(
                "arn:aws:cognito-identity:{region}:999999999999:identitypool/{region}:0a"
            ),
        };

        for region in ["us-east-1", "eu-central-1", "ap-south-1"] {
            let there = bob.describe_identity_pool(to("bank", pool(region))).await;
            let nowhere = bob.describe_identity_pool(to("moon", pool(region))).await;
            let (there, nowhere) = (shown(&there.unwrap_err()), shown(&nowhere.unwrap_err()));
            assert_eq!(there, nowhere, "{region}");
            assert_eq!(there.2, refusal, "{region}");
        }
        let there = bob
            .list_tags_for_resource(to("bank", tags("us-east-1")))
            .await;
        let nowhere = bob
            .list_tags_for_resource(to("moon", tags("us-east-1")))
            .await;
        assert_eq!(shown(&there.unwrap_err()), shown(&nowhere.unwrap_err()));
        // What a caller may call it is told of, and nothing else.
        for (client, told) in [
            (
                &mut bob,
                "a call for `eu-central-1` has to name one of the targets `left`",
            ),
            (
                &mut ann,
                "a call for `eu-central-1` has to name one of the targets `left`, `right`",
            ),
        ] {
            let unnamed = client
                .describe_identity_pool(to("", pool("eu-central-1")))
                .await;
            let told = format!("`x-poolgate-target`: {told}");
            assert_eq!(unnamed.unwrap_err().message(), told);
        }
        let status = ann
            .describe_identity_pool(to("moon", pool("us-east-1")))
            .await;
        assert_eq!(
            status.unwrap_err().message(),
            "`x-poolgate-target`: there is no target of this name; the targets of `us-east-1` are \
             `shop`, `bank`"
        );
        assert_eq!(aws.requests(), before);
        // Where policies ask for tags, AWS is asked for those of a target that is there.
        let there = bob.update_identity_pool(to("bank", rename())).await;
        let nowhere = bob.update_identity_pool(to("moon", rename())).await;
        assert_eq!(shown(&there.unwrap_err()), shown(&nowhere.unwrap_err()));
    }
}
