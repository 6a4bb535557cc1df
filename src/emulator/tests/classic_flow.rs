use super::*;

const NOT_ENABLED: &str = "Basic (classic) flow is not enabled, please use enhanced flow.";
const NOT_WITH_MAPPINGS: &str =
    "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow.";

#[test]
fn a_guest_gets_a_token_of_ten_minutes() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, json!({}));

    let answer = world.ok("GetOpenIdToken", json!({"IdentityId": identity}));

    assert_eq!(answer["IdentityId"], identity);
    assert_eq!(
        claims(&answer["Token"]),
        json!({
            "sub": identity,
            "aud": pool,
            "amr": ["unauthenticated"],
            "iss": "https://cognito-identity.amazonaws.com",
            "https://cognito-identity.amazonaws.com/identity-pool-arn":
                format!("arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/{pool}"),
            "exp": NOW + 600,
            "iat": NOW,
        })
    );
}

#[test]
fn tokens_are_verified_with_the_published_key_of_their_region() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, json!({}));
    let answer = world.ok("GetOpenIdToken", json!({"IdentityId": identity}));
    let token = answer["Token"].as_str().unwrap();

    let keys = world.emulator.jwks().unwrap();

    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    assert_eq!(kid, "eu-west-11");
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS512);
    rules.set_audience(&[&pool]);
    rules.set_issuer(&["https://cognito-identity.amazonaws.com"]);
    rules.validate_exp = false;
    assert!(jsonwebtoken::decode::<Value>(token, &key, &rules).is_ok());
}

#[test]
fn the_means_of_authentication_have_the_form_of_their_provider() {
    let world = World::new();
    let oidc = "arn:aws:iam::999999999999:oidc-provider/idp.example";
    let pool = world.pool(json!({"OpenIdConnectProviderARNs": [oidc]}));
    let idp = json!({"idp.example": token("idp.example", "any", "repo:a", json!({}))});
    let logins = both(user("ann"), idp);
    let identity = world.identity(&pool, logins.clone());

    let answer = world.ok(
        "GetOpenIdToken",
        json!({"IdentityId": identity, "Logins": logins}),
    );

    assert_eq!(
        claims(&answer["Token"])["amr"],
        json!([
            "authenticated",
            USER_POOL,
            format!("{USER_POOL}:CognitoSignIn:ann"),
            "idp.example",
            format!("{oidc}:OIDC:repo:a"),
        ])
    );
}

#[test]
fn the_classic_flow_is_open_unless_the_pool_says_no() {
    let world = World::new();
    for (state, open) in [(None, true), (Some(true), true), (Some(false), false)] {
        let pool = world.pool(json!({"AllowClassicFlow": state}));
        let identity = world.identity(&pool, json!({}));
        let body = json!({"IdentityId": identity});

        match open {
            true => drop(world.ok("GetOpenIdToken", body.clone())),
            false => assert_eq!(
                world.refused("GetOpenIdToken", body.clone()),
                error("InvalidParameter", NOT_ENABLED)
            ),
        }
        world.ok("GetCredentialsForIdentity", body);
    }
}

#[test]
fn role_mappings_close_the_classic_flow_before_logins_are_looked_at() {
    let world = World::new();
    for classic in [json!(true), json!(false)] {
        let pool = world.pool(json!({"AllowClassicFlow": classic}));
        let identity = world.identity(&pool, user("ann"));
        world.ok(
            "SetIdentityPoolRoles",
            json!({
                "IdentityPoolId": pool,
                "Roles": {},
                "RoleMappings": {
                    GOOGLE: {"Type": "Token", "AmbiguousRoleResolution": "Deny"},
                },
            }),
        );

        let refused = world.refused("GetOpenIdToken", json!({"IdentityId": identity}));

        assert_eq!(refused, error("InvalidParameter", NOT_WITH_MAPPINGS));
    }
}

#[test]
fn an_authenticated_identity_needs_one_of_its_logins() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let identity = world.identity(&pool, user("ann"));

    assert_eq!(
        world.refused("GetOpenIdToken", json!({"IdentityId": identity})),
        error(
            "NotAuthorized",
            &format!("Access to Identity '{identity}' is forbidden.")
        )
    );
    assert_eq!(
        world.refused(
            "GetOpenIdToken",
            json!({"IdentityId": identity, "Logins": google("ann.g")})
        ),
        error(
            "NotAuthorized",
            "Logins don't match. Please include at least one valid login for this identity or identity pool."
        )
    );
    world.ok(
        "GetOpenIdToken",
        json!({"IdentityId": identity, "Logins": both(user("ann"), google("ann.g"))}),
    );
    assert_eq!(world.identity(&pool, google("ann.g")), identity);
}

#[test]
fn a_guest_who_logs_in_keeps_the_identity_or_is_merged_into_the_users() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let first = world.identity(&pool, json!({}));
    let second = world.identity(&pool, json!({}));
    let log_in = |identity: &str| {
        let answer = world.ok(
            "GetOpenIdToken",
            json!({"IdentityId": identity, "Logins": user("ann")}),
        );
        answer["IdentityId"].as_str().unwrap().to_owned()
    };

    assert_eq!(log_in(&first), first);
    assert_eq!(log_in(&second), first);

    assert_eq!(
        world.refused("GetOpenIdToken", json!({"IdentityId": second})),
        error(
            "NotAuthorized",
            &format!("Access to Identity '{second}' is forbidden.")
        )
    );
}

