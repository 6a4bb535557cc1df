use super::*;

#[test]
fn each_access_key_has_a_store_of_its_own() {
    let world = isolated();
    let ann = create(&world, "ANN");
    let bob = create(&world, "BOB");

    for (key, own, other) in [("ANN", &ann, &bob), ("BOB", &bob, &ann)] {
        let listed = ask(&world, key, "ListIdentityPools", json!({"MaxResults": 60}));
        assert_eq!(
            listed.unwrap()["IdentityPools"],
            json!([{"IdentityPoolId": own, "IdentityPoolName": "pool"}])
        );
        for operation in [
            "DescribeIdentityPool",
            "DeleteIdentityPool",
            "GetIdentityPoolRoles",
        ] {
            let refused = ask(&world, key, operation, json!({"IdentityPoolId": other}));
            assert_eq!(refused.unwrap_err().kind, "ResourceNotFoundException");
        }
    }
}

#[test]
fn an_unsigned_request_finds_the_store_by_what_it_names() {
    let world = isolated();
    let pool = create(&world, "ANN");

    let body = open(&world, "GetId", json!({"IdentityPoolId": pool})).unwrap();
    let token = open(&world, "GetOpenIdToken", body.clone());

    assert!(token.is_ok());
    assert!(ask(&world, "ANN", "DescribeIdentity", body.clone()).is_ok());
    let refused = ask(&world, "BOB", "DescribeIdentity", body);
    assert_eq!(refused.unwrap_err().kind, "ResourceNotFoundException");
}

#[test]
fn nobody_deletes_the_identities_of_others() {
    let world = isolated();
    let pool = create(&world, "ANN");
    let guest = open(&world, "GetId", json!({"IdentityPoolId": pool})).unwrap();
    let delete = json!({"IdentityIdsToDelete": [guest["IdentityId"]]});

    ask(&world, "BOB", "DeleteIdentities", delete.clone()).unwrap();
    assert!(ask(&world, "ANN", "DescribeIdentity", guest.clone()).is_ok());

    ask(&world, "ANN", "DeleteIdentities", delete).unwrap();
    assert!(ask(&world, "ANN", "DescribeIdentity", guest).is_err());
}

#[test]
fn without_isolation_access_keys_make_no_difference() {
    let world = World::new();
    let pool = create(&world, "ANN");

    assert!(
        ask(
            &world,
            "BOB",
            "DescribeIdentityPool",
            json!({"IdentityPoolId": pool})
        )
        .is_ok()
    );
}

#[test]
fn more_stores_than_there_may_be_are_refused() {
    let world = isolated();
    for number in 0..10_000 {
        create(&world, &format!("KEY{number}"));
    }

    let body = json!({"IdentityPoolName": "pool", "AllowUnauthenticatedIdentities": true});
    let refused = ask(&world, "ONEMORE", "CreateIdentityPool", body).unwrap_err();

    assert_eq!(refused.kind, "LimitExceededException");
    assert_eq!(
        refused.message,
        "The emulator cannot keep more than 10000 isolated stores."
    );
    create(&world, "KEY0");
}

fn isolated() -> World {
    World::with(Settings {
        isolation: Isolation::PerAccessKey,
        ..Settings::default()
    })
}

fn create(world: &World, key: &str) -> String {
    let body = json!({"IdentityPoolName": "pool", "AllowUnauthenticatedIdentities": true});
    let pool = ask(world, key, "CreateIdentityPool", body).unwrap();
    pool["IdentityPoolId"].as_str().unwrap().to_owned()
}

/// Without a signature, which would name the region.
fn open(world: &World, operation: &str, body: Value) -> Result<Value, Refused> {
    let mut request = unsigned(operation, &body.to_string());
    *request.uri_mut() = format!("https://cognito-identity.{REGION}.amazonaws.com/")
        .parse()
        .unwrap();
    world.send(&request)
}

fn ask(world: &World, key: &str, operation: &str, body: Value) -> Result<Value, Refused> {
    world.send(&signed_by(key, REGION, operation, &body))
}
