//! Looking up, merging and unlinking a developer's users.

use serde_json::{Value, json};

use super::developer::token_for;
use super::world::{DEVELOPER, World, both, user};

pub fn a_lookup_goes_from_user_to_identity_and_back(world: &World) {
    let pool = world.pool(json!({}));
    let answer = token_for(world, &pool, "a", json!({}));
    let identity = &answer["IdentityId"];
    for user in ["b", "c"] {
        token_for(world, &pool, user, json!({"IdentityId": identity}));
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

    let stranger = token_for(world, &pool, "stranger", json!({}));
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

pub fn merging_moves_the_source_to_the_destination(world: &World) {
    let pool = world.pool(json!({}));
    let source = token_for(world, &pool, "source", json!({}));
    let destination = token_for(world, &pool, "destination", json!({}));
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
    let moved = token_for(world, &pool, "source", json!({}));
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

pub fn identities_with_different_users_of_one_provider_cannot_be_merged(world: &World) {
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

pub fn an_identity_has_twenty_logins_at_most(world: &World) {
    let pool = world.pool(json!({}));
    let first = token_for(world, &pool, "user0", json!({}));
    let identity = &first["IdentityId"];
    for number in 1..20 {
        token_for(
            world,
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

pub fn an_unlinked_user_gets_a_new_identity_and_the_last_one_disables_the_old(world: &World) {
    let pool = world.pool(json!({}));
    let answer = token_for(world, &pool, "ann", json!({}));
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
        token_for(world, &pool, "ann", json!({}))["IdentityId"],
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
