//! Where Redis is, and how it is spoken to.

use std::path::PathBuf;
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};

use crate::settings_file;

/// The fewest bytes of a secret.
const LEAST_SECRET: usize = 32;
/// How long connecting may take, all that is said at its beginning included.
pub(super) const CONNECTING: Duration = Duration::from_millis(500);

/// What can be set about Redis. Passwords are in files, which are read when they are
/// needed, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// The file with its URL; of a cluster with those of some nodes, one on each line.
    pub url_file: Option<PathBuf>,
    /// Whether it is a Redis Cluster.
    pub cluster: bool,
    /// The file with the authorities that its certificate comes from, in PEM. Unset: the
    /// system's.
    pub ca_file: Option<PathBuf>,
    /// The file with the secret by which all replicas come to the same keys.
    pub key_file: Option<PathBuf>,
    /// How long a decision may take.
    pub timeout: Duration,
}

/// A way to Redis that can be gone.
pub(super) enum Target {
    One(Box<Client>),
    Cluster(Box<ClusterClient>),
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            url_file: None,
            cluster: false,
            ca_file: None,
            key_file: None,
            // Reference: security, 4.4.
            timeout: Duration::from_millis(20),
        }
    }
}

impl RedisSettings {
    /// The secret that replicas share.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is too short.
    pub fn secret(&self) -> Result<Vec<u8>, String> {
        let Some(path) = &self.key_file else {
            return Err("not set".to_owned());
        };
        let secret = settings_file::bytes(path)?;
        let secret = secret.trim_ascii();
        match secret.len() >= LEAST_SECRET {
            true => Ok(secret.to_vec()),
            false => Err(format!("the key has fewer than {LEAST_SECRET} bytes")),
        }
    }

    /// What is wrong with the file of the URL.
    ///
    /// # Errors
    ///
    /// What is wrong; never what is in it.
    pub fn check_url(&self) -> Result<(), String> {
        self.nodes().map(drop)
    }

    /// What is wrong with the file of authorities.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn check_authorities(&self) -> Result<(), String> {
        let Some(path) = &self.ca_file else {
            return Ok(());
        };
        let nodes = self.nodes().unwrap_or_default();
        if !nodes.is_empty() && !nodes.iter().all(is_encrypted) {
            return Err("wants a URL that begins with `rediss://`".to_owned());
        }
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: Some(settings_file::bytes(path)?),
        };
        // Any URL, to have the certificates read.
        match Client::build_with_tls("rediss://localhost", certificates) {
            Ok(_) => Ok(()),
            Err(_) => Err("holds no certificates in PEM that can be used".to_owned()),
        }
    }

    /// The way to Redis as the files have it now.
    pub(super) fn target(&self) -> Result<Target, String> {
        let nodes = self.nodes()?;
        let certificates = match &self.ca_file {
            Some(path) => Some(TlsCertificates {
                client_tls: None,
                root_cert: Some(settings_file::bytes(path)?),
            }),
            None => None,
        };
        if self.cluster {
            let mut builder = ClusterClient::builder(nodes)
                .connection_timeout(CONNECTING)
                .response_timeout(CONNECTING)
                // A redirection is one; the caller does not wait for more.
                .retries(2)
                .tcp_settings(tcp());
            if let Some(certificates) = certificates {
                builder = builder.certs(certificates);
            }
            let client = builder.build().map_err(|_| UNUSABLE.to_owned())?;
            return Ok(Target::Cluster(Box::new(client)));
        }
        let node = nodes.into_iter().next().ok_or("empty")?;
        let client = match certificates {
            Some(certificates) => Client::build_with_tls(node, certificates),
            None => Client::open(node),
        };
        let client = client.map_err(|_| UNUSABLE.to_owned())?;
        Ok(Target::One(Box::new(client)))
    }

    fn nodes(&self) -> Result<Vec<ConnectionInfo>, String> {
        let Some(path) = &self.url_file else {
            return Err("not set".to_owned());
        };
        let content = settings_file::bytes(path)?;
        let text = std::str::from_utf8(&content).map_err(|_| UNUSABLE)?;
        let lines: Vec<&str> = text.split_ascii_whitespace().collect();
        match (lines.len(), self.cluster) {
            (0, _) => return Err("empty".to_owned()),
            (1, _) | (_, true) => {}
            (_, false) => return Err("several URLs are for a cluster".to_owned()),
        }
        lines.into_iter().map(node).collect()
    }
}

/// No part of a URL is in it, because any may be the password.
const UNUSABLE: &str =
    "not like `redis://HOST:PORT`, or with TLS `rediss://USER:PASSWORD@HOST:PORT`";

fn node(url: &str) -> Result<ConnectionInfo, String> {
    let node = url.into_connection_info().map_err(|_| UNUSABLE)?;
    if matches!(node.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err("`#insecure` is not taken: certificates are verified".to_owned());
    }
    Ok(node.set_tcp_settings(tcp()))
}

/// A question is sent at once, and not kept back to be sent with the next one.
fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn is_encrypted(node: &ConnectionInfo) -> bool {
    matches!(node.addr(), ConnectionAddr::TcpTls { .. })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_mistake_in_the_url_says_what_is_wrong_and_shows_none_of_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut settings = RedisSettings {
            url_file: Some(file.path().to_owned()),
            ..RedisSettings::default()
        };
        for (content, mistake) in [
            ("redis://127.0.0.1:6379\n", None),
            ("rediss://user:s3cret@redis.example.com:6380/2", None),
            ("", Some("empty")),
            ("s3cret", Some("not like `redis://HOST:PORT`")),
            ("http://s3cret@host", Some("not like")),
            ("redis://host:s3cret", Some("not like")),
            ("redis://host/s3cret", Some("not like")),
            (
                "rediss://user:s3cret@host#insecure",
                Some("certificates are verified"),
            ),
            (
                "redis://one redis://:s3cret@two",
                Some("several URLs are for a cluster"),
            ),
        ] {
            fs::write(file.path(), content).unwrap();

            let checked = settings.check_url();

            let told = checked.err().unwrap_or_default();
            assert!(
                told.contains(mistake.unwrap_or_default()),
                "{content}: {told}"
            );
            assert_eq!(told.is_empty(), mistake.is_none(), "{content}: {told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
        settings.cluster = true;
        assert_eq!(settings.check_url(), Ok(()), "two nodes of a cluster");
    }

    #[test]
    fn a_secret_has_to_be_long() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = RedisSettings {
            key_file: Some(file.path().to_owned()),
            ..RedisSettings::default()
        };
        let secret = "0123456789abcdef0123456789abcdef";
        fs::write(file.path(), format!("{secret}\n")).unwrap();
        assert_eq!(settings.secret(), Ok(secret.into()));

        fs::write(file.path(), "0123456789abcdef0123456789abcde\n").unwrap();
        let told = settings.secret().unwrap_err();
        assert_eq!(told, "the key has fewer than 32 bytes");
        assert!(RedisSettings::default().secret().is_err());
    }
}
