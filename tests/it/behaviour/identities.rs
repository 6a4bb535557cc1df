//! Guests and users, and how their identities merge.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{GOOGLE, NOW, USER_POOL, World, both, error, google, user};

pub fn every_guest_is_a_new_identity(world: &World) {
    let pool = world.pool(json!({}));

    let one = world.identity(&pool, json!({}));
    let other = world.identity(&pool, json!({}));

    assert_ne!(one, other);
    assert_eq!(
        world.describe(&one),
        json!({"IdentityId": one, "CreationDate": NOW as f64, "LastModifiedDate": NOW as f64})
    );
}

pub fn a_user_keeps_the_identity_when_the_token_is_refreshed(world: &World) {
    let pool = world.pool(json!({}));

    let first = world.identity(&pool, user("ann"));
    world.clock.advance(Duration::from_secs(60));
    let second = world.identity(&pool, user("ann"));

    assert_eq!(first, second);
    assert_ne!(first, world.identity(&pool, user("bob")));
    let described = world.describe(&first);
    assert_eq!(described["Logins"], json!([USER_POOL]));
    assert_eq!(described["LastModifiedDate"], NOW as f64);
}

pub fn a_user_gets_one_identity_however_many_ask_at_once(world: &World) {
    let pool = world.pool(json!({}));

    let found: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| world.identity(&pool, user("ann"))))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });

    assert_eq!(found.len(), 1);
}

pub fn the_same_user_is_another_identity_in_another_pool(world: &World) {
    let pools = [world.pool(json!({})), world.pool(json!({}))];

    let [one, other] = pools.map(|pool| world.identity(&pool, user("ann")));

    assert_ne!(one, other);
}

pub fn a_second_login_is_linked_to_the_identity_of_the_first(world: &World) {
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, user("ann"));

    assert_eq!(
        world.identity(&pool, both(user("ann"), google("ann.g"))),
        identity
    );

    assert_eq!(world.identity(&pool, google("ann.g")), identity);
    assert_eq!(
        world.describe(&identity)["Logins"],
        json!([GOOGLE, USER_POOL])
    );
}

pub fn logins_of_two_identities_merge_them_and_the_elder_survives(world: &World) {
    let pool = world.pool(json!({}));
    let elder = world.identity(&pool, user("ann"));
    world.clock.advance(Duration::from_secs(1));
    let younger = world.identity(&pool, google("ann.g"));

    let merged = world.identity(&pool, both(user("ann"), google("ann.g")));

    assert_eq!(merged, elder);
    assert_eq!(world.describe(&younger).get("Logins"), None);
    assert_eq!(listed(world, &pool, false).len(), 2);
    assert_eq!(listed(world, &pool, true), [elder]);
}

pub fn an_identity_has_one_user_of_a_provider(world: &World) {
    let pool = world.pool(json!({}));
    let ann = world.identity(&pool, both(user("ann"), google("ann.g")));

    let (kind, _) = world.refused(
        "GetId",
        json!({"IdentityPoolId": pool, "Logins": both(user("ann"), google("bob.g"))}),
    );

    assert_eq!(kind, "ResourceConflictException");
    assert_ne!(world.identity(&pool, google("bob.g")), ann);
}

pub fn identities_are_listed_page_by_page(world: &World) {
    let pool = world.pool(json!({}));
    let other_pool = world.pool(json!({}));
    world.identity(&other_pool, json!({}));
    let mut made: Vec<String> = (0..5).map(|_| world.identity(&pool, json!({}))).collect();
    made.sort();

    assert_eq!(listed(world, &pool, false), made);

    let page = world.ok(
        "ListIdentities",
        json!({"IdentityPoolId": pool, "MaxResults": 1}),
    );
    let (kind, _) = world.refused(
        "ListIdentities",
        json!({"IdentityPoolId": other_pool, "MaxResults": 1, "NextToken": page["NextToken"]}),
    );
    assert_eq!(kind, "InvalidParameterException");
}

pub fn deleted_identities_are_gone_and_their_users_get_new_ones(world: &World) {
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, user("ann"));

    let deleted = world.ok(
        "DeleteIdentities",
        json!({"IdentityIdsToDelete": [identity, "eu-west-1:0a"]}),
    );

    assert_eq!(deleted, json!({}));
    assert_eq!(
        world.refused("DescribeIdentity", json!({"IdentityId": identity})),
        error(
            "ResourceNotFound",
            &format!("Identity '{identity}' not found.")
        )
    );
    assert_ne!(world.identity(&pool, user("ann")), identity);
}

pub fn unlinking_needs_a_login_of_the_identity_and_the_last_one_disables_it(world: &World) {
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, both(user("ann"), google("ann.g")));
    let unlink = |logins: Value, provider: &str| json!({"IdentityId": identity, "Logins": logins, "LoginsToRemove": [provider]});

    assert_eq!(
        world.refused("UnlinkIdentity", unlink(user("bob"), GOOGLE)),
        error(
            "NotAuthorized",
            "Logins don't match. Please include at least one valid login for this identity or identity pool."
        )
    );
    world.ok("UnlinkIdentity", unlink(user("ann"), GOOGLE));
    assert_ne!(world.identity(&pool, google("ann.g")), identity);
    assert_eq!(world.identity(&pool, user("ann")), identity);

    world.ok("UnlinkIdentity", unlink(user("ann"), USER_POOL));
    assert_ne!(world.identity(&pool, user("ann")), identity);
    assert!(!listed(world, &pool, true).contains(&identity));
    assert_eq!(
        world.refused("GetCredentialsForIdentity", json!({"IdentityId": identity})),
        error(
            "NotAuthorized",
            &format!("Access to Identity '{identity}' is forbidden.")
        )
    );
}

/// The identifiers of a pool's identities, read two at a time.
fn listed(world: &World, pool: &str, hide_disabled: bool) -> Vec<String> {
    let mut seen = Vec::new();
    let mut request =
        json!({"IdentityPoolId": pool, "MaxResults": 2, "HideDisabled": hide_disabled});
    loop {
        let page = world.ok("ListIdentities", request.clone());
        for identity in page["Identities"].as_array().unwrap() {
            seen.push(identity["IdentityId"].as_str().unwrap().to_owned());
        }
        match page.get("NextToken") {
            Some(next) => request["NextToken"] = next.clone(),
            None => return seen,
        }
    }
}
