//! The header of a signed token.

use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::{algorithm, object, refused};
use crate::authn::keys::is_key_id;

/// What may not be there: keys, and what changes the meaning of the rest.
const REFUSED: [&str; 8] = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"];

/// What is read of it.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) media_type: Option<String>,
}

impl Header {
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let header = object(json).map_err(|reason| format!("the header is {reason}"))?;
        if let Some(name) = REFUSED.iter().find(|name| header.contains_key(**name)) {
            return Err(format!("the header has `{name}`"));
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(format!("the header's `{name}` is not a text")),
        };
        let name = text("alg")?.ok_or("the header has no `alg`")?;
        let algorithm = algorithm(name).ok_or_else(|| refused("algorithm", name))?;
        let key_id = text("kid")?;
        if let Some(key_id) = key_id
            && !is_key_id(key_id)
        {
            return Err(refused("key name", key_id));
        }
        // RFC 7515, section 4.1.9: a type without a slash stands below `application/`.
        let media_type = text("typ")?.map(|name| {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix("application/") {
                Some(short) => short.to_owned(),
                None => name,
            }
        });
        Ok(Self {
            algorithm,
            key_id: key_id.map(str::to_owned),
            media_type,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_little() {
        for (json, says) in [
            (
                r#"{"alg":"ES256","typ":"JWT","cty":"x","x5t":"y","x5t#S256":"z"}"#,
                None,
            ),
            (r#"{"alg":"none"}"#, Some("the algorithm `none`")),
            (r#"{"alg":"None"}"#, Some("the algorithm `None`")),
            (r#"{"alg":"HS256"}"#, Some("the algorithm `HS256`")),
            (r#"{"alg":"es256"}"#, Some("the algorithm `es256`")),
            (r#"{"alg":["ES256"]}"#, Some("`alg` is not a text")),
            (r#"{"alg":"ES256","kid":5}"#, Some("`kid` is not a text")),
            (r#"{"alg":"ES256","kid":""}"#, Some("the key name ``")),
            (r#"{"alg":"ES256","typ":null}"#, Some("`typ` is not a text")),
            (r#"{"alg":"ES256","crit":[]}"#, Some("has `crit`")),
            (r#"{"alg":"ES256","b64":true}"#, Some("has `b64`")),
            (
                r#"{"alg":"ES256","alg":"ES256"}"#,
                Some("not a JSON object"),
            ),
            (r#"["alg","ES256"]"#, Some("not a JSON object")),
        ] {
            let read = Header::read(json.as_bytes()).err();

            assert_eq!(read.is_none(), says.is_none(), "{json}: {read:?}");
            assert!(
                read.unwrap_or_default().contains(says.unwrap_or_default()),
                "{json}"
            );
        }
    }
}
