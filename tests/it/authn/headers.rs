use std::time::Duration;

use serde_json::{Value, json};

use super::{Door, ISSUER, NOW};
use crate::support::tokens::{Issuer, Key};

#[tokio::test]
async fn keys_do_not_come_with_a_token_and_are_not_fetched_for_one() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    assert!(door.bearer(&issuer.token("shop", NOW)).await.is_ok());
    let asked = issuer.site.asked();
    let own = Key::p256("own");
    let trap = "https://trap.example/keys";
    let cases = [
        ("jwk", own.jwk.clone()),
        ("jku", json!(trap)),
        ("x5u", json!(trap)),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
    ];
    for (name, value) in cases {
        // Once by a stranger, once by the issuer itself.
        for key in [&own, issuer.key()] {
            let mut header = json!({"alg": "ES256", "kid": key.id(), "typ": "JWT"});
            header[name] = value.clone();
            let claims = issuer.claims("shop", NOW).to_string();
            let cause = door.refusal(&key.sign(&header, claims.as_bytes())).await;

            assert_eq!(cause, format!("the header has `{name}`"));
        }
    }
    assert_eq!(issuer.site.asked(), asked);
}

#[tokio::test]
async fn names_of_keys_are_short_plain_and_only_looked_up() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let names: [Value; 20] = [
        json!("../../../../etc/passwd"),
        json!("/dev/null"),
        json!("' OR '1'='1"),
        json!("key-1'; DROP TABLE keys; --"),
        json!("key-1\u{0}"),
        json!("key-1\n"),
        json!(" key-1"),
        json!("KEY-1"),
        json!("key-1 "),
        json!("\u{1b}[2J"),
        json!("ключ"),
        json!("kéy-1"),
        json!("https://trap.example/keys"),
        json!("$(reboot)"),
        json!("|reboot"),
        json!(""),
        json!("x".repeat(129)),
        json!("x".repeat(4000)),
        json!(["key-1"]),
        json!({"kid": "key-1"}),
    ];
    for name in names {
        let header = json!({"alg": "ES256", "kid": name, "typ": "JWT"});
        let claims = issuer.claims("shop", NOW).to_string();
        let cause = door
            .refusal(&issuer.key().sign(&header, claims.as_bytes()))
            .await;

        let says = [
            "the header has the key name",
            "`kid` is not a text",
            "has no such key",
        ];
        assert!(
            says.iter().any(|says| cause.contains(says)),
            "{name}: {cause}"
        );
        assert!(cause.chars().count() < 200, "{cause}");
    }
}

#[tokio::test]
async fn a_token_has_a_size_and_one_spelling() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let of_size = |filler: usize| {
        let mut claims = issuer.claims("shop", NOW);
        claims["filler"] = json!("x".repeat(filler));
        issuer.sign(&claims)
    };
    let good = issuer.token("shop", NOW);
    let (header, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let cases = [
        (of_size(5_500), None),
        (of_size(6_500), Some("more than 8192 bytes")),
        ("x".repeat(1_000_000), Some("more than 8192 bytes")),
        (format!("{good}="), Some("the signature is not base64url")),
        (
            format!("{header}.{claims}"),
            Some("is not in the callers file"),
        ),
        (
            format!("{good}.{signature}"),
            Some("is not in the callers file"),
        ),
        (
            format!("{header}.{claims}."),
            Some("the signature is empty"),
        ),
        (
            format!("{header}..{signature}"),
            Some("the payload is not a JSON object"),
        ),
        (
            format!("{header}.e30.{signature}"),
            Some("`iss` is missing"),
        ),
        (
            format!("{header}.W10.{signature}"),
            Some("the payload is not a JSON object"),
        ),
        (
            format!("{header}.{claims}.{}", &signature[4..]),
            Some("does not hold"),
        ),
    ];
    for (token, says) in cases {
        match says {
            None => assert!(door.bearer(&token).await.is_ok()),
            Some(says) => {
                let cause = door.refusal(&token).await;
                assert!(cause.contains(says), "{cause}");
            }
        }
    }
}

#[tokio::test]
async fn many_good_tokens_are_all_let_in() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    // More than are remembered.
    for number in 0..12_000 {
        let subject = format!("shop-{number}");
        // No more are verified in a second.
        door.clock.advance(Duration::from_micros(500));
        let caller = door.bearer(&issuer.token(&subject, NOW)).await.unwrap();
        assert!(caller.id().ends_with(&subject));
    }
    assert_eq!(issuer.site.asked(), 1);
}

#[tokio::test]
async fn there_is_one_authorization_and_none_makes_nobody() {
    use poolgate::authn::Method;
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let good = format!("bearer {}", issuer.token("shop", NOW));
    let cases: [(&[&str], Result<&str, Method>); 7] = [
        (&[], Err(Method::None)),
        (&[&good], Ok("https://login.example.com|shop")),
        (&[&good, &good], Err(Method::Token)),
        (&[&good, "Bearer x"], Err(Method::Token)),
        (&["Basic dXNlcjpwYXNz"], Err(Method::Token)),
        (&[""], Err(Method::Token)),
        (&["Bearer anonymous"], Err(Method::Token)),
    ];
    for (values, expected) in cases {
        let answer = door.ask(None, values).await;
        let answer = answer.as_ref().map(poolgate::caller::Caller::id);

        assert_eq!(
            answer.map_err(|refusal| refusal.method),
            expected,
            "{values:?}"
        );
    }
}
