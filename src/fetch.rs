//! Getting documents over HTTP, as those see it who need them: key sets of login
//! providers and of issuers. The client itself is in `server`.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Uri;

/// The largest document that is taken, in bytes.
pub const MOST_BYTES: usize = 512 * 1024;

/// Gets documents from their address.
pub trait Fetch: Send + Sync {
    /// The document that is served at `url`, or what went wrong.
    ///
    /// An answer is refused that is larger than [`MOST_BYTES`], that is no success or
    /// that leads elsewhere, and so is an address that [`check_url`] refuses.
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Document, String>>;
}

/// What was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The body.
    pub body: Bytes,
    /// How long it may be kept, as `Cache-Control: max-age` says.
    pub max_age: Option<Duration>,
}

/// Whether documents may be fetched from an address: over TLS, or without it from this
/// machine. Otherwise what is wrong with the address.
pub fn check_url(text: &str) -> Result<(), String> {
    let uri = address(text)?;
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_loopback(host) => Ok(()),
        _ => Err("not an https URL, nor an http URL of this machine".to_owned()),
    }
}

/// Whether a host, a name or an address with or without brackets, is this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// A URL with a host and without a user name; otherwise what is wrong with it.
pub fn address(text: &str) -> Result<Uri, String> {
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
    fn documents_come_over_tls_or_from_this_machine() {
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
            assert_eq!(check_url(url).is_ok(), good, "{url}");
        }
    }
}
