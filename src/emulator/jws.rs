//! JSON Web Signatures with RSA, and the keys that verify them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RsaSignatureEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

/// A signed token.
pub(super) fn sign(
    key: &KeyPair,
    encoding: &'static RsaSignatureEncoding,
    header: &impl Serialize,
    claims: &impl Serialize,
) -> Option<String> {
    let message = format!("{}.{}", part(header)?, part(claims)?);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        encoding,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .ok()?;
    Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The public half of a key as a JSON Web Key.
pub(super) fn public_key(key: &KeyPair, id: &str, algorithm: &str) -> Value {
    let key = key.public_key();
    let number = |integer: &[u8]| URL_SAFE_NO_PAD.encode(integer);
    json!({
        "kty": "RSA",
        "alg": algorithm,
        "use": "sig",
        "kid": id,
        "n": number(key.modulus().big_endian_without_leading_zero()),
        "e": number(key.exponent().big_endian_without_leading_zero()),
    })
}

fn part(value: &impl Serialize) -> Option<String> {
    let json = serde_json::to_vec(value).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}
