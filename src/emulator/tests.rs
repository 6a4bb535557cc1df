//! How the emulator behaves, told through the requests that a client would send.

mod classic_flow;
mod enhanced_flow;
mod faults;
mod fetched_keys;
mod isolation;
mod issuers;
mod logins;
mod on_disk;
mod pools;
mod quotas;
mod restart;
mod seed;
mod snapshot;
mod sts;
mod tags;
mod time;
mod wire;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Emulator, Isolation, OpenError, RestoreError, Settings};
use crate::clock::Clock;
use crate::fetch::Fetch;

pub(super) const REGION: &str = "eu-west-1";
pub(super) const NOW: u64 = 1_800_000_000;
const USER_POOL: &str = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1";
const GOOGLE: &str = "accounts.google.com";
const FACEBOOK: &str = "graph.facebook.com";
const DEVELOPER: &str = "login.example";
const OWN: &str = "cognito-identity.amazonaws.com";
pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/user";
const GUEST_ROLE: &str = "arn:aws:iam::123456789012:role/guest";

/// An emulator at a fixed time, and a client that signs.
pub(super) struct World {
    pub(super) emulator: Arc<Emulator>,
    clock: Clock,
    /// Where the state is kept, if it is.
    directory: Option<TempDir>,
}

/// An error as a client sees it.
#[derive(Debug, PartialEq)]
struct Refused {
    kind: String,
    message: String,
}

impl World {
    /// In memory.
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        Self::fetching(settings, None)
    }

    /// With what fetches the keys of login providers.
    fn fetching(settings: Settings, source: Option<Arc<dyn Fetch>>) -> Self {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        let mut emulator = Emulator::open(settings, clock.clone()).unwrap();
        if let Some(source) = source {
            emulator = emulator.with_key_source(source);
        }
        Self {
            emulator: Arc::new(emulator),
            clock,
            directory: None,
        }
    }

    /// With a data directory of its own.
    fn on_disk() -> Self {
        Self::on_disk_with(Settings::default(), None)
    }

    fn on_disk_with(mut settings: Settings, source: Option<Arc<dyn Fetch>>) -> Self {
        let directory = TempDir::new().unwrap();
        settings.data_dir = Some(directory.path().join("data"));
        let mut world = Self::fetching(settings, source);
        world.directory = Some(directory);
        world
    }

    /// A pool with a user pool, Google, Facebook, a developer provider and guests,
    /// changed by `with`, and with roles.
    pub(super) fn pool(&self, with: Value) -> String {
        let mut wanted = json!({
            "IdentityPoolName": "pool",
            "AllowUnauthenticatedIdentities": true,
            "SupportedLoginProviders": {GOOGLE: "google-app", FACEBOOK: "1234"},
            "CognitoIdentityProviders": [{"ProviderName": USER_POOL, "ClientId": "client"}],
            "DeveloperProviderName": DEVELOPER,
        });
        for (name, value) in with.as_object().unwrap() {
            wanted[name] = value.clone();
        }
        let pool = self.ok("CreateIdentityPool", wanted);
        let id = pool["IdentityPoolId"].as_str().unwrap().to_owned();
        self.ok(
            "SetIdentityPoolRoles",
            json!({"IdentityPoolId": id, "Roles": {"authenticated": ROLE, "unauthenticated": GUEST_ROLE}}),
        );
        id
    }

    pub(super) fn identity(&self, pool: &str, logins: Value) -> String {
        let found = self.ok("GetId", json!({"IdentityPoolId": pool, "Logins": logins}));
        found["IdentityId"].as_str().unwrap().to_owned()
    }

    fn describe(&self, identity: &str) -> Value {
        self.ok("DescribeIdentity", json!({"IdentityId": identity}))
    }

    fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body)
            .unwrap_or_else(|refused| panic!("{operation}: {refused:?}"))
    }

    fn refused(&self, operation: &str, body: Value) -> (String, String) {
        match self.call(operation, body) {
            Ok(output) => panic!("{operation} was not refused: {output}"),
            Err(refused) => (refused.kind, refused.message),
        }
    }

    fn call(&self, operation: &str, body: Value) -> Result<Value, Refused> {
        self.send(&signed(REGION, operation, &body))
    }

    fn send(&self, request: &Request<Bytes>) -> Result<Value, Refused> {
        let response = self.emulator.handle(request);
        let status = response.status();
        let body = match response.body().is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(response.body()).unwrap(),
        };
        if status == StatusCode::OK {
            return Ok(body);
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Err(Refused {
            kind: text("__type"),
            message: text("message"),
        })
    }
}

fn signed(region: &str, operation: &str, body: &Value) -> Request<Bytes> {
    signed_by("AKIA", region, operation, body)
}

fn signed_by(key: &str, region: &str, operation: &str, body: &Value) -> Request<Bytes> {
    let scope = format!("{key}/20270101/{region}/cognito-identity/aws4_request");
    let mut request = unsigned(operation, &body.to_string());
    request.headers_mut().insert(
        "authorization",
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
            .parse()
            .unwrap(),
    );
    request
}

fn unsigned(operation: &str, body: &str) -> Request<Bytes> {
    Request::post("http://localhost:8080/")
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            format!("AWSCognitoIdentityService.{operation}"),
        )
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

/// A token that a provider could have made, good for an hour. It differs each time,
/// as refreshed tokens do.
fn token(provider: &str, audience: &str, subject: &str, more: Value) -> String {
    let mut claims = json!({
        "iss": format!("https://{provider}"),
        "aud": audience,
        "sub": subject,
        "exp": NOW + 3600,
        "jti": uuid::Uuid::new_v4().to_string(),
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.signature",
        part(json!({"alg": "RS256"})),
        part(claims)
    )
}

/// A login of a user of the user pool.
fn user(subject: &str) -> Value {
    json!({USER_POOL: token(USER_POOL, "client", subject, json!({}))})
}

/// A login of a user of Google.
fn google(subject: &str) -> Value {
    json!({GOOGLE: token(GOOGLE, "google-app", subject, json!({}))})
}

/// The logins of both maps.
fn both(one: Value, other: Value) -> Value {
    let mut logins = one;
    for (key, token) in other.as_object().unwrap() {
        logins[key] = token.clone();
    }
    logins
}

/// The claims of a token.
pub(super) fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn error(kind: &str, message: &str) -> (String, String) {
    (format!("{kind}Exception"), message.to_owned())
}
