use std::fs;
use std::path::Path;

use super::*;
use crate::emulator::{Issuer, KeySet, Keys, LoginTokens, Wanted, read_saml_metadata};

const IDP: &str = "idp.example";
const IDP_ARN: &str = "arn:aws:iam::123456789012:oidc-provider/idp.example";
const UNVERIFIABLE: &str = "Invalid login token. Couldn't verify signed token.";

#[test]
fn a_user_of_a_test_issuer_signs_in() {
    let world = World::with(test_issuers());
    let pool = world.pool(json!({"OpenIdConnectProviderARNs": [IDP_ARN]}));

    let first = world.identity(&pool, minted(&world, "ann", json!({})));
    let again = world.identity(&pool, minted(&world, "ann", json!({})));
    let other = world.identity(&pool, minted(&world, "bob", json!({})));

    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn tokens_of_a_known_issuer_are_verified_in_the_order_of_the_real_service() {
    let world = World::with(test_issuers());
    let pool = world.pool(json!({"OpenIdConnectProviderARNs": [IDP_ARN]}));
    let good = minted(&world, "ann", json!({}))[IDP]
        .as_str()
        .unwrap()
        .to_owned();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let symmetric = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"test-issuer-1"}"#);
    let changed = URL_SAFE_NO_PAD.encode(
        json!({"iss": "https://idp.example", "sub": "eve", "aud": "app", "exp": NOW + 60})
            .to_string(),
    );
    let expired = format!("Invalid login token. Token expired: {NOW} >= {}", NOW - 300);
    let token_with = |claims: Value| {
        minted(&world, "ann", claims)[IDP]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let cases = [
        (
            "signed by nobody",
            token(IDP, "app", "ann", json!({})),
            UNVERIFIABLE,
        ),
        (
            "without algorithm",
            format!("{none}.{payload}."),
            UNVERIFIABLE,
        ),
        (
            "another algorithm",
            format!("{symmetric}.{payload}.{signature}"),
            UNVERIFIABLE,
        ),
        (
            "other claims",
            format!("{header}.{changed}.{signature}"),
            UNVERIFIABLE,
        ),
        ("the signature cut", format!("{message}."), UNVERIFIABLE),
        (
            "the issuer before the signature",
            token("other.example", "app", "ann", json!({})),
            "Invalid login token. Issuer doesn't match providerName",
        ),
        (
            "the signature before the end",
            token(IDP, "app", "ann", json!({"exp": 1})),
            UNVERIFIABLE,
        ),
        ("expired", token_with(json!({"exp": NOW - 300})), &expired),
        (
            "an access token",
            token_with(json!({"aud": null})),
            "Invalid login token. Missing a required claim: aud",
        ),
        (
            "no token",
            "opaque".to_owned(),
            "Invalid login token. Not a valid OpenId Connect identity token.",
        ),
    ];
    for (why, token, message) in cases {
        let refused = world.refused(
            "GetId",
            json!({"IdentityPoolId": pool, "Logins": {IDP: token}}),
        );

        assert_eq!(refused, error("NotAuthorized", message), "{why}");
    }
    world.identity(&pool, json!({IDP: token_with(json!({"exp": NOW - 299}))}));
}

#[test]
fn tokens_of_unknown_issuers_are_believed_unless_the_operator_is_strict() {
    for (login_tokens, refused) in [(LoginTokens::Lenient, false), (LoginTokens::Strict, true)] {
        let world = World::with(Settings {
            login_tokens,
            ..test_issuers()
        });
        let pool = world.pool(json!({"OpenIdConnectProviderARNs": [IDP_ARN]}));

        for logins in [user("ann"), google("ann"), json!({FACEBOOK: "EAAB1"})] {
            let answer = world.call("GetId", json!({"IdentityPoolId": pool, "Logins": logins}));

            let message = answer.err().map(|refused| refused.message);
            assert_eq!(message.as_deref(), refused.then_some(UNVERIFIABLE));
        }
        world.identity(&pool, minted(&world, "ann", json!({})));
    }
}

#[test]
fn keys_written_down_verify_and_iams_applications_count() {
    let idp = World::with(test_issuers());
    let logins = minted(&idp, "ann", json!({}));
    let jwks = KeySet::of_json(&idp.emulator.test_issuers_jwks()).unwrap();
    for (client_ids, accepted) in [(None, true), (Some("app"), true), (Some("other"), false)] {
        let world = World::with(Settings {
            issuers: vec![Issuer {
                issuer: format!("https://{IDP}"),
                keys: Keys::Written(jwks.clone()),
                client_ids: client_ids.map(|id| vec![id.to_owned()]),
            }],
            ..Settings::default()
        });
        let pool = world.pool(json!({"OpenIdConnectProviderARNs": [IDP_ARN]}));

        let answer = world.call("GetId", json!({"IdentityPoolId": pool, "Logins": logins}));

        let message = answer.err().map(|refused| refused.message);
        let expected = "Token is not from a supported provider of this identity pool.";
        assert_eq!(message.as_deref(), (!accepted).then_some(expected));
    }
}

#[test]
fn a_modulus_may_have_a_leading_zero_and_keys_of_other_kinds_are_passed_over() {
    let idp = World::with(test_issuers());
    let logins = minted(&idp, "ann", json!({}));
    let mut jwks = idp.emulator.test_issuers_jwks();
    let modulus = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["n"].as_str().unwrap());
    let signed = [vec![0], modulus.unwrap()].concat();
    jwks["keys"][0]["n"] = json!(URL_SAFE_NO_PAD.encode(signed));
    let elliptic = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    jwks["keys"].as_array_mut().unwrap().push(elliptic);

    let keys = KeySet::of_json(&jwks).unwrap();

    let world = World::with(Settings {
        issuers: vec![Issuer {
            issuer: format!("https://{IDP}"),
            keys: Keys::Written(keys),
            client_ids: None,
        }],
        ..Settings::default()
    });
    let pool = world.pool(json!({"OpenIdConnectProviderARNs": [IDP_ARN]}));
    world.identity(&pool, logins);
}

