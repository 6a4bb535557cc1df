//! What an operator sets about the gRPC listener.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::drain;
use super::listen::Life;

/// Where callers are let in without authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unauthenticated {
    /// On listeners that only this machine can reach.
    #[default]
    Loopback,
    /// On every listener; to be written out.
    Everywhere,
}

/// Where plain text is spoken when TLS is not set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plaintext {
    /// On listeners that only this machine can reach.
    #[default]
    Loopback,
    /// On every listener; to be written out.
    Everywhere,
}

/// What an operator sets about the gRPC listener. Sources of the defaults:
/// reference "Defaults for every limit".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where gRPC is served.
    pub listen: SocketAddr,
    /// The Unix socket on which it is served to processes of this machine as well.
    pub unix_socket: Option<PathBuf>,
    /// The permissions of the socket's file.
    pub unix_socket_mode: u32,
    /// Where callers are let in without authentication.
    pub unauthenticated: Unauthenticated,
    /// Where plain text is spoken when TLS is not set up.
    pub plaintext: Plaintext,
    /// How many connections may be open.
    pub max_connections: usize,
    /// How many connections one address may have open.
    pub max_connections_per_address: usize,
    /// How many connections may have their handshake or preface under way.
    pub max_handshakes: usize,
    /// How long a connection lives.
    pub life: Life,
    /// How many calls one connection may have under way.
    pub max_concurrent_streams: u32,
    /// The largest message.
    pub max_message_bytes: usize,
    /// How long a call may take whose caller sets no deadline.
    pub default_deadline: Duration,
    /// How long a call may take at most.
    pub max_deadline: Duration,
    /// How the server ends.
    pub drain: drain::Settings,
    /// Whether reflection is served.
    pub reflection: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)),
            unix_socket: None,
            unix_socket_mode: 0o660,
            unauthenticated: Unauthenticated::default(),
            plaintext: Plaintext::default(),
            max_connections: 2000,
            max_connections_per_address: 200,
            max_handshakes: 256,
            life: Life::default(),
            max_concurrent_streams: 100,
            max_message_bytes: 1024 * 1024,
            default_deadline: Duration::from_secs(10),
            max_deadline: Duration::from_secs(60),
            drain: drain::Settings::default(),
            reflection: true,
        }
    }
}
