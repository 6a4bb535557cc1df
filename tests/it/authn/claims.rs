use poolgate::caller::Proof;
use serde_json::{Value, json};

use super::{Door, ISSUER, NOW};
use crate::support::tokens::Issuer;

/// A change of a good token's claims.
struct Mutation {
    why: &'static str,
    claim: &'static str,
    /// `null` takes the claim out.
    value: Value,
    /// What the log says; nothing where the token is still good.
    says: Option<&'static str>,
}

fn bad(why: &'static str, claim: &'static str, value: Value, says: &'static str) -> Mutation {
    Mutation {
        why,
        claim,
        value,
        says: Some(says),
    }
}

fn good(why: &'static str, claim: &'static str, value: Value) -> Mutation {
    Mutation {
        why,
        claim,
        value,
        says: None,
    }
}

fn mutations() -> Vec<Mutation> {
    let long = "x".repeat(256);
    vec![
        bad("no issuer", "iss", Value::Null, "`iss` is missing"),
        bad(
            "a list with the issuer",
            "iss",
            json!([ISSUER]),
            "`iss` is not a text",
        ),
        bad("a number", "iss", json!(5), "`iss` is not a text"),
        bad(
            "with a slash",
            "iss",
            json!(format!("{ISSUER}/")),
            "is not in the callers file",
        ),
        bad(
            "in capitals",
            "iss",
            json!(ISSUER.to_uppercase()),
            "is not in the callers file",
        ),
        bad(
            "empty",
            "iss",
            json!(""),
            "the issuer `` is not in the callers file",
        ),
        bad("no subject", "sub", Value::Null, "`sub` is missing"),
        bad("a number", "sub", json!(5), "`sub` is not a text"),
        bad("empty", "sub", json!(""), "`sub` is empty, too long"),
        bad("too long", "sub", json!(long), "`sub` is empty, too long"),
        bad(
            "two lines",
            "sub",
            json!("a\nb"),
            "`sub` is empty, too long",
        ),
        bad("no audience", "aud", Value::Null, "`aud` is missing"),
        bad(
            "another",
            "aud",
            json!("other"),
            "`aud` is another audience",
        ),
        bad(
            "others",
            "aud",
            json!(["a", "b"]),
            "`aud` is another audience",
        ),
        bad("nobody", "aud", json!([]), "`aud` is another audience"),
        bad(
            "a part of ours",
            "aud",
            json!("pool"),
            "`aud` is another audience",
        ),
        bad(
            "a number",
            "aud",
            json!(5),
            "`aud` is neither a text nor a list",
        ),
        bad(
            "a table",
            "aud",
            json!({"poolgate": 1}),
            "`aud` is neither a text nor a list",
        ),
        bad(
            "a number in the list",
            "aud",
            json!(["poolgate", 5]),
            "`aud` is not a list of texts",
        ),
        good("ours among others", "aud", json!(["other", "poolgate"])),
        bad("no end", "exp", Value::Null, "`exp` is missing"),
        bad(
            "a text",
            "exp",
            json!((NOW + 3600).to_string()),
            "`exp` is not a date",
        ),
        bad("a list", "exp", json!([NOW + 3600]), "`exp` is not a date"),
        bad("negative", "exp", json!(-1), "`exp` is not a date"),
        bad(
            "after the year 9999",
            "exp",
            json!(253_402_300_800_u64),
            "`exp` is not a date",
        ),
        bad(
            "the year 9999",
            "exp",
            json!(253_402_300_799_u64),
            "good for longer",
        ),
        bad(
            "beyond a day",
            "exp",
            json!(NOW + 86_401),
            "good for longer",
        ),
        bad(
            "a moment ago",
            "iat",
            json!(NOW + 3600),
            "`iat` is in the future",
        ),
        good("a day", "exp", json!(NOW + 86_400)),
        good("with a fraction", "exp", json!(NOW as f64 + 3600.5)),
        bad("expired", "exp", json!(NOW - 30), "expired"),
        bad("no beginning", "iat", Value::Null, "`iat` is missing"),
        bad("a text", "iat", json!("now"), "`iat` is not a date"),
        bad("true", "iat", json!(true), "`iat` is not a date"),
        bad(
            "in the future",
            "iat",
            json!(NOW + 31),
            "`iat` is in the future",
        ),
        good("a clock that is ahead", "iat", json!(NOW + 30)),
        bad(
            "after its end",
            "exp",
            json!(NOW - 1),
            "`exp` is not after `iat`",
        ),
        bad(
            "not yet good",
            "nbf",
            json!(NOW + 31),
            "`nbf` is in the future",
        ),
        bad("a text", "nbf", json!("now"), "`nbf` is not a date"),
        good("a clock that is ahead", "nbf", json!(NOW + 30)),
        bad("a number", "jti", json!(5), "`jti` is not a text"),
        bad(
            "too long",
            "jti",
            json!("x".repeat(256)),
            "`jti` is empty, too long",
        ),
        good("no name", "jti", Value::Null),
        bad(
            "an ID token",
            "nonce",
            json!("x"),
            "an ID token: it has `nonce`",
        ),
        bad(
            "an ID token",
            "at_hash",
            json!("x"),
            "an ID token: it has `at_hash`",
        ),
        bad(
            "an ID token",
            "c_hash",
            json!("x"),
            "an ID token: it has `c_hash`",
        ),
        bad(
            "an ID token",
            "token_use",
            json!("id"),
            "its `token_use` is `id`",
        ),
        good("an access token", "token_use", json!("access")),
        bad(
            "bound to a key",
            "cnf",
            json!({"jkt": "x"}),
            "bound to a key by `cnf`",
        ),
    ]
}

