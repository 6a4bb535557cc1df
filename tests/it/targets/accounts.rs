//! Nothing of one account is told of another.

use poolgate::pb;
use tonic::Code;
use tonic_types::StatusExt;

use super::world::{Account, BANK, Client, EVERYTHING, SHOP, World, reason, target, to};
use crate::support::each_once::EachOnce;
use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::metrics;
use crate::support::records::records;
use crate::support::sts::{Answers, Sts};

/// Two emulators, each of which answers for its own roles as well.
async fn two_accounts() -> (Account, Account, String) {
    let (shop, bank) = (Account::start(SHOP).await, Account::start(BANK).await);
    let targets = [
        target("shop", SHOP, &shop.url, &shop.url, ""),
        target("bank", BANK, &bank.url, &bank.url, "named_only = true"),
    ];
    (shop, bank, targets.concat())
}

async fn create(client: &mut Client, target: &str) -> String {
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: format!("of {target}"),
        allow_unauthenticated_identities: Some(true),
        identity_pool_tags: [("team".to_owned(), target.to_owned())].into(),
        ..Default::default()
    };
    let created = client
        .create_identity_pool(to(target, request))
        .await
        .unwrap();
    let pool = created.into_inner().identity_pool.unwrap();
    pool.identity_pool_id
}

#[tokio::test]
async fn a_pool_made_in_one_account_is_not_seen_in_the_other() {
    let (_shop, _bank, targets) = two_accounts().await;
    let world = World::start(&targets, EVERYTHING, &[]);
    let mut ann = world.client("ann").await;

    let of_shop = create(&mut ann, "shop").await;
    let of_bank = create(&mut ann, "bank").await;

    for (target, own, other) in [("shop", &of_shop, &of_bank), ("bank", &of_bank, &of_shop)] {
        let describe = |pool: &String| pb::DescribeIdentityPoolRequest {
            identity_pool_id: pool.clone(),
        };
        ann.describe_identity_pool(to(target, describe(own)))
            .await
            .unwrap();
        let status = ann
            .describe_identity_pool(to(target, describe(other)))
            .await;
        assert_eq!(status.unwrap_err().code(), Code::NotFound, "{target}");
        let list = pb::ListIdentityPoolsRequest::default();
        let listed = ann.list_identity_pools(to(target, list)).await.unwrap();
        let ids = listed.into_inner().identity_pools.into_iter();
        let ids: Vec<String> = ids.map(|pool| pool.identity_pool_id).collect();
        assert_eq!(ids, std::slice::from_ref(own), "{target}");
    }
    // What a call does not name goes to the shop.
    let list = pb::ListIdentityPoolsRequest::default();
    let listed = ann.list_identity_pools(to("", list)).await.unwrap();
    assert_eq!(
        listed.into_inner().identity_pools[0].identity_pool_id,
        of_shop
    );
}

#[tokio::test]
async fn what_policies_have_learnt_of_one_account_is_not_believed_of_another() {
    let (_shop, _bank, targets) = two_accounts().await;
    let policy = r#"
        @id("account") permit (principal, action, resource is Poolgate::Account);
        @id("tagged") permit (principal, action, resource is Poolgate::IdentityPool)
        when { resource.hasTag("team") };
        @id("of-tagged") permit (principal, action, resource is Poolgate::Identity)
        when { resource has pool && resource.pool.hasTag("team") };
    "#;
    let world = World::start(&targets, policy, &[]);
    let mut ann = world.client("ann").await;
    let pool = create(&mut ann, "shop").await;
    let get_id = pb::GetIdRequest {
        identity_pool_id: pool,
        ..Default::default()
    };
    let identity = ann.get_id(to("shop", get_id.clone())).await.unwrap();
    let identity = pb::DescribeIdentityRequest {
        identity_id: identity.into_inner().identity_id,
    };
    ann.describe_identity(to("shop", identity.clone()))
        .await
        .unwrap();

    let of_pool = ann.get_id(to("bank", get_id.clone())).await.unwrap_err();
    let of_identity = ann
        .describe_identity(to("bank", identity.clone()))
        .await
        .unwrap_err();

    assert_eq!(reason(&of_pool), "NO_POLICY_PERMITS");
    assert_eq!(reason(&of_identity), "NO_POLICY_PERMITS");
    ann.get_id(to("shop", get_id)).await.unwrap();
    ann.describe_identity(to("shop", identity)).await.unwrap();
}

