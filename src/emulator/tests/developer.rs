use super::*;

#[test]
fn a_developers_user_gets_one_identity_and_a_token_of_fifteen_minutes() {
    let world = World::new();
    let pool = world.pool(json!({"AllowClassicFlow": false}));

    let answer = token_for(&world, &pool, "ann", json!({}));
    let again = token_for(&world, &pool, "ann", json!({"TokenDuration": 60}));

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

#[test]
fn principal_tags_of_the_request_are_in_the_token() {
    let world = World::new();
    let pool = world.pool(json!({}));

    let answer = token_for(&world, &pool, "ann", json!({"PrincipalTags": {"a": "b"}}));

    assert_eq!(
        claims(&answer["Token"])["https://aws.amazon.com/tags"],
        json!({"principal_tags": {"a": ["b"]}})
    );
}

#[test]
fn a_developers_token_opens_credentials_until_it_ends() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let answer = token_for(&world, &pool, "ann", json!({}));
    let other = token_for(&world, &pool, "bob", json!({}));
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

#[test]
fn a_guests_token_proves_nothing() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));
    let token = world.ok("GetOpenIdToken", json!({"IdentityId": guest}));

    let (kind, _) = world.refused(
        "GetCredentialsForIdentity",
        json!({"IdentityId": guest, "Logins": {OWN: token["Token"]}}),
    );

    assert_eq!(kind, "NotAuthorizedException");
}

#[test]
fn only_the_pools_developer_provider_is_supported() {
    let world = World::new();
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

#[test]
fn a_developers_user_is_linked_to_an_identity_whose_logins_are_given_too() {
    let world = World::new();
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
    let later = token_for(&world, &pool, "ann", json!({"IdentityId": identity}));
    assert_eq!(later["IdentityId"], identity);
}

#[test]
fn a_user_of_another_identity_is_registered_already() {
    let world = World::new();
    let pool = world.pool(json!({}));
    token_for(&world, &pool, "ann", json!({}));
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

#[test]
fn a_lookup_goes_from_user_to_identity_and_back() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let answer = token_for(&world, &pool, "a", json!({}));
    let identity = &answer["IdentityId"];
    for user in ["b", "c"] {
        token_for(&world, &pool, user, json!({"IdentityId": identity}));
    }
    let lookup = |more: Value| {
        let mut body = json!({"IdentityPoolId": pool});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        world.call("LookupDeveloperIdentity", body)
    };
    let found =
        |users: &[&str]| json!({"IdentityId": identity, "DeveloperUserIdentifierList": users});

    assert_eq!(
        lookup(json!({"DeveloperUserIdentifier": "b"})),
        Ok(found(&["b"]))
    );
    assert_eq!(
        lookup(json!({"IdentityId": identity})),
        Ok(found(&["a", "b", "c"]))
    );
    assert_eq!(
        lookup(json!({"IdentityId": identity, "DeveloperUserIdentifier": "c"})),
        Ok(found(&["c"]))
    );
    let page = lookup(json!({"IdentityId": identity, "MaxResults": 2})).unwrap();
    assert_eq!(page["DeveloperUserIdentifierList"], json!(["a", "b"]));
    let next = page["NextToken"].clone();
    assert_eq!(
        lookup(json!({"IdentityId": identity, "NextToken": next})),
        Ok(found(&["c"]))
    );

    let stranger = token_for(&world, &pool, "stranger", json!({}));
    let cases = [
        (json!({}), "InvalidParameterException"),
        (
            json!({"DeveloperUserIdentifier": "d"}),
            "ResourceNotFoundException",
        ),
        (
            json!({"IdentityId": stranger["IdentityId"], "DeveloperUserIdentifier": "a"}),
            "ResourceConflictException",
        ),
        (
            json!({"IdentityId": identity, "NextToken": "invented"}),
            "InvalidParameterException",
        ),
    ];
    for (request, expected) in cases {
        let refused = lookup(request.clone()).unwrap_err();
        assert_eq!(refused.kind, expected, "{request}");
    }
}

#[test]
fn merging_moves_the_source_to_the_destination() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let source = token_for(&world, &pool, "source", json!({}));
    let destination = token_for(&world, &pool, "destination", json!({}));
    let merge = |source: &str, destination: &str| {
        json!({
            "IdentityPoolId": pool,
            "DeveloperProviderName": DEVELOPER,
            "SourceUserIdentifier": source,
            "DestinationUserIdentifier": destination,
        })
    };

    let merged = world.ok("MergeDeveloperIdentities", merge("source", "destination"));

    assert_eq!(merged["IdentityId"], destination["IdentityId"]);
    let moved = token_for(&world, &pool, "source", json!({}));
    assert_eq!(moved["IdentityId"], destination["IdentityId"]);
    let shown = world.ok(
        "ListIdentities",
        json!({"IdentityPoolId": pool, "MaxResults": 60, "HideDisabled": true}),
    );
    assert_eq!(shown["Identities"].as_array().unwrap().len(), 1);
    assert_ne!(source["IdentityId"], destination["IdentityId"]);
    let (kind, _) = world.refused("MergeDeveloperIdentities", merge("nobody", "source"));
    assert_eq!(kind, "ResourceNotFoundException");
}

