use super::*;

#[test]
fn a_snapshot_brings_everything_back() {
    let world = World::new();
    let pool = world.pool(json!({"AllowClassicFlow": false, "IdentityPoolTags": {"a": "b"}}));
    let ann = world.identity(&pool, both(user("ann"), google("ann")));
    let guest = world.identity(&pool, json!({}));
    let everything = || {
        json!([
            world.ok("DescribeIdentityPool", json!({"IdentityPoolId": pool})),
            world.ok("GetIdentityPoolRoles", json!({"IdentityPoolId": pool})),
            world.describe(&ann),
            world.describe(&guest),
        ])
    };
    let before = everything();
    let snapshot = world.emulator.snapshot().unwrap();

    world.emulator.reset().unwrap();
    assert!(
        world
            .call("DescribeIdentityPool", json!({"IdentityPoolId": pool}))
            .is_err()
    );
    world.emulator.restore(snapshot.clone()).unwrap();

    assert_eq!(everything(), before);
    assert_eq!(world.identity(&pool, google("ann")), ann);
    assert_eq!(world.emulator.snapshot().unwrap(), snapshot);
}

#[test]
fn a_restored_state_has_nothing_that_came_after_the_snapshot() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let snapshot = world.emulator.snapshot().unwrap();
    let later = world.identity(&pool, user("ann"));

    world.emulator.restore(snapshot).unwrap();

    let refused = world.call("DescribeIdentity", json!({"IdentityId": later}));
    assert_eq!(refused.unwrap_err().kind, "ResourceNotFoundException");
    assert_ne!(world.identity(&pool, user("ann")), later);
}

#[test]
fn tokens_stay_good_over_a_reset() {
    let world = World::new();
    let keys = world.emulator.jwks().unwrap();
    world.pool(json!({}));

    world.emulator.reset().unwrap();

    let modulus = |keys: &Value| keys["keys"][0]["n"].clone();
    assert_eq!(modulus(&world.emulator.jwks().unwrap()), modulus(&keys));
}

#[test]
fn roles_and_tags_of_a_provider_that_went_come_back() {
    let world = World::new();
    world.pool(json!({}));
    let mut snapshot = world.emulator.snapshot().unwrap();
    snapshot["pools"][0]["roles"] = json!({"authenticated": ROLE});
    snapshot["pools"][0]["role_mappings"] = mapping(ROLE);
    snapshot["pools"][0]["principal_tags"] = json!({"p": tags("tag")});

    world.emulator.restore(snapshot.clone()).unwrap();

    assert_eq!(world.emulator.snapshot().unwrap(), snapshot);
}

const ROLE: &str = "arn:aws:iam::123456789012:role/user";

fn mapping(role: &str) -> Value {
    let rule = json!({"Claim": "c", "MatchType": "Equals", "Value": "v", "RoleARN": role});
    json!({"p": {
        "Type": "Rules",
        "AmbiguousRoleResolution": "Deny",
        "RulesConfiguration": {"Rules": [rule]},
    }})
}

fn tags(name: &str) -> Value {
    json!({"UseDefaults": false, "PrincipalTags": {name: "sub"}})
}

/// What is done to a snapshot, in words and in deed.
type Damage = (&'static str, fn(&mut Value));

#[test]
fn what_is_not_a_snapshot_is_refused_and_changes_nothing() {
    let world = World::new();
    let pool = world.pool(json!({}));
    world.identity(&pool, both(user("ann"), google("ann")));
    world.identity(&pool, user("bob"));
    let good = world.emulator.snapshot().unwrap();
    let damages: [Damage; 25] = [
        ("not an object", |it| *it = json!([1])),
        ("no kind", |it| it["kind"] = Value::Null),
        ("no version", |it| it["version"] = json!("1")),
        ("version 0", |it| it["version"] = json!(0)),
        ("an unknown member", |it| it["more"] = json!(1)),
        ("no pools", |it| it["pools"] = Value::Null),
        ("a pool twice", |it| {
            let pool = it["pools"][0].clone();
            it["pools"].as_array_mut().unwrap().push(pool);
        }),
        ("an unknown member of a pool", |it| {
            it["pools"][0]["configuration"]["More"] = json!(1);
        }),
        ("a pool with a name that AWS refuses", |it| {
            it["pools"][0]["configuration"]["IdentityPoolName"] = json!("#");
        }),
        ("identities without their pool", |it| {
            it["pools"] = json!([])
        }),
        ("an identity twice", |it| {
            let identity = it["identities"][0].clone();
            it["identities"].as_array_mut().unwrap().push(identity);
        }),
        ("a login with two identities", |it| {
            it["identities"][0]["logins"] = it["identities"][1]["logins"].clone();
        }),
        ("an identity in another region", |it| {
            it["identities"][0]["id"] = json!("us-east-1:00000000");
        }),
        ("a disabled identity with logins", |it| {
            it["identities"][0]["disabled"] = json!(true);
        }),
        ("an identity of after the last year", |it| {
            it["identities"][0]["created"] = json!(1e308);
        }),
        ("an identity changed before the first year", |it| {
            it["identities"][0]["modified"] = json!(-5);
        }),
        ("a login of no provider", |it| {
            it["identities"][0]["logins"] = json!([{"provider": "", "subject": "ann"}]);
        }),
        ("a login of nobody", |it| {
            it["identities"][0]["logins"] = json!([{"provider": "p", "subject": ""}]);
        }),
        ("a tenant with an endless name", |it| {
            it["pools"][0]["tenant"] = json!("x".repeat(129));
        }),
        ("a role of another kind", |it| {
            it["pools"][0]["roles"] = json!({"third": ROLE});
        }),
        ("a role that is none", |it| {
            it["pools"][0]["roles"] = json!({"authenticated": "x".repeat(30)});
        }),
        ("a mapping without what it needs", |it| {
            it["pools"][0]["role_mappings"] = json!({"p": {"Type": "Rules"}});
        }),
        ("a mapping to what is no role", |it| {
            it["pools"][0]["role_mappings"] = mapping(&"x".repeat(30));
        }),
        ("principal tags of no provider", |it| {
            it["pools"][0]["principal_tags"] = json!({"": tags("tag")});
        }),
        ("a principal tag without a name", |it| {
            it["pools"][0]["principal_tags"] = json!({"p": tags("")});
        }),
    ];
    for (why, damage) in damages {
        let mut bad = good.clone();
        damage(&mut bad);

        let refused = world.emulator.restore(bad);

        assert!(
            matches!(refused, Err(RestoreError::NotASnapshot(_))),
            "{why}: {refused:?}"
        );
        assert_eq!(world.emulator.snapshot().unwrap(), good, "{why}");
    }
}

#[test]
fn a_snapshot_of_a_newer_version_is_named_as_one() {
    let world = World::new();
    let mut newer = world.emulator.snapshot().unwrap();
    newer["version"] = json!(2);

    let refused = world.emulator.restore(newer).unwrap_err().to_string();

    assert_eq!(
        refused,
        "a snapshot of version 2, made by a newer version of poolgate; this one knows 1"
    );
}
