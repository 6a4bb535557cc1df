use poolgate::authn::KeySet;
use poolgate::authn::jws::{ALGORITHMS, Algorithm, Signed};
use serde_json::json;

use crate::support::tokens::{Key, key_set};

const NAMES: [&str; 14] = [
    "none", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA",
];

/// Each algorithm with each kind of key: the tokens are signed as well as they can be,
/// for HMAC with the public key as the secret.
#[test]
fn an_algorithm_is_taken_only_with_keys_that_are_for_it() {
    let with = |mut key: Key, algorithm: &str| {
        key.jwk["alg"] = json!(algorithm);
        key
    };
    let keys: [(Key, &[&str]); 6] = [
        (Key::rsa("a"), &["RS256", "PS256"]),
        (with(Key::rsa("a"), "RS256"), &["RS256"]),
        (with(Key::rsa("a"), "PS256"), &["PS256"]),
        (Key::p256("a"), &["ES256"]),
        (Key::p384("a"), &["ES384"]),
        (Key::ed25519("a"), &["EdDSA"]),
    ];
    let all: Vec<Algorithm> = ALGORITHMS.iter().map(|(_, algorithm)| *algorithm).collect();
    for (key, good) in &keys {
        let set = read(key);
        for name in NAMES {
            let token = key.sign(&json!({"alg": name, "kid": "a"}), b"{}");
            let verified =
                Signed::read(&token).is_ok_and(|signed| signed.verify(&set, &all).is_ok());

            assert_eq!(verified, good.contains(&name), "{name} with {}", key.jwk);
        }
    }
}

#[test]
fn an_algorithm_is_taken_only_from_issuers_that_are_allowed_it() {
    let key = Key::rsa("a");
    let set = read(&key);
    for name in ["RS256", "PS256"] {
        let token = key.sign(&json!({"alg": name, "kid": "a"}), b"{}");
        for (allowed_name, allowed) in ALGORITHMS {
            let verified = Signed::read(&token).unwrap().verify(&set, &[allowed]);

            assert_eq!(
                verified.is_ok(),
                name == allowed_name,
                "{name}, {allowed_name}"
            );
        }
    }
}

#[test]
fn another_message_or_another_key_does_not_verify() {
    let (key, other) = (Key::p256("a"), Key::p256("a"));
    let header = json!({"alg": "ES256", "kid": "a"});
    let (token, changed) = (key.sign(&header, b"{}"), key.sign(&header, b"{} "));
    let (message, _) = changed.rsplit_once('.').unwrap();
    let (_, signature) = token.rsplit_once('.').unwrap();
    let spliced = format!("{message}.{signature}");
    let verify = |token: &str, key: &Key| {
        let signed = Signed::read(token).unwrap();
        signed.verify(&read(key), &[Algorithm::ES256]).is_ok()
    };

    assert!(verify(&token, &key));
    assert!(!verify(&token, &other));
    assert!(!verify(&spliced, &key));
}

fn read(key: &Key) -> KeySet {
    KeySet::read(key_set([key]).to_string().as_bytes()).unwrap()
}
