//! The fuzz targets of `fuzz/`, with a bounded number of random cases each.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use crate::support::fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(Target::default);
/// Nobody else makes pools in this one while it is looked whether a token does.
static TOKENS: LazyLock<Target> = LazyLock::new(Target::default);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_an_answered_request(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        TARGET.protocol(&body);
    }

    #[test]
    fn any_json_is_an_answered_request(body in json()) {
        TARGET.protocol(body.as_bytes());
    }

    #[test]
    fn any_text_is_a_refused_or_harmless_token(token in "\\PC{1,300}") {
        TOKENS.login_token(&token);
    }

    #[test]
    fn anything_that_looks_like_a_token_is_refused_or_harmless(
        header in json(), claims in json(), signature in "[A-Za-z0-9_=-]{0,90}",
    ) {
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        TOKENS.login_token(&format!("{}.{}.{signature}", part(header), part(claims)));
    }

    #[test]
    fn anything_that_looks_like_an_assertion_is_refused_or_harmless(
        inside in r#"(<(/?[a-c]|Attribute|NameID|Assertion)( Name="[a-z]")?/?>|&[a-z]{1,3};|[a-z]){0,30}"#,
    ) {
        TOKENS.login_token(&STANDARD.encode(format!("<Response>{inside}</Response>")));
    }
}

#[test]
fn what_is_nested_ten_thousand_deep_is_refused() {
    for open in ["[", "{\"IdentityPoolName\":", "{\"Logins\":{\"a\":"] {
        TARGET.protocol(open.repeat(10_000).as_bytes());
    }
    let deep = URL_SAFE_NO_PAD.encode("[".repeat(10_000));
    TOKENS.login_token(&format!("{deep}.{deep}.x"));
    TOKENS.login_token(&STANDARD.encode("<a>".repeat(10_000)));
    TOKENS.login_token(&STANDARD.encode("<a>".repeat(5_000) + &"</a>".repeat(5_000)));
}

#[test]
fn two_mebibytes_are_refused() {
    let body = format!(r#"{{"IdentityPoolName": "{}"}}"#, "a".repeat(2 << 20));
    TARGET.protocol(body.as_bytes());
}

/// JSON with the names that matter.
fn json() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("alg"),
        Just("kid"),
        Just("iss"),
        Just("sub"),
        Just("aud"),
        Just("azp"),
        Just("exp"),
        Just("IdentityPoolId"),
        Just("Logins"),
        Just("MaxResults"),
        Just("Roles"),
        Just("SupportedLoginProviders"),
        Just("CognitoIdentityProviders"),
        Just("AccountId"),
        Just("IdentityPoolName"),
        Just("AllowUnauthenticatedIdentities"),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        prop_oneof![
            Just("RS256"),
            Just("none"),
            Just("test-issuer-1"),
            Just("https://login.example.com"),
            Just("https://accounts.google.com"),
            Just("app"),
            Just("us-east-1:0a"),
        ]
        .prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|values| format!("[{}]", values.join(","))),
            proptest::collection::vec((name.clone(), inner), 0..8).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}
