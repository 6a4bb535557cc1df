//! Tokens for a developer's users.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{DEVELOPER, NOW, OWN, USER_POOL, World, both, claims, error, user};

pub fn a_developers_user_gets_one_identity_and_a_token_of_fifteen_minutes(world: &World) {
    let pool = world.pool(json!({"AllowClassicFlow": false}));

    let answer = token_for(world, &pool, "ann", json!({}));
    let again = token_for(world, &pool, "ann", json!({"TokenDuration": 60}));

    assert_eq!(answer["IdentityId"], again["IdentityId"]);
    let claims_of = claims(&answer["Token"]);
    assert_eq!(claims_of["sub"], answer["IdentityId"]);
    assert_eq!(claims_of["aud"], pool);
    assert_eq!(
        claims_of["amr"],
        json!([
            "authenticated",
            DEVELOPER,
            format!("{DEVELOPER}:{pool}:ann")
        ])
    );
    assert_eq!(claims_of["exp"], NOW + 900);
    assert_eq!(claims(&again["Token"])["exp"], NOW + 60);
}

pub fn principal_tags_of_the_request_are_in_the_token(world: &World) {
    let pool = world.pool(json!({}));

    let answer = token_for(world, &pool, "ann", json!({"PrincipalTags": {"a": "b"}}));

    assert_eq!(
        claims(&answer["Token"])["https://aws.amazon.com/tags"],
        json!({"principal_tags": {"a": ["b"]}})
    );
}

pub fn a_developers_token_opens_credentials_until_it_ends(world: &World) {
    let pool = world.pool(json!({}));
    let answer = token_for(world, &pool, "ann", json!({}));
    let other = token_for(world, &pool, "bob", json!({}));
    let ask = |token: &Value| json!({"IdentityId": answer["IdentityId"], "Logins": {OWN: token}});

    world.ok("GetCredentialsForIdentity", ask(&answer["Token"]));
    let classic = world.ok("GetOpenIdToken", ask(&answer["Token"]));
    assert_eq!(
        claims(&classic["Token"])["amr"],
        claims(&answer["Token"])["amr"]
    );

    assert_eq!(
        world.refused("GetCredentialsForIdentity", ask(&other["Token"])),
        error(
            "NotAuthorized",
            "Logins don't match. Please include at least one valid login for this identity or identity pool."
        )
    );
    let forged = format!("{}x", answer["Token"].as_str().unwrap());
    assert_eq!(
        world.refused("GetCredentialsForIdentity", ask(&json!(forged))),
        error(
            "NotAuthorized",
            "Invalid login token. Couldn't verify signed token."
        )
    );
    world.clock.advance(Duration::from_secs(900));
    assert_eq!(
        world.refused("GetCredentialsForIdentity", ask(&answer["Token"])),
        error(
            "NotAuthorized",
            &format!("Invalid login token. Token expired: {0} >= {0}", NOW + 900)
        )
    );
}

pub fn a_guests_token_proves_nothing(world: &World) {
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));
    let token = world.ok("GetOpenIdToken", json!({"IdentityId": guest}));

    let (kind, _) = world.refused(
        "GetCredentialsForIdentity",
        json!({"IdentityId": guest, "Logins": {OWN: token["Token"]}}),
    );

    assert_eq!(kind, "NotAuthorizedException");
}

pub fn only_the_pools_developer_provider_is_supported(world: &World) {
    let pool = world.pool(json!({}));

    let refused = world.refused(
        "GetOpenIdTokenForDeveloperIdentity",
        json!({"IdentityPoolId": pool, "Logins": {"other.example": "ann"}}),
    );

    assert_eq!(
        refused,
        error(
            "InvalidParameter",
            "This identity pool does not support the specified developer provider"
        )
    );
}

pub fn a_developers_user_is_linked_to_an_identity_whose_logins_are_given_too(world: &World) {
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, user("ann"));

    assert_eq!(
        world.refused(
            "GetOpenIdTokenForDeveloperIdentity",
            json!({"IdentityPoolId": pool, "IdentityId": identity, "Logins": {DEVELOPER: "ann"}}),
        ),
        error(
            "NotAuthorized",
            "Logins don't match. Please include at least one valid login for this identity or identity pool."
        )
    );
    let linked = world.ok(
        "GetOpenIdTokenForDeveloperIdentity",
        json!({
            "IdentityPoolId": pool,
            "IdentityId": identity,
            "Logins": both(json!({DEVELOPER: "ann"}), user("ann")),
        }),
    );

    assert_eq!(linked["IdentityId"], identity);
    assert_eq!(
        world.describe(&identity)["Logins"],
        json!([USER_POOL, DEVELOPER])
    );
    let later = token_for(world, &pool, "ann", json!({"IdentityId": identity}));
    assert_eq!(later["IdentityId"], identity);
}

pub fn a_user_of_another_identity_is_registered_already(world: &World) {
    let pool = world.pool(json!({}));
    token_for(world, &pool, "ann", json!({}));
    let guest = world.identity(&pool, json!({}));
    let other = world.identity(&pool, user("ann"));

    for identity in [guest, other] {
        let (kind, _) = world.refused(
            "GetOpenIdTokenForDeveloperIdentity",
            json!({"IdentityPoolId": pool, "IdentityId": identity, "Logins": {DEVELOPER: "ann"}}),
        );
        assert_eq!(kind, "DeveloperUserAlreadyRegisteredException");
    }
    let (kind, _) = world.refused(
        "GetOpenIdTokenForDeveloperIdentity",
        json!({"IdentityPoolId": pool, "Logins": both(json!({DEVELOPER: "ann"}), user("ann"))}),
    );
    assert_eq!(kind, "DeveloperUserAlreadyRegisteredException");
}

/// A token for a user of the developer's, with more members in the request.
pub(super) fn token_for(world: &World, pool: &str, user: &str, more: Value) -> Value {
    let mut request = json!({"IdentityPoolId": pool, "Logins": {DEVELOPER: user}});
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    world.ok("GetOpenIdTokenForDeveloperIdentity", request)
}
