//! A JSON Web Key Set of a login provider, and what it verifies.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

/// What user pools and providers that IAM knows sign with.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// The RSA keys of a provider. Keys of other kinds are passed over.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

#[derive(Clone, PartialEq, Eq)]
struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// Shows which keys there are, not what they are.
impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| key.id.as_deref().unwrap_or("-"));
        formatter.debug_list().entries(ids).finish()
    }
}

impl KeySet {
    /// Reads a set; an error says what is wrong with it.
    pub fn of_json(set: &Value) -> Result<Self, String> {
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("not a JSON Web Key Set: `keys` is missing or not a list")?;
        let keys: Vec<Key> = keys.iter().filter_map(Key::of_json).collect();
        match keys.is_empty() {
            true => Err("no RSA key for signatures among `keys`".to_owned()),
            false => Ok(Self(keys)),
        }
    }

    /// Whether there is a key with this name.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        match id {
            Some(id) => self.0.iter().any(|key| key.id.as_deref() == Some(id)),
            None => !self.0.is_empty(),
        }
    }

    /// Whether one of the keys has signed the token. What the token says is not
    /// looked at.
    pub(super) fn verify(&self, token: &str) -> bool {
        let Ok(header) = jsonwebtoken::decode_header(token) else {
            return false;
        };
        if !ALGORITHMS.contains(&header.alg) {
            return false;
        }
        let mut rules = Validation::new(header.alg);
        rules.validate_exp = false;
        rules.validate_aud = false;
        rules.required_spec_claims.clear();
        let algorithm = format!("{:?}", header.alg);
        self.0
            .iter()
            .filter(|key| header.kid.is_none() || key.id == header.kid)
            .filter(|key| key.algorithm.as_ref().is_none_or(|own| *own == algorithm))
            .map(|key| DecodingKey::from_rsa_raw_components(&key.modulus, &key.exponent))
            .any(|key| jsonwebtoken::decode::<Value>(token, &key, &rules).is_ok())
    }
}

impl Key {
    fn of_json(key: &Value) -> Option<Self> {
        let written = Written::deserialize(key).ok()?;
        let for_signatures = written.usage.is_none_or(|usage| usage == "sig");
        if written.kty != "RSA" || !for_signatures {
            return None;
        }
        Some(Self {
            id: written.kid,
            algorithm: written.alg,
            modulus: number(&written.n?)?,
            exponent: number(&written.e?)?,
        })
    }
}

/// Some providers write numbers with a leading zero byte, as signed integers have it.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let digits = bytes.iter().skip_while(|byte| **byte == 0);
    Some(digits.copied().collect()).filter(|digits: &Vec<u8>| !digits.is_empty())
}
