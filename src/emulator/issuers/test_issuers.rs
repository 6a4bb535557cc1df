//! Issuers that live in this process and sign whatever a test asks for.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{KeySet, provider};
use crate::emulator::{Emulator, jws};

/// How long a token is good for unless a test says otherwise, in seconds.
const LIFETIME: u64 = 3600;

/// The claim by which a user pool tells one sign-in of a user from another.
const SESSION: &str = "origin_jti";

/// A token that a test wants.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The issuer; may be left out where there is only one.
    pub issuer: Option<String>,
    /// Who signs in.
    pub subject: String,
    /// The application that the token is for.
    pub audience: String,
    /// More claims, which also overrule those that are there anyway. `null` takes a
    /// claim out.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// How long the token is good for, in seconds.
    pub expires_in: Option<u64>,
}

/// A token that a test gets.
#[derive(Clone, Serialize)]
pub struct Minted {
    /// The key of the issuer in a logins map.
    pub provider: String,
    /// The token.
    pub token: String,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The issuer is not one of the test issuers.
    #[error("no such test issuer; {0}")]
    UnknownIssuer(String),
    /// Only user pools can sign users out.
    #[error("`{0}` is not a user pool; only user pools know who is signed out")]
    NotAUserPool(String),
    /// There is no key.
    #[error("the key of the test issuer could not be generated")]
    KeyUnavailable,
}

pub(in crate::emulator) struct TestIssuers {
    issuers: BTreeMap<String, TestIssuer>,
    /// How often each user was signed out everywhere.
    signed_out: Mutex<BTreeMap<(String, String), u64>>,
}

/// The key is generated when it is first needed: that takes some hundred
/// milliseconds.
struct TestIssuer {
    issuer: String,
    key_id: String,
    key: OnceLock<Option<KeyPair>>,
}

impl TestIssuers {
    pub(super) fn new(issuers: &[String]) -> Self {
        let issuers = issuers.iter().enumerate().map(|(place, issuer)| {
            let test = TestIssuer {
                issuer: issuer.clone(),
                key_id: format!("test-issuer-{}", place + 1),
                key: OnceLock::new(),
            };
            (provider(issuer), test)
        });
        Self {
            issuers: issuers.collect(),
            signed_out: Mutex::default(),
        }
    }

    /// Whether this issuer signed the token; nothing if it is not a test issuer.
    pub(super) fn verify(&self, provider: &str, token: &str) -> Option<bool> {
        let issuer = self.issuers.get(provider)?;
        // Without a key, no token can be its.
        let verified = issuer.key.get().and_then(Option::as_ref).is_some_and(|_| {
            let set = json!({"keys": issuer.public_key().into_iter().collect::<Vec<_>>()});
            KeySet::of_json(&set).is_ok_and(|keys| keys.verify(token))
        });
        Some(verified)
    }

    pub(super) fn is_signed_out(&self, provider: &str, claims: &Map<String, Value>) -> bool {
        let Some(subject) = claims.get("sub").and_then(Value::as_str) else {
            return false;
        };
        let times = self.times_signed_out(provider, subject);
        times > 0 && claims.get(SESSION) != Some(&session(times))
    }

    fn mint(&self, wanted: Wanted, now: u64) -> Result<Minted, MintError> {
        let (provider, issuer) = self.find(wanted.issuer.as_deref())?;
        let lifetime = wanted.expires_in.unwrap_or(LIFETIME);
        let mut claims = Map::from_iter([
            ("iss".to_owned(), json!(issuer.issuer)),
            ("sub".to_owned(), json!(wanted.subject)),
            ("aud".to_owned(), json!(wanted.audience)),
            ("iat".to_owned(), json!(now)),
            ("exp".to_owned(), json!(now.saturating_add(lifetime))),
            ("jti".to_owned(), json!(uuid::Uuid::new_v4().to_string())),
        ]);
        if is_user_pool(provider) {
            let times = self.times_signed_out(provider, &wanted.subject);
            claims.insert("token_use".to_owned(), json!("id"));
            claims.insert("auth_time".to_owned(), json!(now));
            claims.insert("cognito:username".to_owned(), json!(wanted.subject));
            claims.insert(SESSION.to_owned(), session(times));
        }
        claims.extend(wanted.claims);
        claims.retain(|_, value| !value.is_null());
        let header = json!({"alg": "RS256", "kid": issuer.key_id, "typ": "JWT"});
        let key = issuer.key().ok_or(MintError::KeyUnavailable)?;
        let token =
            jws::sign(key, &RSA_PKCS1_SHA256, &header, &claims).ok_or(MintError::KeyUnavailable)?;
        Ok(Minted {
            provider: provider.to_owned(),
            token,
        })
    }

    fn sign_out(&self, issuer: Option<&str>, subject: &str) -> Result<(), MintError> {
        let (provider, issuer) = self.find(issuer)?;
        if !is_user_pool(provider) {
            return Err(MintError::NotAUserPool(issuer.issuer.clone()));
        }
        let user = (provider.to_owned(), subject.to_owned());
        *self.signed_out().entry(user).or_default() += 1;
        Ok(())
    }

    fn find(&self, wanted: Option<&str>) -> Result<(&str, &TestIssuer), MintError> {
        let found = match wanted {
            Some(wanted) => self.issuers.get_key_value(&provider(wanted)),
            None if self.issuers.len() == 1 => self.issuers.first_key_value(),
            None => None,
        };
        let (provider, issuer) = found.ok_or_else(|| {
            let names = self.issuers.values().map(|known| known.issuer.as_str());
            let names: Vec<&str> = names.collect();
            MintError::UnknownIssuer(match names.is_empty() {
                true => "`emulator.test_issuers` names none".to_owned(),
                false => format!("there are {}", names.join(", ")),
            })
        })?;
        Ok((provider, issuer))
    }

    fn times_signed_out(&self, provider: &str, subject: &str) -> u64 {
        let user = (provider.to_owned(), subject.to_owned());
        self.signed_out().get(&user).copied().unwrap_or_default()
    }

    fn signed_out(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), u64>> {
        self.signed_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl TestIssuer {
    fn key(&self) -> Option<&KeyPair> {
        self.key
            .get_or_init(|| KeyPair::generate(KeySize::Rsa2048).ok())
            .as_ref()
    }

    fn public_key(&self) -> Option<Value> {
        let key = self.key()?;
        Some(jws::public_key(key, &self.key_id, "RS256"))
    }
}

impl Emulator {
    /// A login token of a test issuer. Slow the first time.
    pub fn mint(&self, wanted: Wanted) -> Result<Minted, MintError> {
        let now = self.clock.epoch_seconds();
        self.issuers.test().mint(wanted, now)
    }

    /// Signs a user of a test issuer out everywhere: tokens minted before are refused
    /// by pools that ask the user pool (`ServerSideTokenCheck`).
    pub fn sign_out(&self, issuer: Option<&str>, subject: &str) -> Result<(), MintError> {
        self.issuers.test().sign_out(issuer, subject)
    }

    /// The keys of all test issuers as a JSON Web Key Set. Slow the first time.
    pub fn test_issuers_jwks(&self) -> Value {
        let issuers = self.issuers.test().issuers.values();
        let keys: Vec<Value> = issuers.filter_map(TestIssuer::public_key).collect();
        json!({ "keys": keys })
    }
}

fn session(times_signed_out: u64) -> Value {
    json!(format!("session-{}", times_signed_out + 1))
}

fn is_user_pool(provider: &str) -> bool {
    provider.starts_with("cognito-idp.")
}
