use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use poolgate::authn::Fault;
use poolgate::failure::Failure;
use serde_json::json;

use super::{Door, ISSUER, NOW, parsed};
use crate::support::tokens::{Answer, Issuer, Key};

/// A token by a key that nobody has published.
fn unknown(issuer: &Issuer, key: &Key, id: usize) -> String {
    let header = json!({"alg": "ES256", "kid": format!("unknown-{id}"), "typ": "JWT"});
    key.sign(&header, issuer.claims("shop", NOW).to_string().as_bytes())
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_the_issuer_one_request_in_thirty_seconds() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let (good, stranger) = (issuer.token("shop", NOW), Key::p256("x"));
    door.authenticator.refresh_keys().await;
    assert_eq!(issuer.site.asked(), 1);
    for number in 0..10_000 {
        // Ten seconds in all.
        door.clock.advance(Duration::from_millis(1));
        let cause = door.refusal(&unknown(&issuer, &stranger, number)).await;
        assert_eq!(cause, "the issuer has no such key");
        if number % 100 == 0 {
            assert!(door.bearer(&good).await.is_ok());
        }
    }
    assert_eq!(issuer.site.asked(), 1, "the start counts, too");

    door.advance(20);
    for number in 0..10 {
        door.refusal(&unknown(&issuer, &stranger, 20_000 + number))
            .await;
    }
    assert_eq!(issuer.site.asked(), 2);
}

