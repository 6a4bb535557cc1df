//! Why a server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{forwarding, reflection, tls};
use crate::{audit, emulator};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}, set by `{key}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The key that sets it.
        key: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A Unix socket cannot be listened on.
    #[error("cannot listen on {}, set by `server.unix_socket`: {source}", .path.display())]
    ListenUnix {
        /// The socket.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Signals cannot be listened to.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
    /// The emulator's data directory cannot be used.
    #[error(transparent)]
    Emulator(#[from] emulator::OpenError),
    /// The built-in descriptors are broken.
    #[error("cannot serve reflection: {0}")]
    Reflection(#[from] reflection::Error),
    /// The callers file or the policies have mistakes.
    #[error("{}", .0.join("\n"))]
    Rules(Vec<String>),
    /// The audit journal cannot be opened.
    #[error(transparent)]
    Audit(#[from] audit::OpenError),
    /// The journal's digests cannot be made.
    #[error("cannot make digests of the audit journal: {0}")]
    Digests(#[from] audit::digest::OpenError),
    /// The journal cannot be forwarded.
    #[error("cannot forward the audit journal: {0}")]
    Forwarding(#[from] forwarding::Error),
    /// The key of the journal cannot be used.
    #[error("`audit.mac_key_file`: {0}")]
    MacKey(String),
    /// The files for TLS cannot be used.
    #[error("cannot use the files for TLS: {0}")]
    Tls(#[from] tls::Mistakes),
}
