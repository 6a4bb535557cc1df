//! Where lines are forwarded to, as it is written in the configuration.

use std::fmt;
use std::path::PathBuf;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::fetch;

/// Where OTLP over HTTP takes logs, unless a path is given.
const LOGS: &str = "/v1/logs";

/// The longest URL, so that a file can be named after it.
const MOST_BYTES: usize = 160;

/// What is said of any other URL.
const SCHEMES: &str = "not a syslog+tcp, syslog+tls, syslog+udp, syslog+unix, otlp+http or \
                       otlp+https URL";

/// Where lines are forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How to get there.
    pub way: Way,
    name: String,
}

/// How to get to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// RFC 6587 with octet counting.
    SyslogTcp(Peer),
    /// RFC 5425.
    SyslogTls(Peer),
    /// RFC 5426.
    SyslogUdp(Peer),
    /// A datagram socket of this machine.
    SyslogUnix(PathBuf),
    /// OTLP over HTTP; the address is the one of logs.
    Otlp(Uri),
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or(SCHEMES)?;
        if url.len() > MOST_BYTES {
            return Err(format!("longer than {MOST_BYTES} bytes"));
        }
        if rest.contains('@') {
            return Err("a URL with a user name or password".to_owned());
        }
        if rest.contains(['?', '#']) {
            return Err("a URL with a query or a fragment".to_owned());
        }
        let way = match scheme {
            "syslog+tcp" => Way::SyslogTcp(peer(rest)?),
            "syslog+tls" => Way::SyslogTls(peer(rest)?),
            "syslog+udp" => Way::SyslogUdp(peer(rest)?),
            "syslog+unix" => Way::SyslogUnix(path(rest)?),
            "otlp+http" => Way::Otlp(logs(Scheme::HTTP, rest)?),
            "otlp+https" => Way::Otlp(logs(Scheme::HTTPS, rest)?),
            _ => return Err(SCHEMES.to_owned()),
        };
        Ok(Self {
            way,
            name: url.trim_end_matches('/').to_owned(),
        })
    }

    /// What it is called in logs and metrics.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a file that belongs to it is called: letters, digits, dots and dashes.
    pub fn file_name(&self) -> String {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
        let words = self.name.split(|letter| !is_word(letter));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("-")
    }

    /// Whether what goes there can be read on the way by other machines.
    pub fn is_in_clear(&self) -> bool {
        match &self.way {
            Way::SyslogTcp(peer) | Way::SyslogUdp(peer) => !fetch::is_loopback(&peer.host),
            Way::SyslogTls(_) | Way::SyslogUnix(_) => false,
            Way::Otlp(uri) => {
                uri.scheme() == Some(&Scheme::HTTP)
                    && !fetch::is_loopback(uri.host().unwrap_or_default())
            }
        }
    }

    /// Whether its certificate is verified.
    pub fn has_tls(&self) -> bool {
        match &self.way {
            Way::SyslogTls(_) => true,
            Way::Otlp(uri) => uri.scheme() == Some(&Scheme::HTTPS),
            Way::SyslogTcp(_) | Way::SyslogUdp(_) | Way::SyslogUnix(_) => false,
        }
    }

    /// Whether it takes headers.
    pub fn has_headers(&self) -> bool {
        matches!(self.way, Way::Otlp(_))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

fn peer(rest: &str) -> Result<Peer, String> {
    let wrong = || "without `host:port`, and nothing else, behind its scheme".to_owned();
    let authority: Authority = rest
        .strip_suffix('/')
        .unwrap_or(rest)
        .parse()
        .map_err(|_| wrong())?;
    let host = authority.host().trim_matches(['[', ']']);
    match authority.port_u16() {
        Some(port) if port > 0 && !host.is_empty() => Ok(Peer {
            host: host.to_owned(),
            port,
        }),
        _ => Err(wrong()),
    }
}

fn path(rest: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(rest);
    match path.is_absolute() && path.file_name().is_some() {
        true => Ok(path),
        false => {
            Err("without the absolute path of a socket, as in `syslog+unix:///dev/log`".into())
        }
    }
}

fn logs(scheme: Scheme, rest: &str) -> Result<Uri, String> {
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) if !path.is_empty() => (authority, format!("/{path}")),
        Some((authority, _)) => (authority, LOGS.to_owned()),
        None => (rest, LOGS.to_owned()),
    };
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(path)
        .build();
    uri.ok()
        .filter(|uri| uri.host().is_some_and(|host| !host.is_empty()))
        .ok_or_else(|| "not a URL".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let peer = |host: &str, port| Peer {
            host: host.to_owned(),
            port,
        };
        for (url, way, in_clear) in [
            (
                "syslog+tcp://logs.example.com:601",
                Way::SyslogTcp(peer("logs.example.com", 601)),
                true,
            ),
            (
                "syslog+tls://[2001:db8::1]:6514/",
                Way::SyslogTls(peer("2001:db8::1", 6514)),
                false,
            ),
            (
                "syslog+udp://[::1]:514",
                Way::SyslogUdp(peer("::1", 514)),
                false,
            ),
            (
                "syslog+unix:///dev/log",
                Way::SyslogUnix("/dev/log".into()),
                false,
            ),
            (
                "otlp+http://127.0.0.1:4318",
                Way::Otlp(Uri::from_static("http://127.0.0.1:4318/v1/logs")),
                false,
            ),
            (
                "otlp+http://collector:4318/",
                Way::Otlp(Uri::from_static("http://collector:4318/v1/logs")),
                true,
            ),
            (
                "otlp+https://gateway.example.com/tenant/v1/logs",
                Way::Otlp(Uri::from_static(
                    "https://gateway.example.com/tenant/v1/logs",
                )),
                false,
            ),
        ] {
            let target = Target::parse(url).unwrap();

            assert_eq!(target.way, way, "{url}");
            assert_eq!(target.is_in_clear(), in_clear, "{url}");
            assert_eq!(target.to_string(), url.trim_end_matches('/'));
        }
    }

    #[test]
    fn what_is_no_target_is_refused_and_a_password_is_not_repeated() {
        for url in [
            "",
            "logs.example.com:514",
            "syslog://logs.example.com:514",
            "http://127.0.0.1:4318",
            "syslog+tcp://logs.example.com",
            "syslog+tcp://:514",
            "syslog+tcp://logs.example.com:0",
            "syslog+tcp://logs.example.com:514/path",
            "syslog+unix://dev/log",
            "syslog+unix:///",
            "otlp+http://",
            "otlp+http:///v1/logs",
            "otlp+https://me:secret@gateway.example.com",
            "otlp+https://gateway.example.com/?key=secret",
            "syslog+tls://secret@logs.example.com:6514",
        ] {
            let mistake = Target::parse(url).unwrap_err();

            assert!(!mistake.contains("secret"), "{url}: {mistake}");
        }
        let long = format!("otlp+http://127.0.0.1/{}", "a".repeat(MOST_BYTES));
        assert!(Target::parse(&long).is_err());
    }

    #[test]
    fn files_are_named_after_targets() {
        for (url, name) in [
            ("syslog+tcp://a.example:514", "syslog-tcp-a.example-514"),
            ("syslog+unix:///dev/log", "syslog-unix-dev-log"),
            ("otlp+http://[::1]:4318/a%2fb", "otlp-http-1-4318-a-2fb"),
        ] {
            assert_eq!(Target::parse(url).unwrap().file_name(), name);
        }
    }
}
