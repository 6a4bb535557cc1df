//! Which target a call goes to.

use poolgate::pb;
use tonic::Code;
use tonic_types::StatusExt;

use super::world::{BANK, EVERYTHING, SHOP, World, reason, target, to};
use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::sts::{Answers, Sts};

#[tokio::test]
async fn a_target_that_is_not_there_or_does_not_answer_for_the_region_is_not_called() {
    let aws = FakeAws::start(Fault::None).await;
    let sts = Sts::start(Answers::Sessions(std::time::Duration::from_secs(3600))).await;
    let targets = [
        target("shop", SHOP, &aws.url, &sts.url, "named_only = true"),
        target("bank", BANK, &aws.url, &sts.url, "named_only = true"),
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