#[test]
fn guests_are_refused_once_the_pool_has_none() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let guest = world.identity(&pool, json!({}));
    world.ok(
        "UpdateIdentityPool",
        json!({"IdentityPoolId": pool, "IdentityPoolName": "p", "AllowUnauthenticatedIdentities": false}),
    );

    for operation in ["GetOpenIdToken", "GetCredentialsForIdentity"] {
        assert_eq!(
            world.refused(operation, json!({"IdentityId": guest})),
            error(
                "NotAuthorized",
                "Unauthenticated access is not supported for this identity pool."
            )
        );
    }
}

#[test]
fn claims_become_principal_tags_where_the_pool_maps_them() {
    let world = World::new();
    let pool = world.pool(json!({}));
    let logins =
        json!({USER_POOL: token(USER_POOL, "client", "ann", json!({"custom:team": "blue"}))});
    let identity = world.identity(&pool, logins.clone());
    let tags = |map: Value| {
        let mut set = json!({"IdentityPoolId": pool, "IdentityProviderName": USER_POOL});
        for (name, value) in map.as_object().unwrap() {
            set[name] = value.clone();
        }
        world.ok("SetPrincipalTagAttributeMap", set);
        let answer = world.ok(
            "GetOpenIdToken",
            json!({"IdentityId": identity, "Logins": logins}),
        );
        claims(&answer["Token"])
            .get("https://aws.amazon.com/tags")
            .cloned()
    };

    let mapped = json!({"team": "custom:team", "cost": "custom:not-in-the-token"});
    assert_eq!(
        tags(json!({"PrincipalTags": mapped})),
        Some(json!({"principal_tags": {"team": ["blue"]}}))
    );
    assert_eq!(
        tags(json!({"UseDefaults": true})),
        Some(json!({"principal_tags": {"client": ["client"], "username": ["ann"]}}))
    );
    assert_eq!(tags(json!({"PrincipalTags": {}})), None);
}

#[test]
fn principal_tags_have_at_most_460_bytes_in_all() {
    let world = World::new();
    let pool = world.pool(json!({}));
    world.ok(
        "SetPrincipalTagAttributeMap",
        json!({
            "IdentityPoolId": pool,
            "IdentityProviderName": USER_POOL,
            "PrincipalTags": {"ab": "one", "cd": "other"},
        }),
    );
    for (bytes, accepted) in [(460, true), (461, false)] {
        let other = "x".repeat(bytes - "ab".len() - "cd".len() - 230);
        let claims = json!({"one": "x".repeat(230), "other": other});
        let logins = json!({USER_POOL: token(USER_POOL, "client", "ann", claims)});
        let identity = world.identity(&pool, logins.clone());
        let user = json!({"IdentityId": identity, "Logins": logins});
        let tags = json!({"a": "x".repeat(229), "b": "x".repeat(bytes - 231)});
        let developer =
            json!({"IdentityPoolId": pool, "Logins": {DEVELOPER: "ann"}, "PrincipalTags": tags});

        for (operation, body) in [
            ("GetOpenIdToken", user.clone()),
            ("GetCredentialsForIdentity", user),
            ("GetOpenIdTokenForDeveloperIdentity", developer),
        ] {
            let refused = world.call(operation, body).err();

            let expected = (!accepted).then(|| Refused {
                kind: "InvalidParameterException".to_owned(),
                message: "Packed size of session tags consumes 101% of allotted space.".to_owned(),
            });
            assert_eq!(refused, expected, "{operation} with {bytes} bytes");
        }
    }
}

#[test]
fn tokens_name_the_issuer_of_their_partition() {
    let world = World::new();
    for (region, issuer) in [
        ("eu-west-1", "https://cognito-identity.amazonaws.com"),
        (
            "cn-north-1",
            "https://cognito-identity.cn-north-1.amazonaws.com.cn",
        ),
        (
            "us-gov-west-1",
            "https://cognito-identity-us-gov.amazonaws.com",
        ),
    ] {
        let ask = |operation: &str, body: Value| -> Value {
            let answer = world.emulator.handle(&signed(region, operation, &body));
            serde_json::from_slice(answer.body()).unwrap()
        };
        let wanted = json!({
            "IdentityPoolName": "pool",
            "AllowUnauthenticatedIdentities": false,
            "DeveloperProviderName": DEVELOPER,
        });
        let pool = ask("CreateIdentityPool", wanted)["IdentityPoolId"].clone();
        let answer = ask(
            "GetOpenIdTokenForDeveloperIdentity",
            json!({"IdentityPoolId": pool, "Logins": {DEVELOPER: "ann"}}),
        );

        assert_eq!(claims(&answer["Token"])["iss"], issuer);
        let kid = jsonwebtoken::decode_header(answer["Token"].as_str().unwrap());
        assert_eq!(kid.unwrap().kid, Some(format!("{region}1")));
    }
}
