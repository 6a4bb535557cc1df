//! What the sub-commands that call a server have in common.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::{Console, exit};
use crate::config::{self, Config, Sources};
use crate::server::tls;
use crate::settings_file;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const AUTHORIZATION: &str = "authorization";

/// What the address of a Unix socket begins with, as gRPC writes it.
const UNIX: &str = "unix:";

/// How a server is reached: flags that all sub-commands have that call one.
#[derive(Debug, clap::Args)]
pub(super) struct Connection {
    /// The server, or its Unix socket as `unix:///path` [otherwise: `server.listen` of the
    /// configuration].
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// The configuration file to take the address from [otherwise: POOLGATE_CONFIG].
    #[arg(long, value_name = "PATH", conflicts_with = "address")]
    config: Option<PathBuf>,
    /// Speak TLS; the other flags about TLS imply it, and so does a configuration that
    /// the address is taken from and that has TLS set up.
    #[arg(long)]
    tls: bool,
    /// The authorities that the server's certificate may come from, in PEM [otherwise:
    /// the system's].
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// The certificate to show to the server, followed by its intermediates, in PEM.
    #[arg(long, value_name = "PATH", requires = "key_file")]
    certificate_file: Option<PathBuf>,
    /// The key of the certificate, in PEM, not encrypted.
    // A key itself begins with hyphens, and would be shown as an unknown flag.
    #[arg(
        long,
        value_name = "PATH",
        requires = "certificate_file",
        allow_hyphen_values = true
    )]
    key_file: Option<PathBuf>,
    /// The name that the server's certificate has to have [otherwise: the address's host].
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// The file with the token to send as `authorization: Bearer`. Without TLS it goes
    /// over the network as it is.
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,
}

/// A server, and what it is to be shown. All files are read.
pub(super) struct Server {
    /// Its address, for messages.
    pub(super) address: String,
    endpoint: Endpoint,
    token: Option<MetadataValue<Ascii>>,
}

impl Connection {
    /// Reads the files, and the configuration where no address is given; complains about
    /// every mistake and says what to end with.
    pub(super) fn prepare(
        self,
        environment: Vec<(String, String)>,
        console: &mut Console<'_>,
    ) -> Result<Server, u8> {
        let (address, tls) = match &self.address {
            Some(address) => split_scheme(address),
            None => configured(self.config.clone(), environment, console)?,
        };
        let mut mistakes = Vec::new();
        if address.starts_with(UNIX) && self.wants_tls() {
            mistakes.push(format!("`{address}`: over a Unix socket there is no TLS"));
        }
        let token = self.token_file.as_deref().map(token).transpose();
        let token = token.map_err(|mistake| mistakes.push(mistake)).ok();
        let tls = match tls || self.wants_tls() {
            true => self.tls(&mut mistakes).map(Some),
            false => Some(None),
        };
        let endpoint = tls.and_then(|tls| {
            let endpoint = endpoint(&address, tls);
            endpoint.map_err(|mistake| mistakes.push(mistake)).ok()
        });
        match (endpoint, token) {
            (Some(endpoint), Some(token)) if mistakes.is_empty() => Ok(Server {
                address,
                endpoint,
                token,
            }),
            _ => {
                for mistake in mistakes {
                    console.complain(mistake);
                }
                Err(exit::USAGE)
            }
        }
    }

    /// Where the admin port of a server with this configuration is reached on this machine;
    /// nothing where it is off.
    pub(super) fn admin(
        &self,
        environment: &[(String, String)],
        console: &mut Console<'_>,
    ) -> Result<Option<SocketAddr>, u8> {
        let sources = Sources {
            file: self.config.clone(),
            environment: environment.to_vec(),
            flags: Vec::new(),
        };
        let found = config::admin_address(&sources).map_err(|mistakes| {
            console.complain(mistakes);
            exit::CONFIGURATION
        })?;
        Ok(found.map(reachable))
    }

    fn wants_tls(&self) -> bool {
        self.tls
            || self.ca_file.is_some()
            || self.certificate_file.is_some()
            || self.server_name.is_some()
    }