#[tokio::test]
async fn each_wrong_claim_is_refused_for_its_own_reason() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let mutations = mutations();
    let refused = mutations.iter().filter(|mutation| mutation.says.is_some());
    assert!(refused.count() >= 30);
    for Mutation {
        why,
        claim,
        value,
        says,
    } in mutations
    {
        let mut claims = issuer.claims("shop", NOW);
        claims[claim] = value;
        if let Some(claims) = claims.as_object_mut() {
            claims.retain(|_, value| !value.is_null());
        }
        let token = issuer.sign(&claims);
        match says {
            None => assert!(door.bearer(&token).await.is_ok(), "{claim}: {why}"),
            Some(says) => {
                let cause = door.refusal(&token).await;
                assert!(cause.contains(says), "{claim}: {why}: {cause}");
            }
        }
    }
}

#[tokio::test]
async fn a_good_token_says_who_calls() {
    let issuer = Issuer::new(ISSUER);
    let more = "roles = [{ claim = \"groups\", value = \"staff\", role = \"admin\" },\n\
                { claim = \"realm.roles\", value = \"x\", role = \"deep\" },\n\
                { claim = \"groups\", value = \"other\", role = \"none\" }]\n\
                attributes = { team = \"department\", size = \"number\" }";
    let door = Door::of(&issuer, more);
    let mut claims = issuer.claims("shop", NOW);
    claims["groups"] = json!(["users", "staff"]);
    claims["realm"] = json!({"roles": "x"});
    claims["department"] = json!("shoes");
    claims["number"] = json!(5);

    let caller = door.bearer(&issuer.sign(&claims)).await.unwrap();

    assert_eq!(caller.id(), "https://login.example.com|shop");
    let proof = Proof::Jwt {
        issuer: ISSUER.to_owned(),
        subject: "shop".to_owned(),
        token_id: Some("token-1".to_owned()),
        issued_at: NOW,
    };
    assert_eq!(*caller.proof(), proof);
    assert_eq!(caller.roles().iter().collect::<Vec<_>>(), ["admin", "deep"]);
    assert_eq!(caller.attributes().len(), 1);
    assert_eq!(caller.attributes()["team"], "shoes");
}