/// AWS itself would answer: what is not signed is not of an account.
#[tokio::test]
async fn what_is_not_signed_can_be_kept_to_pools_of_the_target() {
    let (_shop, _bank, targets) = two_accounts().await;
    let policy = r#"
        @id("everything") permit (principal, action, resource);
        @id("pool") forbid (principal, action == Poolgate::Action::"GetId", resource is Poolgate::IdentityPool)
        unless { resource.tags_known };
        @id("identity") forbid (principal, action == Poolgate::Action::"GetOpenIdToken", resource is Poolgate::Identity)
        unless { resource has pool && resource.pool.tags_known };
    "#;
    let world = World::start(&targets, policy, &[]);
    let mut ann = world.client("ann").await;
    let get_id = pb::GetIdRequest {
        identity_pool_id: create(&mut ann, "bank").await,
        ..Default::default()
    };
    let identity = ann.get_id(to("bank", get_id.clone())).await.unwrap();
    let token = pb::GetOpenIdTokenRequest {
        identity_id: identity.into_inner().identity_id,
        ..Default::default()
    };

    ann.get_open_id_token(to("bank", token.clone()))
        .await
        .unwrap();
    let by_pool = ann.get_id(to("", get_id)).await.unwrap_err();
    let by_identity = ann.get_open_id_token(to("", token)).await.unwrap_err();

    for status in [by_pool, by_identity] {
        assert_eq!(reason(&status), "POLICY_FORBIDS");
    }
}

#[tokio::test]
async fn a_record_has_the_account_and_the_target_that_were_called() {
    let (_shop, _bank, targets) = two_accounts().await;
    let world = World::start(&targets, EVERYTHING, &[]);
    let mut ann = world.client("ann").await;
    create(&mut ann, "bank").await;
    create(&mut ann, "").await;
    let unknown = pb::ListIdentityPoolsRequest::default();
    ann.list_identity_pools(to("moon", unknown))
        .await
        .unwrap_err();
    let elsewhere = pb::DescribeIdentityPoolRequest {
        identity_pool_id: "eu-west-1:0a".to_owned(),
    };
    let answer = ann.describe_identity_pool(to("bank", elsewhere)).await;
    answer.unwrap_err();
    let mut both = to("shop", pb::ListIdentityPoolsRequest::default());
    both.metadata_mut()
        .append("x-poolgate-target", "bank".parse().unwrap());
    ann.list_identity_pools(both).await.unwrap_err();
    let of_nobody = "arn:aws:cognito-identity:us-east-1:999999999999:identitypool/us-east-1:0a";
    for name in ["bank", ""] {
        let tags = pb::ListTagsForResourceRequest {
            resource_arn: of_nobody.to_owned(),
        };
        let answer = ann.list_tags_for_resource(to(name, tags)).await;
        answer.unwrap_err();
    }
    let journal = world.journal();

    let calls: Vec<_> = records(&journal)
        .into_iter()
        .filter(|record| record["eventType"] == "AwsApiCall")
        .collect();

    let expected = [
        ("intent", Some((BANK, "bank")), None),
        ("outcome", Some((BANK, "bank")), None),
        ("intent", Some((SHOP, "shop")), None),
        ("outcome", Some((SHOP, "shop")), None),
        ("outcome", None, Some("moon")),
        ("outcome", None, Some("bank")),
        ("outcome", None, Some("shop,bank")),
        ("outcome", None, Some("bank")),
        ("outcome", None, None),
    ];
    assert_eq!(calls.len(), expected.len(), "{calls:#?}");
    for (record, (phase, called, requested)) in calls.iter().zip(expected) {
        let additional = &record["additionalEventData"];
        let (account, target) = called.unzip();
        assert_eq!(additional["phase"], phase);
        assert_eq!(additional["target"].as_str(), target);
        assert_eq!(additional["requestedTarget"].as_str(), requested);
        assert_eq!(record["recipientAccountId"].as_str(), account);
        assert_eq!(record["userIdentity"]["accountId"].as_str(), account);
        if let (Some(account), "outcome") = (account, phase) {
            assert_eq!(record["resources"][0]["accountId"], account);
            let arn = record["resources"][0]["ARN"].as_str().unwrap();
            assert!(
                arn.contains(&format!(":us-east-1:{account}:identitypool/")),
                "{arn}"
            );
        }
    }
}

