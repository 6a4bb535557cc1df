use super::*;

#[test]
fn with_a_seed_two_runs_with_the_same_calls_get_the_same_answers() {
    let [one, other] = [(); 2].map(|()| run(&seeded(7)));

    assert_eq!(one, other);
}

#[test]
fn another_seed_and_no_seed_give_other_identifiers() {
    let runs = [
        run(&seeded(7)),
        run(&seeded(8)),
        run(&World::new()),
        run(&World::new()),
    ];

    let pools: std::collections::BTreeSet<String> =
        runs.iter().map(|run| run["pool"].to_string()).collect();
    assert_eq!(pools.len(), 4);
}

#[test]
fn a_reset_begins_the_sequence_anew() {
    let world = seeded(7);
    let first = run(&world);

    world.emulator.reset().unwrap();

    assert_eq!(run(&world), first);
}

#[test]
fn what_the_sequence_has_made_before_is_not_made_twice() {
    let world = seeded(7);
    let pool = world.pool(json!({}));
    let snapshot = world.emulator.snapshot().unwrap();

    world.emulator.restore(snapshot).unwrap();
    let next = world.pool(json!({}));

    assert_ne!(pool, next);
    assert!(uuid::Uuid::parse_str(next.trim_start_matches("eu-west-1:")).is_ok());
}

#[test]
fn access_keys_side_by_side_have_sequences_of_their_own() {
    let create = |world: &World, key: &str| {
        let body = json!({"IdentityPoolName": "pool", "AllowUnauthenticatedIdentities": true});
        let request = signed_by(key, REGION, "CreateIdentityPool", &body);
        world.send(&request).unwrap()["IdentityPoolId"].clone()
    };
    let isolated = || {
        World::with(Settings {
            isolation: Isolation::PerAccessKey,
            seed: Some(7),
            ..Settings::default()
        })
    };
    let (alone, beside) = (isolated(), isolated());

    let undisturbed = create(&alone, "ANN");
    let other = create(&beside, "BOB");
    let disturbed = create(&beside, "ANN");

    assert_eq!(undisturbed, disturbed);
    assert_ne!(other, disturbed);
}

/// Everything that is random in an answer, tokens aside: these are signed with a
/// random key.
fn run(world: &World) -> Value {
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, json!({}));
    let credentials = world.ok("GetCredentialsForIdentity", json!({"IdentityId": identity}));
    json!({"pool": pool, "identity": identity, "credentials": credentials})
}

fn seeded(seed: u64) -> World {
    World::with(Settings {
        seed: Some(seed),
        ..Settings::default()
    })
}
