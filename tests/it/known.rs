//! What upstream knows of pools and identities beside what a call says.

use std::sync::Arc;
use std::time::Duration;

use poolgate::caller::Caller;
use poolgate::clock::Clock;
use poolgate::failure::Failure;
use poolgate::operation::Operation;
use poolgate::pb;
use poolgate::upstream::{ABSENCE_LASTS, Outgoing, TAGS_LAST, Upstream};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::support::app::App;
use crate::support::wire::Wire;

const POOL: &str = "us-east-1:11111111-1111-4111-8111-111111111111";

#[tokio::test]
async fn tags_are_asked_for_once_in_a_while_and_anew_for_each_write() {
    let wire = pool_of_team("shop");
    let upstream = over(&wire).await;
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
    let tags = async |operation| {
        let call = call(operation);
        let tags = upstream.pool_tags(&call, POOL, clock.instant()).await;
        tags.unwrap().unwrap()["team"].clone()
    };

    assert_eq!(tags(Operation::DescribeIdentityPool).await, "shop");
    assert_eq!(tags(Operation::GetId).await, "shop");
    assert_eq!(wire.sent().len(), 1, "the second answer was known");

    assert_eq!(tags(Operation::UpdateIdentityPool).await, "shop");
    assert_eq!(wire.sent().len(), 2, "a write is judged by what is so now");

    clock.advance(TAGS_LAST);
    assert_eq!(tags(Operation::GetId).await, "shop");
    assert_eq!(wire.sent().len(), 3, "what is old is asked for again");
    let [of_tags, of_pools] = upstream.remembered();
    assert_eq!((of_tags.cache, of_tags.entries), ("pool_tags", 1));
    assert_eq!(of_tags.hits, 2, "one of them old");
    assert_eq!(of_pools.entries, 0);
}

#[tokio::test]
async fn a_write_to_a_pool_drops_what_was_known_of_it() {
    let wire = pool_of_team("shop");
    let upstream = over(&wire).await;
    let now = Clock::system().instant();
    let read = call(Operation::GetId);
    upstream.pool_tags(&read, POOL, now).await.unwrap();

    let write = Outgoing {
        pool_id: Some(POOL.to_owned()),
        ..call(Operation::SetIdentityPoolRoles)
    };
    let set = upstream.call(write, |aws| async move {
        aws.set_identity_pool_roles()
            .identity_pool_id(POOL)
            .roles("authenticated", "arn:aws:iam::123456789012:role/user")
            .send()
            .await
    });
    set.await.unwrap();
    upstream.pool_tags(&read, POOL, now).await.unwrap();

    let sent = wire.sent();
    let described = sent
        .iter()
        .filter(|sent| sent.operation == "DescribeIdentityPool");
    assert_eq!(described.count(), 2);
}

#[tokio::test]
async fn a_pool_that_is_not_there_has_no_tags_and_is_remembered_as_missing_for_a_moment() {
    let wire = Wire::answering(|_| {
        let body = json!({"__type": "ResourceNotFoundException", "message": "no"});
        (400, body)
    });
    let upstream = over(&wire).await;
    let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);

    for (operation, later, asked, why) in [
        (Operation::GetId, Duration::ZERO, 1, "the first"),
        (Operation::GetId, ABSENCE_LASTS / 2, 1, "remembered"),
        (Operation::TagResource, Duration::ZERO, 2, "a write asks"),
        (
            Operation::GetId,
            ABSENCE_LASTS / 2,
            3,
            "somebody may have created it",
        ),
    ] {
        clock.advance(later);
        let now = clock.instant();
        let tags = upstream.pool_tags(&call(operation), POOL, now).await;
        assert_eq!(tags, Ok(None), "{why}");
        assert_eq!(wire.sent().len(), asked, "{why}");
    }
}

#[tokio::test]
async fn what_aws_does_not_tell_is_no_lack_of_tags() {
    for (why, status, code) in [
        ("a throttle", 400, "TooManyRequestsException"),
        ("a failure", 500, "InternalErrorException"),
        ("a denial of poolgate's own", 400, "AccessDeniedException"),
    ] {
        let wire = Wire::answering(move |_| (status, json!({"__type": code, "message": "no"})));
        let upstream = over(&wire).await;
        let now = Clock::system().instant();

        let tags = upstream.pool_tags(&call(Operation::GetId), POOL, now).await;

        let refused = matches!(tags, Err(Failure::PolicyFactsUnavailable { .. }));
        assert!(refused, "{why}: {tags:?}");
    }
}

/// One asks AWS for all who wait; when the one gives up, another asks.
#[tokio::test]
async fn many_who_want_the_same_tags_ask_once_and_do_not_depend_on_the_first() {
    let gate = Arc::new(Semaphore::new(0));
    let wire = pool_of_team("shop").holding("DescribeIdentityPool", &gate);
    let upstream = Arc::new(over(&wire).await);
    let now = Clock::system().instant();
    let ask = || {
        let upstream = Arc::clone(&upstream);
        tokio::spawn(async move {
            let call = call(Operation::GetId);
            upstream.pool_tags(&call, POOL, now).await.unwrap().unwrap()
        })
    };

    let first = ask();
    while wire.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    let others: Vec<_> = (0..500).map(|_| ask()).collect();
    tokio::task::yield_now().await;
    first.abort();
    gate.add_permits(1000);

    for other in others {
        assert_eq!(other.await.unwrap()["team"], "shop");
    }
    assert!(
        (1..=2).contains(&wire.sent().len()),
        "{}",
        wire.sent().len()
    );
}

#[tokio::test]
async fn identities_that_aws_names_are_known_to_be_of_their_pool() {
    let mut app = App::emulator().await;
    let create = pb::CreateIdentityPoolRequest {
        identity_pool_name: "known".to_owned(),
        allow_unauthenticated_identities: Some(true),
        ..Default::default()
    };
    let created = app.client.create_identity_pool(create).await.unwrap();
    let pool = created.into_inner().identity_pool.unwrap().identity_pool_id;
    let get_id = pb::GetIdRequest {
        identity_pool_id: pool.clone(),
        ..Default::default()
    };

    let identity = app.client.get_id(get_id).await.unwrap().into_inner();

    let known = app
        .upstream
        .pool_of(&Default::default(), &identity.identity_id);
    assert_eq!(known.as_deref(), Some(pool.as_str()));
    assert_eq!(
        app.upstream.pool_of(&Default::default(), "us-east-1:0b"),
        None
    );
}

fn pool_of_team(team: &'static str) -> Wire {
    Wire::answering(move |sent| match sent.operation.as_str() {
        "DescribeIdentityPool" => {
            let pool = json!({
                "IdentityPoolId": sent.body["IdentityPoolId"], "IdentityPoolName": "p",
                "AllowUnauthenticatedIdentities": false, "IdentityPoolTags": {"team": team},
            });
            (200, pool)
        }
        _ => (200, json!({})),
    })
}

async fn over(wire: &Wire) -> Upstream {
    Upstream::new(Default::default(), Some(wire.client()), TaskTracker::new()).await
}

fn call(operation: Operation) -> Outgoing {
    Outgoing {
        operation,
        target: Default::default(),
        region: Some("us-east-1".to_owned()),
        pool_id: None,
        caller: Caller::anonymous(),
        flow: Default::default(),
        held: Default::default(),
        left: Duration::from_secs(60),
        notes: Default::default(),
        tenant: None,
    }
}
