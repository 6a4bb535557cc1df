//! What the sub-commands that call a server have in common.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use super::{Console, exit};
use crate::config::{Config, Sources};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The address that was given, else the one that a server with this environment
/// would listen on.
pub(super) fn address(
    given: Option<String>,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> Result<String, u8> {
    if let Some(address) = given {
        return Ok(address);
    }
    let sources = Sources {
        environment,
        ..Sources::default()
    };
    match Config::load(&sources) {
        Ok(config) => Ok(reachable(config.server.listen).to_string()),
        Err(mistakes) => {
            console.complain(mistakes);
            Err(exit::CONFIGURATION)
        }
    }
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

/// Connects in plain text.
pub(super) async fn connect(address: &str) -> Result<Channel, String> {
    let address = address.strip_prefix("http://").unwrap_or(address);
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .and_then(|endpoint| endpoint.user_agent(concat!("poolgate/", env!("CARGO_PKG_VERSION"))))
        .map_err(|error| format!("`{address}` is not an address: {}", reason(&error)))?;
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .connect()
        .await
        .map_err(|error| format!("cannot connect to {address}: {}", reason(&error)))
}

/// The innermost cause, which is the one that tells something.
fn reason(error: &dyn std::error::Error) -> String {
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