#[tokio::test]
async fn an_issuer_can_want_more_of_its_tokens() {
    let issuer = Issuer::new(ISSUER);
    let rfc9068 = "profile = \"rfc9068\"";
    let parties = "authorized_parties = [\"app\"]";
    let full = json!({"client_id": "app"});
    let cases = [
        (rfc9068, "at+jwt", full.clone(), None),
        (rfc9068, "application/AT+JWT", full.clone(), None),
        (
            rfc9068,
            "JWT",
            full.clone(),
            Some("the type is not `at+jwt`"),
        ),
        (rfc9068, "at+jwt", json!({}), Some("`client_id` is missing")),
        (
            rfc9068,
            "at+jwt",
            json!({"client_id": "app", "jti": null}),
            Some("`jti` is not a text"),
        ),
        ("", "at+jwt", json!({}), None),
        (
            "",
            "dpop+jwt",
            json!({}),
            Some("the type is neither `JWT` nor `at+jwt`"),
        ),
        (
            "",
            "logout+jwt",
            json!({}),
            Some("the type is neither `JWT` nor `at+jwt`"),
        ),
        (parties, "JWT", full, None),
        (parties, "JWT", json!({"azp": "app"}), None),
        (
            parties,
            "JWT",
            json!({}),
            Some("`azp` and `client_id` are missing"),
        ),
        (
            parties,
            "JWT",
            json!({"azp": "x"}),
            Some("`azp` is an application that is not listed"),
        ),
        (
            parties,
            "JWT",
            json!({"azp": "app", "client_id": "x"}),
            Some("`client_id` is an application that is not listed"),
        ),
        (
            parties,
            "JWT",
            json!({"azp": ["app"]}),
            Some("`azp` is not a text"),
        ),
        (
            "max_lifetime = \"59m\"",
            "JWT",
            json!({}),
            Some("good for longer"),
        ),
        (
            "attributes = { team = \"t\" }",
            "JWT",
            json!({"t": "x".repeat(1024)}),
            None,
        ),
        (
            "attributes = { team = \"t\" }",
            "JWT",
            json!({"t": "x".repeat(1025)}),
            Some("too long for an attribute"),
        ),
        (
            "caller_claim = \"name\"",
            "JWT",
            json!({}),
            Some("the claim `name` is missing"),
        ),
        (
            "caller_claim = \"name\"",
            "JWT",
            json!({"name": "token:ci"}),
            Some("given to others"),
        ),
    ];
    for (more, media_type, changes, says) in cases {
        let door = Door::of(&issuer, more);
        let mut claims = issuer.claims("shop", NOW);
        let changes = changes.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(changes.clone());
        let key = issuer.key();
        let header = json!({"alg": "ES256", "kid": key.id(), "typ": media_type});
        let token = key.sign(&header, claims.to_string().as_bytes());
        match says {
            None => assert!(door.bearer(&token).await.is_ok(), "{more}: {changes:?}"),
            Some(says) => {
                let cause = door.refusal(&token).await;
                assert!(cause.contains(says), "{more}: {changes:?}: {cause}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_ends_when_the_clock_says_so_even_if_it_was_verified_a_moment_ago() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let mut claims = issuer.claims("shop", NOW);
    claims["exp"] = json!(NOW + 20);
    let (short, long) = (issuer.sign(&claims), issuer.token("shop", NOW));
    assert!(door.bearer(&short).await.is_ok() && door.bearer(&long).await.is_ok());

    door.advance(49);
    assert!(
        door.bearer(&short).await.is_ok(),
        "clocks may differ by 30 seconds"
    );
    door.advance(1);
    assert_eq!(door.refusal(&short).await, "expired");
    assert!(door.bearer(&long).await.is_ok());

    door.advance(2 * 3600);
    assert_eq!(door.refusal(&long).await, "expired");
    let fresh = issuer.token("shop", door.now());
    assert!(door.bearer(&fresh).await.is_ok(), "the door still works");
}