#[tokio::test]
async fn a_stranger_that_guesses_the_next_name_delays_its_key_by_one_pause_at_most() {
    let mut issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    door.authenticator.refresh_keys().await;
    issuer.rotate();
    let next = issuer.token("shop", NOW);
    door.advance(30);
    // The issuer has not published the key that the name is guessed of.
    assert!(door.bearer(&next).await.is_err());
    assert_eq!(issuer.site.asked(), 2);
    issuer.publish();

    for _ in 0..29 {
        door.advance(1);
        assert!(door.bearer(&next).await.is_err());
    }
    assert_eq!(issuer.site.asked(), 2, "the issuer is left alone");
    door.advance(1);

    assert!(door.bearer(&next).await.is_ok());
    assert_eq!(issuer.site.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn bad_answers_cost_nobody_who_is_known_anything() {
    let issuer = Issuer::new(ISSUER);
    let other = Key::ed25519("key-1");
    let clash = json!({"keys": [issuer.key().jwk, other.jwk]}).to_string();
    let answers: Vec<(&str, Answer)> = vec![
        ("no keys", Answer::Body("{\"keys\":[]}".into())),
        ("no JSON", Answer::Body("<html>".into())),
        ("nothing", Answer::Body(Bytes::new())),
        ("too much", Answer::Body(vec![b' '; 600_000].into())),
        ("two keys of one name", Answer::Body(clash.into())),
        (
            "an error",
            Answer::Error("answered with 500 Internal Server Error"),
        ),
        ("a redirect", Answer::Error("answered with 302 Found")),
        ("no answer", Answer::Never),
    ];
    for (why, answer) in answers {
        issuer.publish();
        let door = Door::of(&issuer, "");
        door.authenticator.refresh_keys().await;
        let before = issuer.site.asked();
        issuer.site.answer(answer);
        let stranger = Key::p256("x");
        for number in 0..100 {
            door.advance(3);
            let token = unknown(&issuer, &stranger, number);
            assert_eq!(
                door.refusal(&token).await,
                "the issuer has no such key",
                "{why}"
            );
            let good = issuer.token("shop", door.now());
            assert!(door.bearer(&good).await.is_ok(), "{why}");
        }
        let asked = issuer.site.asked() - before;
        assert!(
            (5..=10).contains(&asked),
            "{why}: {asked} times in 300 seconds"
        );

        // Used for a day and then no longer.
        door.advance(24 * 3600 - 301);
        let good = issuer.token("shop", door.now());
        assert!(door.bearer(&good).await.is_ok(), "{why}");
        door.advance(61);
        let refusal = door.bearer(&good).await.unwrap_err();
        assert_eq!(refusal.fault, Fault::NoKeys, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_does_not_end_the_fetch() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let token = issuer.token("shop", NOW);
    let hung_up = tokio::time::timeout(Duration::ZERO, door.bearer(&token)).await;
    assert!(hung_up.is_err());

    // It waits for the fetch under way; another is not made for thirty seconds.
    assert!(door.bearer(&token).await.is_ok());
    assert_eq!(issuer.site.asked(), 1);
}

#[tokio::test]
async fn calls_at_one_time_wait_for_one_fetch() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let token = issuer.token("shop", NOW);

    let answers = (0..50).map(|_| door.bearer(&token));
    let answers = futures_util::future::join_all(answers).await;

    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(issuer.site.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_taken_at_its_first_use_and_an_old_one_goes_with_the_next_fetch() {
    let mut issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let old = issuer.token("shop", NOW);
    assert!(door.bearer(&old).await.is_ok());
    issuer.rotate();
    issuer.publish();
    let new = issuer.token("shop", NOW);

    door.advance(1);
    assert!(door.bearer(&new).await.is_err(), "the issuer is left alone");
    door.advance(29);
    assert!(door.bearer(&new).await.is_ok(), "31 seconds are the most");
    assert!(door.bearer(&old).await.is_ok());

    issuer.remove_oldest();
    issuer.publish();
    assert!(door.bearer(&old).await.is_ok());
    door.advance(300);
    assert!(door.bearer(&new).await.is_ok());
    door.authenticator.refresh_keys().await;
    assert_eq!(door.refusal(&old).await, "the issuer has no such key");
    assert!(door.bearer(&new).await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_taken_back_takes_its_verified_tokens_with_it() {
    let mut issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let old = issuer.token("shop", NOW);
    door.authenticator.refresh_keys().await;
    issuer.rotate();
    issuer.remove_oldest();
    issuer.publish();
    door.advance(299);
    assert!(door.bearer(&old).await.is_ok());

    door.advance(1);
    door.authenticator.refresh_keys().await;

    assert_eq!(door.refusal(&old).await, "the issuer has no such key");
}

#[tokio::test]
async fn keys_are_fetched_again_when_their_age_says_so_within_bounds() {
    for (age, not_before, not_after) in [
        (None, 269, 300),
        (Some(0), 269, 300),
        (Some(1200), 1079, 1200),
        (Some(1_000_000), 3239, 3600),
    ] {
        let issuer = Issuer::new(ISSUER);
        let body = Bytes::from(issuer.jwks().to_string());
        issuer.site.answer(match age {
            None => Answer::Body(body),
            Some(seconds) => Answer::Aged(body, Duration::from_secs(seconds)),
        });
        let door = Door::of(&issuer, "");
        door.authenticator.refresh_keys().await;
        door.authenticator.refresh_keys().await;
        door.advance(not_before);
        door.authenticator.refresh_keys().await;
        assert_eq!(issuer.site.asked(), 1, "{age:?}");

        door.advance(not_after - not_before);
        door.authenticator.refresh_keys().await;
        assert_eq!(issuer.site.asked(), 2, "{age:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_keys_are_there_before_the_first_token() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let authenticator = Arc::clone(&door.authenticator);
    let keeper = tokio::spawn(async move { authenticator.keep_keys_fresh(async || ()).await });
    while issuer.site.asked() == 0 {
        tokio::task::yield_now().await;
    }
    door.advance(300);
    while issuer.site.asked() == 1 {
        tokio::time::advance(Duration::from_secs(5)).await;
    }
    keeper.abort();

    assert_eq!(issuer.site.asked(), 2);
}

#[tokio::test]
async fn other_callers_count_from_the_next_call_and_keys_stay() {
    let issuer = Issuer::new(ISSUER);
    let role = "roles = [{ claim = \"sub\", value = \"shop\", role = \"a\" }]";
    let door = Door::of(&issuer, role);
    let token = issuer.token("shop", NOW);
    let before = door.bearer(&token).await.unwrap();
    assert!(before.roles().contains("a"));

    let row = issuer.row(&role.replace("\"a\"", "\"b\""));
    door.authenticator.reload(parsed(&row));
    let after = door.bearer(&token).await.unwrap();
    assert!(after.roles().contains("b") && !after.roles().contains("a"));
    assert_eq!(issuer.site.asked(), 1);

    door.authenticator.reload(parsed("[certificates]"));
    assert!(
        door.refusal(&token)
            .await
            .contains("is not in the callers file")
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_keeps_the_callers_it_began_with() {
    let issuer = Issuer::new(ISSUER);
    issuer.site.answer(Answer::Never);
    let door = Door::of(&issuer, "");
    let token = issuer.token("shop", NOW);

    let (authenticator, bearer) = (Arc::clone(&door.authenticator), format!("Bearer {token}"));
    let call = tokio::spawn(async move {
        let values = std::iter::once(bearer.as_bytes());
        authenticator.authenticate(None, values).await
    });
    while issuer.site.asked() == 0 {
        tokio::task::yield_now().await;
    }
    door.authenticator.reload(parsed("[certificates]"));

    let cause = call.await.unwrap().unwrap_err().cause;
    assert_eq!(cause, format!("no keys could be had from {ISSUER}/keys"));
    let next = door.refusal(&token).await;
    assert!(next.contains("is not in the callers file"), "{next}");
}

#[tokio::test]
async fn two_issuers_with_one_address_for_their_keys_cost_one_fetch() {
    let issuer = Issuer::new(ISSUER);
    let mut other = Issuer::new(ISSUER);
    other.name = "https://other.example.com".to_owned();
    let url = format!("{ISSUER}/keys");
    let row = other
        .row("")
        .replace("https://other.example.com/keys", &url);
    let door = Door::new(&format!("{}{row}", issuer.row("")), &issuer.site);

    door.authenticator.refresh_keys().await;

    assert_eq!(issuer.site.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_verified_for_want_of_keys_is_not_called_a_bad_one() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "");
    let token = issuer.token("shop", NOW);
    issuer
        .site
        .answer(Answer::Error("answered with 500 Internal Server Error"));

    let refusal = door.bearer(&token).await.unwrap_err();

    assert_eq!(refusal.fault, Fault::NoKeys);
    let expected = "the keys of the token's issuer cannot be had, and no token is taken without";
    assert_eq!(Failure::from(refusal).to_string(), expected);
    issuer.publish();
    door.advance(30);
    door.bearer(&token).await.unwrap();
    // Where there are keys, and none of that name, it is the token's fault.
    let stranger = Issuer::new(ISSUER);
    let fault = door.bearer(&stranger.token("shop", NOW)).await.unwrap_err();
    assert_eq!(fault.fault, Fault::Theirs);
}