#[test]
fn a_user_who_is_signed_out_everywhere_is_refused_where_the_pool_asks() {
    let world = World::with(Settings {
        test_issuers: vec![format!("https://{USER_POOL}")],
        ..Settings::default()
    });
    let pool = |asks: bool| {
        world.pool(json!({"CognitoIdentityProviders": [
            {"ProviderName": USER_POOL, "ClientId": "app", "ServerSideTokenCheck": asks},
        ]}))
    };
    let (asks, does_not) = (pool(true), pool(false));
    let before = minted(&world, "ann", json!({}));
    world.identity(&asks, before.clone());

    world.emulator.sign_out(None, "ann").unwrap();

    assert_eq!(
        world.refused("GetId", json!({"IdentityPoolId": asks, "Logins": before})),
        error(
            "NotAuthorized",
            "Invalid login token. Token has been revoked."
        )
    );
    world.identity(&does_not, before);
    world.identity(&asks, minted(&world, "ann", json!({})));
    world.identity(&asks, minted(&world, "bob", json!({})));
}

#[test]
fn assertions_of_a_known_saml_provider_are_verified_and_others_are_believed() {
    let arn = "arn:aws:iam::123456789012:saml-provider/idp";
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/emulator/logins/saml/vectors");
    let signed = fs::read_to_string(vectors.join("assertion.xml")).unwrap();
    let provider = read_saml_metadata(arn, &vectors.join("metadata.xml")).unwrap();
    let known = Settings {
        saml_providers: vec![provider],
        ..Settings::default()
    };
    let forged = signed.replace("ann@example", "eve@example");
    let elsewhere = signed.replace("https://idp.example", "https://other.example");
    for (xml, refused) in [
        (signed, None),
        (forged, Some("Couldn't verify signed token.")),
        (elsewhere, Some("Issuer doesn't match providerName")),
    ] {
        let logins = json!({arn: base64::engine::general_purpose::STANDARD.encode(xml)});
        for (settings, refused) in [(&known, refused), (&Settings::default(), None)] {
            let world = World::with(settings.clone());
            let pool = world.pool(json!({"SamlProviderARNs": [arn]}));

            let answer = world.call("GetId", json!({"IdentityPoolId": pool, "Logins": logins}));

            assert_eq!(
                answer.err().map(|refused| refused.message),
                refused.map(|reason| format!("Invalid login token. {reason}"))
            );
        }
    }
}

fn test_issuers() -> Settings {
    Settings {
        test_issuers: vec![format!("https://{IDP}")],
        ..Settings::default()
    }
}

/// The login of a user of the only test issuer.
fn minted(world: &World, subject: &str, claims: Value) -> Value {
    let minted = world
        .emulator
        .mint(Wanted {
            issuer: None,
            subject: subject.to_owned(),
            audience: "app".to_owned(),
            claims: claims.as_object().cloned().unwrap(),
            expires_in: None,
        })
        .unwrap();
    json!({minted.provider: minted.token})
}
