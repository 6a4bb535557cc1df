use super::*;

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
        .encode("<Assertion><Subject><NameID>ann</NameID></Subject></Assertion>");

    let by_oidc = world.identity(
        &pool,
        json!({"idp.example/a": token("idp.example/a", "any", "ann", json!({}))}),
    );
    let by_saml = world.identity(&pool, json!({saml: assertion}));

    assert_eq!(world.describe(&by_oidc)["Logins"], json!(["idp.example/a"]));
    assert_eq!(world.describe(&by_saml)["Logins"], json!([saml]));
}