#[tokio::test]
async fn an_account_that_fails_keeps_nobody_from_another() {
    let broken = FakeAws::start(Fault::InternalError).await;
    let aws = FakeAws::start(Fault::None).await;
    let sts = Sts::start(Answers::Sessions(std::time::Duration::from_secs(3600))).await;
    let targets = [
        target("shop", SHOP, &broken.url, &sts.url, ""),
        target("bank", BANK, &aws.url, &sts.url, "named_only = true"),
    ];
    let spare = [("POOLGATE_UPSTREAM__SPARE", "always")];
    let world = World::start(&targets.concat(), EVERYTHING, &spare);
    let mut ann = world.client("ann").await;
    let pool = pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:0a".to_owned(),
    };

    let mut open = None;
    for _ in 0..200 {
        let answer = ann.describe_identity_pool(to("shop", pool.clone())).await;
        let status = answer.unwrap_err();
        if reason(&status) == "CIRCUIT_OPEN" {
            open = Some(status);
            break;
        }
    }

    let open = open.unwrap();
    let place = "DescribeIdentityPool fails in us-east-1 of target `shop`";
    assert_eq!(
        open.message(),
        format!("{place}, and is not tried for a moment")
    );
    let info = open.get_details_error_info().unwrap();
    assert_eq!(info.metadata["target"], "shop");
    ann.describe_identity_pool(to("bank", pool)).await.unwrap();
    let log = world.end();
    let has = |parts: &[&str]| {
        let mut lines = log.iter();
        lines.any(|line| parts.iter().all(|part| line.contains(part)))
    };
    assert!(has(&[place, "again and again"]), "{log:#?}");
    for line in &log {
        let read = serde_json::from_str::<EachOnce>(line);
        assert!(read.is_ok(), "{:?}: {line}", read.err());
    }
    for target in ["shop", "bank"] {
        let target = format!("\"upstream_target\":\"{target}\"");
        assert!(
            has(&["\"method\":\"DescribeIdentityPool\"", &target]),
            "{log:#?}"
        );
    }
}

#[tokio::test]
async fn what_becomes_of_sessions_is_counted_for_each_target() {
    let aws = FakeAws::start(Fault::None).await;
    let hour = std::time::Duration::from_secs(3600);
    let (given, refused) = (
        Sts::start(Answers::Sessions(hour)).await,
        Sts::start(Answers::Refusal).await,
    );
    let targets = [
        target("shop", SHOP, &aws.url, &given.url, ""),
        target("bank", BANK, &aws.url, &refused.url, "named_only = true"),
    ];
    let admin = [("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0")];
    let world = World::start(&targets.concat(), EVERYTHING, &admin);
    let mut ann = world.client("ann").await;
    for name in ["shop", "bank"] {
        let pool = pb::DescribeIdentityPoolRequest {
            identity_pool_id: "us-east-1:0a".to_owned(),
        };
        let answer = ann.describe_identity_pool(to(name, pool)).await;
        assert_eq!(answer.is_ok(), name == "shop");
    }

    let metrics = metrics::read(world.admin()).await;

    for line in [
        r#"poolgate_upstream_sessions_total{target="shop",outcome="given"} 1"#,
        r#"poolgate_upstream_sessions_total{target="bank",outcome="refused"} 1"#,
        r#"poolgate_upstream_session_seconds_count{target="shop"} 1"#,
    ] {
        assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
    }
}
