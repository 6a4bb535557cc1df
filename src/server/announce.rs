//! What the log says at the start.

use std::net::SocketAddr;

use super::Parts;

/// Says where everything is served, and who is let in.
pub(super) fn serving(
    parts: &Parts,
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    aws_address: Option<SocketAddr>,
) {
    let shown = |address: Option<SocketAddr>| {
        address.map_or_else(|| "off".to_owned(), |address| address.to_string())
    };
    let (admin, aws_port) = (shown(admin_address), shown(aws_address));
    let unix_socket = parts.server.unix_socket.as_ref();
    let unix_socket = unix_socket.map_or_else(|| "off".to_owned(), |at| at.display().to_string());
    let upstream = parts.upstream.kind;
    let encrypted = if parts.tls.is_some() {
        "TLS"
    } else {
        "plain text"
    };
    tracing::info!(
        %address,
        encrypted,
        %admin,
        %aws_port,
        %unix_socket,
        ?upstream,
        version = env!("CARGO_PKG_VERSION"),
        "serving gRPC on {address}; probes and metrics: {admin}"
    );
    if parts.authn.callers_file.is_none() {
        let may = match parts.policy.is_on() {
            true => "what the policies let `anonymous` do",
            false => "everything",
        };
        tracing::warn!("callers are not authenticated: whoever reaches {address} may do {may}");
    }
}
