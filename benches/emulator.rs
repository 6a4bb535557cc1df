//! What the emulator takes for a call, without the SDK: `cargo bench --bench emulator`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up stops"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use divan::Bencher;
use http::{Request, StatusCode};
use poolgate::clock::Clock;
use poolgate::emulator::{Emulator, Settings};
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";
const PROVIDER: &str = "graph.facebook.com";
/// One of so many identities is not disabled.
const KEPT: usize = 100;
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

fn main() {
    divan::main();
}

#[divan::bench]
fn describe_identity_pool(bencher: Bencher<'_, '_>) {
    let pool = Pool::new(0);
    let request = request("DescribeIdentityPool", &json!({"IdentityPoolId": pool.id}));
    pool.measure(bencher, &request);
}

/// The same while another thread signs one token after the other.
#[divan::bench]
fn describe_identity_pool_beside_signing(bencher: Bencher<'_, '_>) {
    let pool = Pool::new(0);
    let describe = request("DescribeIdentityPool", &json!({"IdentityPoolId": pool.id}));
    let guest = pool.ask("GetId", &json!({"IdentityPoolId": pool.id}));
    let sign = request("GetOpenIdToken", &guest);
    pool.emulator.jwks().expect("a key");
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                divan::black_box(pool.emulator.handle(&sign));
            }
        });
        bencher.bench_local(|| pool.emulator.handle(&describe));
        ended.store(true, Ordering::Relaxed);
    });
}

#[divan::bench]
fn sign_a_token(bencher: Bencher<'_, '_>) {
    let pool = Pool::new(0);
    let guest = pool.ask("GetId", &json!({"IdentityPoolId": pool.id}));
    let sign = request("GetOpenIdToken", &guest);
    pool.emulator.jwks().expect("a key");
    pool.measure(bencher, &sign);
}

/// A page of sixty from the middle of a pool.
#[divan::bench(args = SIZES)]
fn page_of_identities(bencher: Bencher<'_, '_>, identities: usize) {
    let pool = Pool::of(identities);
    let token = pool.page_after(&format!("{REGION}:80000000"));
    let list = json!({"IdentityPoolId": pool.id, "MaxResults": 60, "NextToken": token});
    let request = request("ListIdentities", &list);
    pool.measure(bencher, &request);
}

/// The same of those that can still be used, one of a hundred.
#[divan::bench(args = SIZES)]
fn page_without_disabled_identities(bencher: Bencher<'_, '_>, identities: usize) {
    let pool = Pool::of(identities);
    let token = pool.page_after(&format!("{REGION}:80000000"));
    let list = json!({
        "IdentityPoolId": pool.id, "MaxResults": 60, "NextToken": token, "HideDisabled": true,
    });
    let request = request("ListIdentities", &list);
    pool.measure(bencher, &request);
}

/// The identity of a user who is known.
#[divan::bench(args = SIZES)]
fn identity_of_a_login(bencher: Bencher<'_, '_>, identities: usize) {
    let pool = Pool::of(identities);
    let request = request("GetId", &pool.login(identities / 2));
    pool.measure(bencher, &request);
}

/// A pool in an emulator of its own.
struct Pool {
    emulator: Emulator,
    id: String,
}

impl Pool {
    /// The pool of this size, made once for all benchmarks.
    fn of(identities: usize) -> Arc<Self> {
        static MADE: Mutex<BTreeMap<usize, Arc<Pool>>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            made.entry(identities)
                .or_insert_with(|| Arc::new(Self::new(identities))),
        )
    }

    fn new(identities: usize) -> Self {
        let mut pool = Self {
            emulator: Emulator::new(Settings::default(), Clock::system()),
            id: String::new(),
        };
        let made = pool.ask(
            "CreateIdentityPool",
            &json!({
                "IdentityPoolName": "pool",
                "AllowUnauthenticatedIdentities": true,
                "SupportedLoginProviders": {PROVIDER: "1234"},
            }),
        );
        pool.id = text(&made, "IdentityPoolId");
        for user in 0..identities {
            let mut login = pool.login(user);
            let found = pool.ask("GetId", &login);
            if !user.is_multiple_of(KEPT) {
                login["IdentityId"] = found["IdentityId"].clone();
                login["LoginsToRemove"] = json!([PROVIDER]);
                pool.send("UnlinkIdentity", &login);
            }
        }
        pool
    }

    /// Measures a request, which has to succeed.
    fn measure(&self, bencher: Bencher<'_, '_>, request: &Request<Bytes>) {
        let answer = self.emulator.handle(request);
        assert_eq!(answer.status(), StatusCode::OK);
        bencher.bench(|| self.emulator.handle(request));
    }

    fn login(&self, user: usize) -> Value {
        let logins = json!({PROVIDER: format!("user {user}")});
        json!({"IdentityPoolId": self.id, "Logins": logins})
    }

    /// A token for the page after an identifier, made out of one of the emulator's own.
    fn page_after(&self, id: &str) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;

        let list = json!({"IdentityPoolId": self.id, "MaxResults": 1});
        let token = text(&self.ask("ListIdentities", &list), "NextToken");
        let token = URL_SAFE_NO_PAD.decode(token).expect("base64");
        let token = String::from_utf8(token).expect("a text");
        let (name, _) = token.split_once('\n').expect("two lines");
        URL_SAFE_NO_PAD.encode(format!("{name}\n{id}"))
    }

    fn ask(&self, operation: &str, body: &Value) -> Value {
        serde_json::from_slice(&self.send(operation, body)).expect("JSON")
    }

    fn send(&self, operation: &str, body: &Value) -> Bytes {
        let response = self.emulator.handle(&request(operation, body));
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body()
    }
}

fn text(answer: &Value, name: &str) -> String {
    let text = answer.get(name).and_then(Value::as_str);
    text.expect("a text").to_owned()
}

fn request(operation: &str, body: &Value) -> Request<Bytes> {
    let scope = format!("AKIA/20270101/{REGION}/cognito-identity/aws4_request");
    Request::post(format!("https://cognito-identity.{REGION}.amazonaws.com/"))
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}"),
        )
        .header(
            "x-amz-target",
            format!("AWSCognitoIdentityService.{operation}"),
        )
        .body(Bytes::from(body.to_string()))
        .expect("a request")
}
