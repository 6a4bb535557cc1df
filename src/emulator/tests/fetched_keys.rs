use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::*;
use crate::emulator::{Issuer, Keys, Reply, Wanted};
use crate::fetch::Document;

const IDP: &str = "idp.example";
const KEYS: &str = "https://idp.example/keys";

/// A provider whose answer a test sets.
#[derive(Default)]
struct Provider {
    asked: AtomicUsize,
    keys: Mutex<Option<Value>>,
}

impl Fetch for Provider {
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Document, String>> {
        assert_eq!(url, KEYS);
        self.asked.fetch_add(1, Ordering::SeqCst);
        let keys = self.keys.lock().unwrap().clone();
        let answer = keys.map(|keys| Document {
            body: Bytes::from(keys.to_string()),
            max_age: None,
        });
        Box::pin(async move { answer.ok_or_else(|| "out of order".to_owned()) })
    }
}

#[tokio::test]
async fn keys_are_fetched_when_they_are_needed_and_kept_for_an_hour() {
    let (world, provider) = world();
    let idp = idp(1);
    provider.serves(Some(idp.emulator.test_issuers_jwks()));
    let pool = world.pool(oidc());
    assert_eq!(provider.asked(), 0);

    for _ in 0..3 {
        assert_eq!(sign_in(&world, &pool, &idp).await, Ok(()));
    }
    assert_eq!(provider.asked(), 1);

    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(sign_in(&world, &pool, &idp).await, Ok(()));
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_key_that_is_not_there_is_looked_for_once_in_thirty_seconds() {
    let (world, provider) = world();
    let (old, new) = (idp(1), idp(2));
    provider.serves(Some(old.emulator.test_issuers_jwks()));
    let pool = world.pool(oidc());
    assert_eq!(sign_in(&world, &pool, &old).await, Ok(()));

    for _ in 0..3 {
        assert!(sign_in(&world, &pool, &new).await.is_err());
    }
    assert_eq!(provider.asked(), 1);

    provider.serves(Some(new.emulator.test_issuers_jwks()));
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(sign_in(&world, &pool, &new).await, Ok(()));
    assert!(sign_in(&world, &pool, &old).await.is_err());
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn keys_outlive_a_provider_that_is_out_of_order() {
    let (world, provider) = world();
    let idp = idp(1);
    let pool = world.pool(oidc());
    assert_eq!(
        sign_in(&world, &pool, &idp).await,
        Err("Invalid login token. Couldn't verify signed token.".to_owned())
    );

    provider.serves(Some(idp.emulator.test_issuers_jwks()));
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(sign_in(&world, &pool, &idp).await, Ok(()));

    for broken in [None, Some(json!({"keys": []}))] {
        provider.serves(broken);
        world.clock.advance(Duration::from_secs(3600));
        let later = Wanted {
            expires_in: Some(9 * 3600),
            ..wanted()
        };
        assert_eq!(sign_in_with(&world, &pool, &idp, later).await, Ok(()));
    }
    assert_eq!(provider.asked(), 4);
}

#[tokio::test]
async fn a_provider_is_not_asked_for_what_is_no_token_of_its() {
    let (world, provider) = world();
    let pool = world.pool(oidc());

    for logins in [user("ann"), json!({IDP: "opaque"}), json!({IDP: 5})] {
        let request = signed(
            REGION,
            "GetId",
            &json!({"IdentityPoolId": pool, "Logins": logins}),
        );
        world.emulator.prepare(&request).await;
    }

    assert_eq!(provider.asked(), 0);
}

impl Provider {
    fn serves(&self, keys: Option<Value>) {
        *self.keys.lock().unwrap() = keys;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn keys_are_fetched_for_requests_over_a_socket() {
    let (world, provider) = world();
    let idp = idp(1);
    provider.serves(Some(idp.emulator.test_issuers_jwks()));
    let pool = world.pool(oidc());
    let minted = idp.emulator.mint(wanted()).unwrap();
    let body = json!({"IdentityPoolId": pool, "Logins": {minted.provider: minted.token}});

    let request = unsigned("GetId", &body.to_string());
    let Reply::Whole(answer) = world.emulator.serve(request).await else {
        panic!("no answer");
    };

    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(provider.asked(), 1);
}

/// An emulator that fetches the keys of one provider.
fn world() -> (World, Arc<Provider>) {
    let provider = Arc::new(Provider::default());
    let settings = Settings {
        issuers: vec![Issuer {
            issuer: format!("https://{IDP}"),
            keys: Keys::Fetched(KEYS.to_owned()),
            client_ids: None,
        }],
        ..Settings::default()
    };
    let world = World::fetching(settings, Some(provider.clone()));
    (world, provider)
}

/// The provider's other half, which signs; its key has this number.
fn idp(number: usize) -> World {
    let mut issuers: Vec<String> = (1..number)
        .map(|i| format!("https://{i}.example"))
        .collect();
    issuers.push(format!("https://{IDP}"));
    World::with(Settings {
        test_issuers: issuers,
        ..Settings::default()
    })
}

fn oidc() -> Value {
    json!({"OpenIdConnectProviderARNs": ["arn:aws:iam::123456789012:oidc-provider/idp.example"]})
}

fn wanted() -> Wanted {
    Wanted {
        issuer: Some(format!("https://{IDP}")),
        subject: "ann".to_owned(),
        audience: "app".to_owned(),
        claims: Default::default(),
        expires_in: None,
    }
}

async fn sign_in(world: &World, pool: &str, idp: &World) -> Result<(), String> {
    let late = Wanted {
        expires_in: Some(2 * 3600),
        ..wanted()
    };
    sign_in_with(world, pool, idp, late).await
}

async fn sign_in_with(
    world: &World,
    pool: &str,
    idp: &World,
    wanted: Wanted,
) -> Result<(), String> {
    let minted = idp.emulator.mint(wanted).unwrap();
    let body = json!({"IdentityPoolId": pool, "Logins": {minted.provider: minted.token}});
    let request = signed(REGION, "GetId", &body);
    assert!(world.emulator.needs_keys(&request));
    world.emulator.prepare(&request).await;
    let answer = world.call("GetId", body);
    answer.map(drop).map_err(|refused| refused.message)
}