#[test]
fn identities_with_different_users_of_one_provider_cannot_be_merged() {
    let world = World::new();
    let pool = world.pool(json!({}));
    for name in ["ann", "bob"] {
        let logins = both(json!({DEVELOPER: name}), user(name));
        world.ok(
            "GetOpenIdTokenForDeveloperIdentity",
            json!({"IdentityPoolId": pool, "Logins": logins}),
        );
    }

    let (kind, _) = world.refused(
        "MergeDeveloperIdentities",
        json!({
            "IdentityPoolId": pool,
            "DeveloperProviderName": DEVELOPER,
            "SourceUserIdentifier": "ann",
            "DestinationUserIdentifier": "bob",
        }),
    );

    assert_eq!(kind, "ResourceConflictException");
    assert_ne!(
        world.identity(&pool, user("ann")),
        world.identity(&pool, user("bob"))
    );
}

#[test]
fn an_identity_has_twenty_logins_at_most() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let first = token_for(&world, &pool, "user0", json!({}));
    let identity = &first["IdentityId"];
    for number in 1..20 {
        token_for(
            &world,
            &pool,
            &format!("user{number}"),
            json!({"IdentityId": identity}),
        );
    }

    let (kind, _) = world.refused(
        "GetOpenIdTokenForDeveloperIdentity",
        json!({"IdentityPoolId": pool, "IdentityId": identity, "Logins": {DEVELOPER: "user20"}}),
    );

    assert_eq!(kind, "LimitExceededException");
}

#[test]
fn an_unlinked_user_gets_a_new_identity_and_the_last_one_disables_the_old() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let answer = token_for(&world, &pool, "ann", json!({}));
    let unlink = json!({
        "IdentityId": answer["IdentityId"],
        "IdentityPoolId": pool,
        "DeveloperProviderName": DEVELOPER,
        "DeveloperUserIdentifier": "ann",
    });

    world.ok("UnlinkDeveloperIdentity", unlink.clone());

    let (kind, _) = world.refused("UnlinkDeveloperIdentity", unlink);
    assert_eq!(kind, "ResourceNotFoundException");
    assert_ne!(
        token_for(&world, &pool, "ann", json!({}))["IdentityId"],
        answer["IdentityId"]
    );
    let (kind, _) = world.refused(
        "GetOpenIdTokenForDeveloperIdentity",
        json!({
            "IdentityPoolId": pool,
            "IdentityId": answer["IdentityId"],
            "Logins": {DEVELOPER: "bob"},
        }),
    );
    assert_eq!(kind, "NotAuthorizedException");
}

/// A token for a user of the developer's, with more members in the request.
fn token_for(world: &World, pool: &str, user: &str, more: Value) -> Value {
    let mut request = json!({"IdentityPoolId": pool, "Logins": {DEVELOPER: user}});
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    world.ok("GetOpenIdTokenForDeveloperIdentity", request)
}
