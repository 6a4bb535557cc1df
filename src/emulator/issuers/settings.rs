//! What an operator sets about login providers.

use super::KeySet;
use crate::fetch::address;

/// What becomes of login tokens whose issuer's keys are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginTokens {
    /// They are believed as they are.
    #[default]
    Lenient,
    /// They are refused.
    Strict,
}

/// A login provider whose tokens are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Its address, which its tokens have as `iss`.
    pub issuer: String,
    /// What verifies its tokens.
    pub keys: Keys,
    /// The applications that IAM would know of an OpenID Connect provider; any,
    /// where nothing is said.
    pub client_ids: Option<Vec<String>>,
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// The operator wrote them down.
    Written(KeySet),
    /// They are fetched from this address.
    Fetched(String),
}

/// Whether a text can be the address of an issuer; otherwise what is wrong with it.
pub fn issuer_url(text: &str) -> Result<(), String> {
    let uri = address(text)?;
    match uri.scheme_str() {
        Some("https") => Ok(()),
        _ => Err("not an https URL".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_has_an_https_url() {
        assert!(issuer_url("https://login.example.com").is_ok());
        assert!(issuer_url("http://127.0.0.1").is_err());
    }
}
