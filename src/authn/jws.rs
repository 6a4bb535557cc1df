//! JSON Web Signatures (RFC 7515): a strict reading around `jsonwebtoken`, which
//! verifies the signature and nothing else here.
//!
//! * Three parts in base64url without padding, each in the one spelling that it has.
//! * A header that is a JSON object without a name twice. It is read for `alg`, `kid`
//!   and `typ`. Keys do not come with the token, so `jwk`, `jku`, `x5u` and `x5c` are
//!   refused, and so is what changes the meaning of the rest: `crit`, `b64`, `zip`, and
//!   `enc`, which no signed token has. `x5t` is only a fingerprint and is passed over:
//!   well-known issuers send it.
//! * An algorithm that the issuer is allowed and that the key is for. None of them is
//!   symmetric: whoever can verify those can sign.

mod header;
mod json;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
pub use jsonwebtoken::Algorithm;

use super::bearer::MOST_BYTES;
use super::keys::{KeySet, NoKey};
use super::refusal::shown;
use header::Header;
pub(super) use json::object;

/// The algorithms that an issuer can be allowed, with their names (RFC 7518, RFC 8037).
pub const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// A signed token that is well-formed. Nothing in it is verified.
#[derive(Clone)]
pub struct Signed<'t> {
    message: &'t str,
    signature: &'t str,
    header: Header,
    payload: Vec<u8>,
}

/// Why a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// There is no key with the name that the token has for it.
    UnknownKey,
    /// Another key will not help.
    Refused(String),
}

impl Unverified {
    pub(super) fn cause(self) -> String {
        match self {
            Unverified::UnknownKey => "the issuer has no such key".to_owned(),
            Unverified::Refused(cause) => cause,
        }
    }
}

/// Whether a token may be signed at all.
pub(super) fn has_three_parts(token: &str) -> bool {
    let parts = token.split('.').take(4);
    parts.count() == 3
}

impl<'t> Signed<'t> {
    /// Reads a token; an error says what is wrong with it, without its content.
    pub fn read(token: &'t str) -> Result<Self, String> {
        if token.len() > MOST_BYTES {
            return Err(format!("the token has more than {MOST_BYTES} bytes"));
        }
        let mut parts = token.rsplitn(2, '.');
        let (signature, message) = parts.next().zip(parts.next()).ok_or_else(not_three)?;
        let (header, payload) = message.split_once('.').ok_or_else(not_three)?;
        if payload.contains('.') {
            return Err(not_three());
        }
        let header = Header::read(&decoded(header, "header")?)?;
        let payload = decoded(payload, "payload")?;
        if decoded(signature, "signature")?.is_empty() {
            return Err("the signature is empty".to_owned());
        }
        Ok(Self {
            message,
            signature,
            header,
            payload,
        })
    }

    /// What is signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The name of the key.
    pub fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_deref()
    }

    /// The media type of the token, without `application/` and in lower case.
    pub(super) fn media_type(&self) -> Option<&str> {
        self.header.media_type.as_deref()
    }

    /// Whether the token was signed with one of these keys by one of these algorithms.
    pub fn verify(&self, keys: &KeySet, allowed: &[Algorithm]) -> Result<(), Unverified> {
        let algorithm = self.header.algorithm;
        let name = name_of(algorithm);
        if !allowed.contains(&algorithm) {
            let reason = format!("the issuer is not allowed {name}");
            return Err(Unverified::Refused(reason));
        }
        let keys = keys
            .find(self.key_id(), algorithm)
            .map_err(|reason| match reason {
                NoKey::Unknown => Unverified::UnknownKey,
                NoKey::OtherAlgorithm => Unverified::Refused(format!("the key is not for {name}")),
                NoKey::Several => Unverified::Refused(format!(
                    "the token names no key, and several are for {name}"
                )),
            })?;
        let message = self.message.as_bytes();
        let verified = keys.iter().any(|key| {
            jsonwebtoken::crypto::verify(self.signature, message, key.public(), algorithm)
                .unwrap_or(false)
        });
        match verified {
            true => Ok(()),
            false => Err(Unverified::Refused(
                "the signature does not hold".to_owned(),
            )),
        }
    }
}

/// The algorithm of a name.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    let mut known = ALGORITHMS.iter();
    known
        .find(|(known, _)| *known == name)
        .map(|(_, algorithm)| *algorithm)
}

fn name_of(algorithm: Algorithm) -> &'static str {
    let mut known = ALGORITHMS.iter();
    known
        .find(|(_, known)| *known == algorithm)
        .map_or("another algorithm", |(name, _)| name)
}

/// The bytes of a part. The engine refuses padding, and bits that are left over.
fn decoded(part: &str, name: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| format!("the {name} is not base64url without padding"))
}

fn not_three() -> String {
    "the token has not three parts".to_owned()
}

/// Why a header's value is refused.
fn refused(name: &str, value: &str) -> String {
    format!("the header has the {name} {}", shown(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#);
        for (token, says) in [
            (format!("{header}.e30.AAAA"), None),
            (format!("{header}.e30"), Some("not three parts")),
            (format!("{header}.e30.AAAA.AAAA"), Some("not three parts")),
            (
                format!("{header}.e30.AAA="),
                Some("the signature is not base64url"),
            ),
            (
                format!("{header}.e30.AAB"),
                Some("the signature is not base64url"),
            ),
            (
                format!("{header}.e30=.AAAA"),
                Some("the payload is not base64url"),
            ),
            (
                format!("{header}.e3+.AAAA"),
                Some("the payload is not base64url"),
            ),
            (
                format!("{header}.e30\n.AAAA"),
                Some("the payload is not base64url"),
            ),
            (
                format!("{header} .e30.AAAA"),
                Some("the header is not base64url"),
            ),
            (format!("{header}.e30."), Some("the signature is empty")),
            ("..".to_owned(), Some("the header is not a JSON object")),
            ("e30.e30.AAAA".to_owned(), Some("the header has no `alg`")),
        ] {
            let read = Signed::read(&token).err();

            assert_eq!(read.is_none(), says.is_none(), "{token}: {read:?}");
            assert!(
                read.unwrap_or_default().contains(says.unwrap_or_default()),
                "{token}"
            );
        }
    }

    #[test]
    fn the_payload_is_not_looked_at() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"a"}"#);
        let token = format!("{header}.AP8.AAAA");

        let signed = Signed::read(&token).unwrap();

        assert_eq!(signed.payload(), [0, 255]);
        assert_eq!(signed.key_id(), Some("a"));
    }
}
