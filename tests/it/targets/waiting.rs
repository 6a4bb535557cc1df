//! Who waits for a session is waited for by nobody else.

use std::time::Duration;

use poolgate::pb;

use super::world::{Client, EVERYTHING, SHOP, World, target, to};
use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::sts::{Answers, Sts};

/// Waits until the service was asked for the first time.
async fn asked(sts: &Sts) {
    while sts.asked().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_caller_whose_session_cannot_be_had_keeps_no_other_from_a_pools_tags() {
    let aws = FakeAws::start(Fault::None).await;
    let sts = Sts::start(Answers::SilenceFor("token-ann")).await;
    let targets = target("shop", SHOP, &aws.url, &sts.url, "");
    let policy = r#"
        @id("everything") permit (principal, action, resource);
        @id("pool") forbid (principal, action, resource is Poolgate::IdentityPool)
        unless { resource.tags_known };
    "#;
    let world = World::start(&targets, policy, &[]);
    let (mut ann, mut bob) = (world.client("ann").await, world.client("bob").await);
    let pool = || pb::DescribeIdentityPoolRequest {
        identity_pool_id: "us-east-1:0a".to_owned(),
    };

    let waits = tokio::spawn(async move { ann.describe_identity_pool(to("", pool())).await });
    asked(&sts).await;
    let answer = bob.describe_identity_pool(to("", pool())).await;

    answer.unwrap();
    assert!(!waits.is_finished(), "the one waited for the other");
    waits.abort();
}

#[tokio::test]
async fn a_change_that_waits_for_its_session_does_not_hold_the_pool() {
    let aws = FakeAws::start(Fault::None).await;
    let (silent, sts) = (
        Sts::start(Answers::Silence).await,
        Sts::start(Answers::Sessions(Duration::from_secs(3600))).await,
    );
    let targets = [
        target("shop", SHOP, &aws.url, &silent.url, ""),
        target("till", SHOP, &aws.url, &sts.url, "named_only = true"),
    ];
    // They ask for tags, and that waits for the session as well.
    let guardrails = "guardrail-production-guests,guardrail-production-classic-flow,\
                      guardrail-production-tag";
    let off = [("POOLGATE_POLICY__GUARDRAILS_OFF", guardrails)];
    let world = World::start(&targets.concat(), EVERYTHING, &off);
    let rename = |mut client: Client, target: &'static str, mask: &'static [&'static str]| async move {
        let request = pb::UpdateIdentityPoolRequest {
            identity_pool: Some(pb::IdentityPool {
                identity_pool_id: "us-east-1:0a".to_owned(),
                identity_pool_name: "q".to_owned(),
                allow_unauthenticated_identities: Some(false),
                ..Default::default()
            }),
            update_mask: (!mask.is_empty()).then(|| prost_types::FieldMask {
                paths: mask.iter().map(|&path| path.to_owned()).collect(),
            }),
        };
        client.update_identity_pool(to(target, request)).await
    };
    let client = world.client("ann").await;

    let waits = [&[][..], &["identity_pool_name"]]
        .map(|mask| tokio::spawn(rename(client.clone(), "shop", mask)));
    asked(&silent).await;
    for mask in [&[][..], &["identity_pool_name"]] {
        rename(client.clone(), "till", mask).await.unwrap();
    }

    for waits in waits {
        assert!(!waits.is_finished(), "the one waited for the other");
        waits.abort();
    }
}
