//! The public keys of an issuer: a JSON Web Key Set (RFC 7517).

mod key;

use std::fmt;

use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::jws;
use key::Key;

/// The most keys of a set.
const MOST_KEYS: usize = 64;

/// The longest name of a key, in bytes.
const MOST_ID_BYTES: usize = 128;

/// Keys that can be used to verify tokens.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

/// Why no key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// There is none of that name, or none at all.
    Unknown,
    /// The key of that name is for other algorithms.
    OtherAlgorithm,
    /// The token names none, and more than one would do.
    Several,
}

impl KeySet {
    /// Reads a set; an error says what is wrong with it.
    ///
    /// Keys that cannot be used are passed over: for other algorithms, for encryption,
    /// RSA keys under 2048 or over 4096 bits or with another exponent than 65537, keys
    /// that show their private half, and keys whose name is over 128 bytes or has other
    /// characters than `A-Za-z0-9._~+/=-`. A set is an error that has more than 64 keys,
    /// that has none left, or in which two keys of different kinds share a name.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let set = jws::object(json)?;
        let Some(Value::Array(keys)) = set.get("keys") else {
            return Err("not a key set: `keys` is missing or not a list".to_owned());
        };
        if keys.len() > MOST_KEYS {
            return Err(format!("more than {MOST_KEYS} keys"));
        }
        let keys: Vec<Key> = keys.iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("no key among `keys` that can be used".to_owned());
        }
        for (place, key) in keys.iter().enumerate() {
            let mut others = keys.iter().skip(place + 1);
            if others.any(|other| key.contradicts(other)) {
                return Err("two keys of different kinds have the same `kid`".to_owned());
            }
        }
        Ok(Self(keys))
    }

    /// The keys that may have signed a token: those of that name, or where the token
    /// names none, the only one for the algorithm.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<&Key>, NoKey> {
        let named: Vec<&Key> = self
            .0
            .iter()
            .filter(|key| id.is_none() || key.id() == id)
            .collect();
        if named.is_empty() {
            return Err(NoKey::Unknown);
        }
        let fitting: Vec<&Key> = named
            .into_iter()
            .filter(|key| key.is_for(algorithm))
            .collect();
        match (fitting.len(), id) {
            (0, _) => Err(NoKey::OtherAlgorithm),
            (1, _) | (_, Some(_)) => Ok(fitting),
            (_, None) => Err(NoKey::Several),
        }
    }

    /// Whether all keys of another set are in this one.
    pub(super) fn keeps(&self, other: &KeySet) -> bool {
        other.0.iter().all(|key| self.0.contains(key))
    }
}

/// Shows which keys there are, not what they are.
impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| key.id().unwrap_or("-"));
        formatter.debug_list().entries(ids).finish()
    }
}

/// Whether a text can be the name of a key. It is only ever looked up in memory; a
/// stranger's text in our log is still better short and plain.
pub(super) fn is_key_id(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte);
    (1..=MOST_ID_BYTES).contains(&text.len()) && text.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn a_set_that_cannot_be_right_is_refused_as_a_whole() {
        let ed = |id: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": id});
        let zero = "A".repeat(43);
        let ec = json!({"kty": "EC", "crv": "P-256", "x": zero, "y": zero, "kid": "a"});
        let many: Vec<Value> = (0..65).map(|id| ed(&id.to_string())).collect();
        for (set, says) in [
            (
                json!({"keys": [ed("a"), ed("b"), {"kty": "oct", "k": "AAAA"}, 5]}),
                None,
            ),
            (json!({"keys": [ed("a"), ed("a")]}), None),
            (json!({"keys": [ed("a"), ec]}), Some("different kinds")),
            (json!({"keys": []}), Some("no key")),
            (
                json!({"keys": [{"kty": "oct", "k": "AAAA"}]}),
                Some("no key"),
            ),
            (json!({"keys": many}), Some("more than 64")),
            (json!({"keys": {}}), Some("not a list")),
            (json!([]), Some("not a JSON object")),
        ] {
            let read = KeySet::read(set.to_string().as_bytes()).err();

            assert_eq!(read.is_none(), says.is_none(), "{set}: {read:?}");
            assert!(
                read.unwrap_or_default().contains(says.unwrap_or_default()),
                "{set}"
            );
        }
    }

    #[test]
    fn a_token_that_names_no_key_gets_the_only_one_for_its_algorithm() {
        let ed = |id: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": id});
        let set = |keys: Value| KeySet::read(json!({"keys": keys}).to_string().as_bytes()).unwrap();
        let (one, two) = (set(json!([ed("a")])), set(json!([ed("a"), ed("b")])));
        let found = |keys: &KeySet, id: Option<&str>, algorithm| {
            keys.find(id, algorithm).map(|keys| keys.len())
        };

        assert_eq!(found(&one, None, Algorithm::EdDSA), Ok(1));
        assert_eq!(found(&two, None, Algorithm::EdDSA), Err(NoKey::Several));
        assert_eq!(found(&two, Some("b"), Algorithm::EdDSA), Ok(1));
        assert_eq!(
            found(&two, Some("b"), Algorithm::ES256),
            Err(NoKey::OtherAlgorithm)
        );
        assert_eq!(
            found(&two, Some("c"), Algorithm::EdDSA),
            Err(NoKey::Unknown)
        );
        assert_eq!(
            found(&KeySet::default(), None, Algorithm::EdDSA),
            Err(NoKey::Unknown)
        );
    }
}
