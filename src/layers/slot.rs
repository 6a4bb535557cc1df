//! What layers fill in for those below them.

use std::net::{IpAddr, Ipv4Addr};

use http::Extensions;

use crate::caller::Peer;
use crate::failure::Failure;

/// A slot that a layer fills. A missing one is our bug and never a default.
pub(super) fn slot<T: Send + Sync + 'static>(extensions: &Extensions) -> Result<&T, Failure> {
    extensions.get().ok_or_else(|| Failure::Internal {
        cause: format!("no layer filled in `{}`", std::any::type_name::<T>()),
    })
}

/// Where the call came from. Calls that came over no connection have no peer, and an
/// address that is in no network.
pub(super) fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<Peer>();
    peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_a_peer_is_not_from_this_machine() {
        let extensions = Extensions::new();

        assert!(!peer(&extensions).is_loopback());
        assert!(peer(&extensions).is_unspecified());
    }
}
