//! An issuer of tokens: keys of every kind, tokens good and bad, and the place where its
//! key set is served.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use poolgate::fetch::{Document, Fetch};
use serde_json::{Value, json};

/// A key pair. Its public half is a JSON Web Key, of which tests may change members.
pub struct Key {
    pub jwk: Value,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    pub fn rsa(id: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = pair.public_key();
        let n = encoded(public.modulus().big_endian_without_leading_zero());
        let e = encoded(public.exponent().big_endian_without_leading_zero());
        let jwk = json!({"kty": "RSA", "kid": id, "n": n, "e": e});
        let pair = Pair::Rsa(pair);
        Self { jwk, pair }
    }

    pub fn p256(id: &str) -> Self {
        Self::ec(id, "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub fn p384(id: &str) -> Self {
        Self::ec(id, "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    pub fn ed25519(id: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = encoded(pair.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x});
        let pair = Pair::Ed(pair);
        Self { jwk, pair }
    }

    fn ec(id: &str, curve: &str, kind: &'static signature::EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(kind).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let jwk = json!({"kty": "EC", "crv": curve, "kid": id, "x": encoded(x), "y": encoded(y)});
        let pair = Pair::Ec(pair);
        Self { jwk, pair }
    }

    pub fn id(&self) -> &str {
        self.jwk["kid"].as_str().unwrap()
    }

    /// A token with exactly this header, signed by the algorithm it names where this key
    /// can, and otherwise as an attacker would try to.
    pub fn sign(&self, header: &Value, payload: &[u8]) -> String {
        let message = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(payload)
        );
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let signature = match algorithm.starts_with("HS") {
            true => self.hmac(algorithm, message.as_bytes()),
            false => self.signature(algorithm, message.as_bytes()),
        };
        format!("{message}.{}", encoded(&signature))
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    /// The public key as a secret of HMAC, which is the oldest trick.
    fn hmac(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        use aws_lc_rs::hmac;
        let kind = match algorithm {
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let secret = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed(pair) => pair.public_key().as_ref().to_vec(),
        };
        hmac::sign(&hmac::Key::new(kind, &secret), message)
            .as_ref()
            .to_vec()
    }
}

/// Keys as a key set.
pub fn key_set<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Value {
    let keys: Vec<&Value> = keys.into_iter().map(|key| &key.jwk).collect();
    json!({ "keys": keys })
}

/// An issuer that signs with ES256 and serves its keys.
pub struct Issuer {
    pub name: String,
    pub site: Arc<Site>,
    keys: Vec<Key>,
}

impl Issuer {
    /// The audience of its tokens.
    pub const AUDIENCE: &str = "poolgate";

    pub fn new(name: &str) -> Self {
        let issuer = Self {
            name: name.to_owned(),
            site: Arc::default(),
            keys: vec![Key::p256("key-1")],
        };
        issuer.publish();
        issuer
    }

    /// A row of a callers file with this issuer, whose keys are fetched, and `more`.
    pub fn row(&self, more: &str) -> String {
        let (name, audience) = (&self.name, Self::AUDIENCE);
        format!(
            "[[issuers]]\nissuer = \"{name}\"\naudiences = [\"{audience}\"]\n\
             algorithms = [\"ES256\"]\njwks_url = \"{name}/keys\"\n{more}\n"
        )
    }

    /// The claims of a good token of an hour.
    pub fn claims(&self, subject: &str, now: u64) -> Value {
        json!({
            "iss": self.name, "sub": subject, "aud": Self::AUDIENCE,
            "iat": now, "exp": now + 3600, "jti": "token-1",
        })
    }

    /// A good token.
    pub fn token(&self, subject: &str, now: u64) -> String {
        self.sign(&self.claims(subject, now))
    }

    /// A token with these claims, signed with the newest key.
    pub fn sign(&self, claims: &Value) -> String {
        let key = self.key();
        let header = json!({"alg": "ES256", "kid": key.id(), "typ": "JWT"});
        key.sign(&header, claims.to_string().as_bytes())
    }

    /// The key that it signs with.
    pub fn key(&self) -> &Key {
        self.keys.last().unwrap()
    }

    pub fn jwks(&self) -> Value {
        key_set(&self.keys)
    }

    /// Serves the keys as they are now.
    pub fn publish(&self) {
        self.site
            .answer(Answer::Body(self.jwks().to_string().into()));
    }

    /// Signs with a new key from now on. Nobody learns of it before
    /// [`Issuer::publish`].
    pub fn rotate(&mut self) {
        let id = format!("key-{}", self.keys.len() + 1);
        self.keys.push(Key::p256(&id));
    }

    /// Takes the oldest key back. Nobody learns of it before [`Issuer::publish`].
    pub fn remove_oldest(&mut self) {
        self.keys.remove(0);
    }
}

/// Where a key set is served; counts how often it is asked for.
#[derive(Default)]
pub struct Site {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
}

#[derive(Clone, Default)]
pub enum Answer {
    Body(Bytes),
    /// A body that may be kept for so long.
    Aged(Bytes, Duration),
    Error(&'static str),
    #[default]
    Never,
}

impl Site {
    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for Site {
    fn fetch<'a>(&'a self, _url: &'a str) -> BoxFuture<'a, Result<Document, String>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(async move {
            match answer {
                Answer::Body(body) => Ok(Document {
                    body,
                    max_age: None,
                }),
                Answer::Aged(body, age) => Ok(Document {
                    body,
                    max_age: Some(age),
                }),
                Answer::Error(error) => Err(error.to_owned()),
                Answer::Never => std::future::pending().await,
            }
        })
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
