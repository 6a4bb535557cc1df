use super::*;

#[test]
fn every_guest_is_a_new_identity() {
    let world = World::new();
    let pool = world.pool(json!({}));

    let one = world.identity(&pool, json!({}));
    let other = world.identity(&pool, json!({}));

    assert_ne!(one, other);
    assert_eq!(
        world.describe(&one),
        json!({"IdentityId": one, "CreationDate": NOW as f64, "LastModifiedDate": NOW as f64})
    );
}

#[test]
fn a_user_keeps_the_identity_when_the_token_is_refreshed() {
    let world = World::new();
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

#[test]
fn the_same_user_is_another_identity_in_another_pool() {
    let world = World::new();
    let pools = [world.pool(json!({})), world.pool(json!({}))];

    let [one, other] = pools.map(|pool| world.identity(&pool, user("ann")));

    assert_ne!(one, other);
}

#[test]
fn a_second_login_is_linked_to_the_identity_of_the_first() {
    let world = World::new();
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

#[test]
fn logins_of_two_identities_merge_them_and_the_elder_survives() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let elder = world.identity(&pool, user("ann"));
    world.clock.advance(Duration::from_secs(1));
    let younger = world.identity(&pool, google("ann.g"));

    let merged = world.identity(&pool, both(user("ann"), google("ann.g")));

    assert_eq!(merged, elder);
    assert_eq!(world.describe(&younger).get("Logins"), None);
    assert_eq!(listed(&world, &pool, false).len(), 2);
    assert_eq!(listed(&world, &pool, true), [elder]);
}

#[test]
fn an_identity_has_one_user_of_a_provider() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let ann = world.identity(&pool, both(user("ann"), google("ann.g")));

    let (kind, _) = world.refused(
        "GetId",
        json!({"IdentityPoolId": pool, "Logins": both(user("ann"), google("bob.g"))}),
    );

    assert_eq!(kind, "ResourceConflictException");
    assert_ne!(world.identity(&pool, google("bob.g")), ann);
}

#[test]
fn logins_are_refused_with_the_texts_on_record() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let no_providers = world.ok(
        "CreateIdentityPool",
        json!({"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false}),
    );
    let no_providers = no_providers["IdentityPoolId"].as_str().unwrap();
    let not_configured =
        format!("Identity pool - {no_providers} does not have identity providers configured.");
    let expired = format!("Invalid login token. Token expired: {NOW} >= {}", NOW - 400);
    let cases = [
        (
            no_providers,
            json!({}),
            "Unauthenticated access is not supported for this identity pool.",
        ),
        (no_providers, user("ann"), &not_configured),
        (
            &pool,
            json!({GOOGLE: "opaque"}),
            "Invalid login token. Not a valid OpenId Connect identity token.",
        ),
        (
            &pool,
            json!({USER_POOL: token(GOOGLE, "client", "ann", json!({}))}),
            "Invalid login token. Issuer doesn't match providerName",
        ),
        (
            &pool,
            json!({USER_POOL: token(USER_POOL, "client", "ann", json!({"exp": NOW - 400}))}),
            &expired,
        ),
        (
            &pool,
            json!({USER_POOL: token(USER_POOL, "", "ann", json!({"aud": null}))}),
            "Invalid login token. Missing a required claim: aud",
        ),
        (
            &pool,
            json!({USER_POOL: token(USER_POOL, "other", "ann", json!({}))}),
            "Token is not from a supported provider of this identity pool.",
        ),
        (
            &pool,
            json!({"idp.example": token("idp.example", "a", "ann", json!({}))}),
            "Token is not from a supported provider of this identity pool.",
        ),
        (
            &pool,
            json!({GOOGLE: token(GOOGLE, "google-app", "ann", json!({"azp": "other"}))}),
            "Token is not from a supported provider of this identity pool.",
        ),
        (
            &pool,
            json!({DEVELOPER: "ann"}),
            "Please provide a valid public provider",
        ),
        (
            &pool,
            json!({OWN: "any"}),
            "Invalid login token. Can't pass in a Cognito token.",
        ),
    ];
    for (pool, logins, message) in cases {
        let refused = world.refused("GetId", json!({"IdentityPoolId": pool, "Logins": logins}));

        assert_eq!(refused, error("NotAuthorized", message));
    }
}

#[test]
fn an_opaque_token_stands_for_its_user() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let facebook = |token: &str| world.identity(&pool, json!({FACEBOOK: token}));

    assert_eq!(facebook("EAAB1"), facebook("EAAB1"));
    assert_ne!(facebook("EAAB1"), facebook("EAAB2"));
}

#[test]
fn open_id_connect_and_saml_providers_are_named_by_issuer_and_by_arn() {
    let world = World::new();
    let saml = "arn:aws:iam::123456789012:saml-provider/idp";
    let pool = world.pool(json!({
        "OpenIdConnectProviderARNs": ["arn:aws:iam::999999999999:oidc-provider/idp.example/a"],
        "SamlProviderARNs": [saml],
    }));
    let assertion = base64::engine::general_purpose::STANDARD
        .encode("<Response><NameID>ann</NameID></Response>");

    let by_oidc = world.identity(
        &pool,
        json!({"idp.example/a": token("idp.example/a", "any", "ann", json!({}))}),
    );
    let by_saml = world.identity(&pool, json!({saml: assertion}));

    assert_eq!(world.describe(&by_oidc)["Logins"], json!(["idp.example/a"]));
    assert_eq!(world.describe(&by_saml)["Logins"], json!([saml]));
}

#[test]
fn identities_are_listed_page_by_page() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let other_pool = world.pool(json!({}));
    world.identity(&other_pool, json!({}));
    let mut made: Vec<String> = (0..5).map(|_| world.identity(&pool, json!({}))).collect();
    made.sort();

    assert_eq!(listed(&world, &pool, false), made);

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

#[test]
fn deleted_identities_are_gone_and_their_users_get_new_ones() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, user("ann"));

    let deleted = world.ok(
        "DeleteIdentities",
        json!({"IdentityIdsToDelete": [identity, "eu-west-1:0a"]}),
    );

    assert_eq!(deleted, json!({"UnprocessedIdentityIds": []}));
    assert_eq!(
        world.refused("DescribeIdentity", json!({"IdentityId": identity})),
        error(
            "ResourceNotFound",
            &format!("Identity '{identity}' not found.")
        )
    );
    assert_ne!(world.identity(&pool, user("ann")), identity);
}

#[test]
fn unlinking_needs_a_login_of_the_identity_and_the_last_one_disables_it() {
    let world = World::new();
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
    assert!(!listed(&world, &pool, true).contains(&identity));
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