    fn tls(&self, mistakes: &mut Vec<String>) -> Option<ClientTlsConfig> {
        let before = mistakes.len();
        let mut config = ClientTlsConfig::new().timeout(CONNECT_TIMEOUT);
        match &self.ca_file {
            None => config = config.with_native_roots(),
            Some(path) => match tls::read_authorities(path) {
                Ok(pem) => config = config.ca_certificate(Certificate::from_pem(pem)),
                Err(wrong) => mistakes.extend(wrong.sentences()),
            },
        }
        if let (Some(certificate), Some(key)) = (&self.certificate_file, &self.key_file) {
            let hide = |told: &String| config::told_of_secret(key, told);
            match tls::read_identity(certificate, key) {
                Ok((chain, key)) => config = config.identity(Identity::from_pem(chain, key)),
                Err(wrong) => mistakes.extend(wrong.sentences().iter().map(hide)),
            }
        }
        if let Some(name) = &self.server_name {
            config = config.domain_name(name);
        }
        (mistakes.len() == before).then_some(config)
    }
}

impl Server {
    /// Connects.
    pub(super) async fn connect(&self) -> Result<Channel, String> {
        let connecting = self.endpoint.connect().await;
        connecting
            .map_err(|error| format!("cannot connect to {}: {}", self.address, reason(&error)))
    }

    /// Adds the token to a request, unless it has credentials of its own.
    pub(super) fn authorize<T>(&self, request: &mut Request<T>) {
        let metadata = request.metadata_mut();
        if let (Some(token), false) = (&self.token, metadata.contains_key(AUTHORIZATION)) {
            metadata.insert(AUTHORIZATION, token.clone());
        }
    }
}

/// The address that a server with this configuration would listen on, and whether it
/// speaks TLS.
fn configured(
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> Result<(String, bool), u8> {
    let sources = Sources {
        file,
        environment,
        flags: Vec::new(),
    };
    match Config::load(&sources) {
        Ok(config) => Ok((
            reachable(config.server.listen).to_string(),
            config.tls.is_some(),
        )),
        Err(mistakes) => {
            console.complain(mistakes);
            Err(exit::CONFIGURATION)
        }
    }
}

/// An address may be written as a URL, which says whether it is TLS.
fn split_scheme(address: &str) -> (String, bool) {
    if let Some(address) = address.strip_prefix("https://") {
        return (address.to_owned(), true);
    }
    let address = address.strip_prefix("http://").unwrap_or(address);
    (address.to_owned(), false)
}

fn endpoint(address: &str, tls: Option<ClientTlsConfig>) -> Result<Endpoint, String> {
    let url = match &tls {
        None if address.starts_with(UNIX) => address.to_owned(),
        None => format!("http://{address}"),
        Some(_) => format!("https://{address}"),
    };
    let endpoint = Endpoint::from_shared(url)
        .and_then(|endpoint| endpoint.user_agent(concat!("poolgate/", env!("CARGO_PKG_VERSION"))))
        .map_err(|error| format!("`{address}` is not an address: {}", reason(&error)))?
        .connect_timeout(CONNECT_TIMEOUT);
    match tls {
        None => Ok(endpoint),
        Some(tls) => endpoint
            .tls_config(tls)
            .map_err(|error| format!("cannot set up TLS: {}", reason(&error))),
    }
}

/// The header's value from a file with a token. What is in the file is never shown.
fn token(path: &Path) -> Result<MetadataValue<Ascii>, String> {
    let wrong =
        |reason: &str| config::told_of_secret(path, &format!("`{}`: {reason}", path.display()));
    let text = settings_file::piped(path).map_err(|reason| wrong(&reason))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(wrong("no token in the file"));
    }
    if token.contains(char::is_whitespace) {
        return Err(wrong(
            "more than one word in the file; it is to hold the token alone",
        ));
    }
    let mut value: MetadataValue<Ascii> = format!("Bearer {token}")
        .parse()
        .map_err(|_| wrong("the token has letters that a header cannot have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Runs one client task to its end.
pub(super) fn block_on(
    console: &mut Console<'_>,
    work: impl AsyncFnOnce(&mut Console<'_>) -> u8,
) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(work(console)),
        Err(error) => {
            console.complain(format_args!("cannot start the runtime: {error}"));
            exit::FAILURE
        }
    }
}

/// What an error answer says, with its cause where the answer is the client's own: a
/// server that refuses the client's certificate says so after the handshake.
pub(super) fn describe(status: &tonic::Status) -> String {
    let message = status.message();
    match status.source().map(reason) {
        Some(cause) if cause != message => format!("{message}: {cause}"),
        _ => message.to_owned(),
    }
}

/// The innermost cause, which is the one that tells something.
fn reason(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// A server that listens everywhere is called on this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_called_on_this_machine() {
        for (listen, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.7:1", "10.0.0.7:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), reached);
        }
    }
}
