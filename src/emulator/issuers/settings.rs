//! What an operator sets about login providers.

use std::net::IpAddr;

use http::Uri;

use super::KeySet;

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

/// Whether keys may be fetched from an address; otherwise what is wrong with it.
pub fn jwks_url(text: &str) -> Result<(), String> {
    let uri = address(text)?;
    let host = uri.host().unwrap_or_default();
    let is_loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_loopback => Ok(()),
        _ => Err("not an https URL, nor an http URL of this machine".to_owned()),
    }
}

fn address(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
    match uri.authority() {
        None => Err("not a URL".to_owned()),
        Some(name) if name.as_str().contains('@') => {
            Err("a URL with a user name or password".to_owned())
        }
        Some(_) => Ok(uri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for (url, good) in [
            ("https://login.example.com/keys", true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://[::1]:8080/keys", true),
            ("http://localhost/keys", true),
            ("http://localhost.example.com/keys", false),
            ("http://10.0.0.1/keys", false),
            ("http://login.example.com/keys", false),
            ("https://me:word@login.example.com/keys", false),
            ("ftp://127.0.0.1/keys", false),
            ("/keys", false),
        ] {
            assert_eq!(jwks_url(url).is_ok(), good, "{url}");
        }
        assert!(issuer_url("https://login.example.com").is_ok());
        assert!(issuer_url("http://127.0.0.1").is_err());
    }
}
