//! One public key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::is_key_id;
use crate::authn::jws;

/// 65537, the only exponent in use; large ones cost time.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// A key that can be used.
#[derive(Clone)]
pub(in crate::authn) struct Key {
    id: Option<String>,
    kind: Kind,
    /// The only algorithm that it is for, where its issuer says so.
    algorithm: Option<Algorithm>,
    numbers: Vec<Vec<u8>>,
    public: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Key {
    /// Nothing, if the key cannot be used.
    pub(super) fn read(key: &Value) -> Option<Self> {
        let key = key.as_object()?;
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let is_private = ["d", "k"].iter().any(|name| key.contains_key(*name));
        if is_private || !is_for_signatures(key) {
            return None;
        }
        let kind = match (text("kty")?, text("crv")) {
            ("RSA", None) => Kind::Rsa,
            ("EC", Some("P-256")) => Kind::P256,
            ("EC", Some("P-384")) => Kind::P384,
            ("OKP", Some("Ed25519")) => Kind::Ed25519,
            _ => return None,
        };
        let id = match key.get("kid") {
            None => None,
            Some(id) => Some(id.as_str().filter(|id| is_key_id(id))?.to_owned()),
        };
        let algorithm = match key.get("alg") {
            None => None,
            Some(name) => Some(kind.algorithm(name.as_str()?)?),
        };
        let numbers: Vec<Vec<u8>> = kind
            .members()
            .iter()
            .map(|name| number(text(name)?))
            .collect::<Option<_>>()?;
        let public = kind.public(&numbers)?;
        Some(Self {
            id,
            kind,
            algorithm,
            numbers,
            public,
        })
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(in crate::authn) fn public(&self) -> &DecodingKey {
        &self.public
    }

    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        match self.algorithm {
            Some(only) => only == algorithm,
            None => self.kind.algorithms().contains(&algorithm),
        }
    }

    /// Whether two keys have a name together and are of different kinds.
    pub(super) fn contradicts(&self, other: &Key) -> bool {
        self.id.is_some() && self.id == other.id && self.kind != other.kind
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.kind, self.algorithm, &self.numbers)
            == (&other.id, other.kind, other.algorithm, &other.numbers)
    }
}

impl Eq for Key {}

impl Kind {
    fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Kind::Rsa => &[Algorithm::RS256, Algorithm::PS256],
            Kind::P256 => &[Algorithm::ES256],
            Kind::P384 => &[Algorithm::ES384],
            Kind::Ed25519 => &[Algorithm::EdDSA],
        }
    }

    /// The algorithm of a name, if keys of this kind can be for it. RFC 9864 gave EdDSA
    /// with this curve a name of its own.
    fn algorithm(self, name: &str) -> Option<Algorithm> {
        if self == Kind::Ed25519 && name == "Ed25519" {
            return Some(Algorithm::EdDSA);
        }
        jws::algorithm(name).filter(|algorithm| self.algorithms().contains(algorithm))
    }

    fn members(self) -> &'static [&'static str] {
        match self {
            Kind::Rsa => &["n", "e"],
            Kind::P256 | Kind::P384 => &["x", "y"],
            Kind::Ed25519 => &["x"],
        }
    }

    fn public(self, numbers: &[Vec<u8>]) -> Option<DecodingKey> {
        match (self, numbers) {
            (Kind::Rsa, [modulus, exponent]) => {
                let (modulus, exponent) = (significant(modulus), significant(exponent));
                let bits = modulus.len() * 8 - leading_zeros(modulus)?;
                let good = (2048..=4096).contains(&bits) && exponent == EXPONENT;
                good.then(|| DecodingKey::from_rsa_raw_components(modulus, exponent))
            }
            (Kind::P256, [x, y]) => point(32, x, y),
            (Kind::P384, [x, y]) => point(48, x, y),
            (Kind::Ed25519, [x]) if x.len() == 32 => Some(DecodingKey::from_ed_der(x)),
            _ => None,
        }
    }
}

