use super::*;
use crate::emulator::quotas::{Overrides, Quotas};

#[test]
fn a_quota_on_requests_counts_by_region_and_fills_up_with_time() {
    let world = world_with(enforced("GetId=2"));
    let pool = world.pool(json!({}));
    let get_id = || world.call("GetId", json!({"IdentityPoolId": pool}));

    assert!(get_id().is_ok());
    assert!(get_id().is_ok());
    let refused = get_id().unwrap_err();
    assert_eq!(refused.kind, "TooManyRequestsException");
    assert_eq!(refused.message, "Rate exceeded");
    let elsewhere = signed(
        "eu-west-2",
        "GetId",
        &json!({"IdentityPoolId": "eu-west-2:0"}),
    );
    let elsewhere = world.emulator.handle(&elsewhere);
    assert_eq!(
        header(&elsewhere, "x-amzn-errortype"),
        "ResourceNotFoundException:"
    );

    world.clock.advance(Duration::from_millis(500));
    assert!(get_id().is_ok());
    assert!(get_id().is_err());
}

#[test]
fn a_quota_on_pools_is_a_limit_of_its_region() {
    let world = world_with(enforced("IdentityPools=1"));
    world.pool(json!({}));
    let another = json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false});

    let refused = world.call("CreateIdentityPool", another).unwrap_err();

    assert_eq!(refused.kind, "LimitExceededException");
}

#[test]
fn there_are_no_quotas_unless_they_are_switched_on() {
    let world = world_with(Quotas {
        enforced: false,
        ..enforced("GetId=0,IdentityPools=0")
    });
    let pool = world.pool(json!({}));

    for _ in 0..100 {
        world.identity(&pool, json!({}));
    }
}

#[test]
fn a_quota_that_aws_does_not_have_is_a_mistake() {
    for (text, mistake) in [
        ("GetId", "`GetId` is not `NAME=NUMBER`"),
        ("GetIdd=1", "`GetIdd` is not the name of a quota"),
        ("GetId=many", "`many` is not a whole number"),
    ] {
        assert_eq!(Overrides::parse(text).unwrap_err(), mistake);
    }
}

fn world_with(quotas: Quotas) -> World {
    World::with(Settings {
        quotas,
        ..Settings::default()
    })
}

fn enforced(overrides: &str) -> Quotas {
    Quotas {
        enforced: true,
        overrides: Overrides::parse(overrides).unwrap(),
    }
}
