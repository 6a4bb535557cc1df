//! An emulator at a fixed time, a client of it, and what the scenarios know.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use poolgate::clock::Clock;
use poolgate::emulator::{Emulator, Settings};
use poolgate::operation::Operation;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::over::Over;

pub const REGION: &str = "eu-west-1";
pub const NOW: u64 = 1_800_000_000;
pub const USER_POOL: &str = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1";
pub const GOOGLE: &str = "accounts.google.com";
pub const DEVELOPER: &str = "login.example";
pub const OWN: &str = "cognito-identity.amazonaws.com";
pub const ROLE: &str = "arn:aws:iam::123456789012:role/user";
const FACEBOOK: &str = "graph.facebook.com";
const GUEST_ROLE: &str = "arn:aws:iam::123456789012:role/guest";

/// Where the state is.
#[derive(Clone, Copy)]
pub enum Kept {
    InMemory,
    OnDisk,
}

pub struct World {
    pub emulator: Arc<Emulator>,
    pub clock: Clock,
    over: Over,
    runtime: Runtime,
    _directory: TempDir,
}

/// An error as a client sees it.
#[derive(Debug, PartialEq)]
pub struct Refused {
    pub kind: String,
    pub message: String,
}

impl World {
    pub fn new(connect: fn(Arc<Emulator>) -> BoxFuture<'static, Over>, kept: Kept) -> Self {
        let directory = TempDir::new().unwrap();
        let settings = Settings {
            default_region: REGION.to_owned(),
            data_dir: match kept {
                Kept::InMemory => None,
                Kept::OnDisk => Some(directory.path().join("data")),
            },
            ..Settings::default()
        };
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        let emulator = Arc::new(Emulator::open(settings, clock.clone()).unwrap());
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let over = runtime.block_on(connect(Arc::clone(&emulator)));
        Self {
            emulator,
            clock,
            over,
            runtime,
            _directory: directory,
        }
    }

    /// A pool with a user pool, Google, Facebook, a developer provider and guests,
    /// changed by `with`, and with roles.
    pub fn pool(&self, with: Value) -> String {
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

    pub fn identity(&self, pool: &str, logins: Value) -> String {
        let found = self.ok("GetId", json!({"IdentityPoolId": pool, "Logins": logins}));
        found["IdentityId"].as_str().unwrap().to_owned()
    }

    pub fn describe(&self, identity: &str) -> Value {
        self.ok("DescribeIdentity", json!({"IdentityId": identity}))
    }

    pub fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body)
            .unwrap_or_else(|refused| panic!("{operation}: {refused:?}"))
    }

    pub fn refused(&self, operation: &str, body: Value) -> (String, String) {
        match self.call(operation, body) {
            Ok(output) => panic!("{operation} was not refused: {output}"),
            Err(refused) => (refused.kind, refused.message),
        }
    }

    pub fn call(&self, operation: &str, body: Value) -> Result<Value, Refused> {
        let operation = Operation::from_name(operation).unwrap();
        let mut answer = self.runtime.block_on(self.over.call(operation, &body))?;
        leave_out_empty(&mut answer);
        Ok(answer)
    }
}

fn leave_out_empty(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(leave_out_empty);
            let is_empty = |member: &Value| match member {
                Value::Array(list) => list.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            members.retain(|_, member| !is_empty(member));
        }
        Value::Array(list) => list.iter_mut().for_each(leave_out_empty),
        _ => {}
    }
}

/// A token that a provider could have made, good for an hour. It differs each time,
/// as refreshed tokens do.
fn token(provider: &str, audience: &str, subject: &str) -> String {
    let claims = json!({
        "iss": format!("https://{provider}"),
        "aud": audience,
        "sub": subject,
        "exp": NOW + 3600,
        "jti": uuid::Uuid::new_v4().to_string(),
    });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.signature",
        part(json!({"alg": "RS256"})),
        part(claims)
    )
}

/// A login of a user of the user pool.
pub fn user(subject: &str) -> Value {
    json!({USER_POOL: token(USER_POOL, "client", subject)})
}

/// A login of a user of Google.
pub fn google(subject: &str) -> Value {
    json!({GOOGLE: token(GOOGLE, "google-app", subject)})
}

/// The logins of both maps.
pub fn both(one: Value, other: Value) -> Value {
    let mut logins = one;
    for (key, token) in other.as_object().unwrap() {
        logins[key] = token.clone();
    }
    logins
}

/// The claims of a token.
pub fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub fn error(kind: &str, message: &str) -> (String, String) {
    (format!("{kind}Exception"), message.to_owned())
}