/// `use` and `key_ops`, where they are there.
fn is_for_signatures(key: &Map<String, Value>) -> bool {
    let usage = key.get("use").is_none_or(|usage| usage == "sig");
    let operations = key.get("key_ops").is_none_or(|operations| {
        let list = operations.as_array();
        list.is_some_and(|list| list.iter().any(|operation| operation == "verify"))
    });
    usage && operations
}

/// An uncompressed point (SEC 1, section 2.3.3).
fn point(size: usize, x: &[u8], y: &[u8]) -> Option<DecodingKey> {
    if x.len() != size || y.len() != size {
        return None;
    }
    let point = [&[4], x, y].concat();
    Some(DecodingKey::from_ec_der(&point))
}

fn number(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Some issuers write numbers with a leading zero byte, as signed integers have it.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn leading_zeros(number: &[u8]) -> Option<usize> {
    let zeros = number.first()?.leading_zeros();
    usize::try_from(zeros).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_cannot_be_used_are_passed_over() {
        let number = |bytes: usize, first: u8| {
            let mut number = vec![0xff; bytes];
            number[0] = first;
            URL_SAFE_NO_PAD.encode(number)
        };
        let rsa = |n: String, e: &str| json!({"kty": "RSA", "n": n, "e": e});
        let with = |mut key: Value, name: &str, value: Value| {
            key[name] = value;
            key
        };
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": number(32, 1)});
        let ec = json!({"kty": "EC", "crv": "P-256", "x": number(32, 1), "y": number(32, 1)});
        for (key, good, why) in [
            (rsa(number(256, 0x80), "AQAB"), true, "2048 bits"),
            (rsa(number(257, 0), "AQAB"), true, "a leading zero byte"),
            (rsa(number(256, 0x7f), "AQAB"), false, "2047 bits"),
            (rsa(number(512, 0x80), "AQAB"), true, "4096 bits"),
            (rsa(number(513, 1), "AQAB"), false, "4097 bits"),
            (rsa(number(256, 0x80), "Aw"), false, "the exponent 3"),
            (rsa(String::new(), "AQAB"), false, "no modulus"),
            (
                with(rsa(number(256, 0x80), "AQAB"), "alg", json!("RS512")),
                false,
                "RS512",
            ),
            (
                with(rsa(number(256, 0x80), "AQAB"), "alg", json!("HS256")),
                false,
                "HMAC",
            ),
            (
                with(rsa(number(256, 0x80), "AQAB"), "alg", json!("ES256")),
                false,
                "a curve's",
            ),
            (ed.clone(), true, "Ed25519"),
            (
                with(ed.clone(), "alg", json!("Ed25519")),
                true,
                "its new name",
            ),
            (with(ed.clone(), "alg", json!(5)), false, "no name"),
            (
                with(ed.clone(), "use", json!("enc")),
                false,
                "for encryption",
            ),
            (
                with(ed.clone(), "key_ops", json!(["verify"])),
                true,
                "to verify",
            ),
            (
                with(ed.clone(), "key_ops", json!(["encrypt"])),
                false,
                "to encrypt",
            ),
            (
                with(ed.clone(), "key_ops", json!("verify")),
                false,
                "no list",
            ),
            (
                with(ed.clone(), "d", json!("AAAA")),
                false,
                "with its private half",
            ),
            (
                with(ed.clone(), "kid", json!("../etc")),
                true,
                "a name of good characters",
            ),
            (
                with(ed.clone(), "kid", json!("a b")),
                false,
                "a name with a space",
            ),
            (
                with(ed.clone(), "x", json!(number(31, 1))),
                false,
                "31 bytes",
            ),
            (with(ed, "crv", json!("Ed448")), false, "Ed448"),
            (ec.clone(), true, "P-256"),
            (
                with(ec.clone(), "x", json!(number(33, 0))),
                false,
                "33 bytes",
            ),
            (with(ec, "crv", json!("P-521")), false, "P-521"),
            (json!({"kty": "oct", "k": "AAAA"}), false, "symmetric"),
        ] {
            assert_eq!(Key::read(&key).is_some(), good, "{why}: {key}");
        }
    }
}
