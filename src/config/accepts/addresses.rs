//! Addresses to listen on and to send to.

use std::net::SocketAddr;

use super::Accepts;

/// An IP address with a port.
pub(in crate::config) struct Address;

impl Accepts for Address {
    type Value = SocketAddr;

    fn parse(&self, text: &str) -> Result<SocketAddr, String> {
        text.parse()
            .map_err(|_| "not an IP address with a port".to_owned())
    }

    fn accepted(&self) -> String {
        "an IP address with a port, such as `127.0.0.1:50051` or `[::1]:50051`".to_owned()
    }
}

/// An IP address with a port, or `off`.
pub(in crate::config) struct AddressOrOff;

impl Accepts for AddressOrOff {
    type Value = Option<SocketAddr>;

    fn parse(&self, text: &str) -> Result<Option<SocketAddr>, String> {
        if text == "off" {
            return Ok(None);
        }
        Address.parse(text).map(Some)
    }

    fn accepted(&self) -> String {
        format!("{}, or `off`", Address.accepted())
    }
}

/// An address of an HTTP service.
pub(in crate::config) struct Url;

impl Accepts for Url {
    type Value = Option<String>;

    fn parse(&self, text: &str) -> Result<Option<String>, String> {
        let uri: http::Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("not an http or https URL".to_owned());
        }
        if uri
            .authority()
            .is_none_or(|name| name.as_str().contains('@'))
        {
            return Err("a URL with a user name or password".to_owned());
        }
        if uri.query().is_some() {
            return Err("a URL with a query".to_owned());
        }
        Ok(Some(text.to_owned()))
    }

    fn accepted(&self) -> String {
        "an http or https URL, such as `http://127.0.0.1:4566`".to_owned()
    }

    fn hides(&self, text: &str) -> bool {
        text.contains(['@', '?'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_http_and_holds_no_password() {
        for (text, good) in [
            ("http://127.0.0.1:4566", true),
            ("https://cognito.example/base", true),
            ("127.0.0.1:4566", false),
            ("ftp://host", false),
            ("http://me:secret@host", false),
            ("http://host/?token=secret", false),
            ("", false),
        ] {
            assert_eq!(Url.parse(text).is_ok(), good, "{text}");
            assert!(!text.contains("secret") || Url.hides(text), "{text}");
        }
    }

    #[test]
    fn an_address_is_an_ip_with_a_port_or_off_where_that_is_allowed() {
        assert!(Address.parse("[::1]:50051").is_ok());
        assert!(Address.parse("localhost:50051").is_err());
        assert!(Address.parse("off").is_err());
        assert_eq!(AddressOrOff.parse("off"), Ok(None));
    }
}
