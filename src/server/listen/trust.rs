//! Whether the peer of an open connection would still be let in.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::server::tls::Set;

/// The trust that a peer was let in with.
pub(super) enum Trust {
    /// It has shown no certificate, so there is none to lose.
    Unconditional,
    /// It has shown this chain.
    Certificate {
        chain: Vec<CertificateDer<'static>>,
        sets: watch::Receiver<Arc<Set>>,
        recheck: Duration,
        grace: Duration,
    },
}

impl Trust {
    /// Trust in a chain that was verified with the newest of `sets`.
    pub(super) fn new(
        chain: Vec<CertificateDer<'_>>,
        sets: watch::Receiver<Arc<Set>>,
        recheck: Duration,
        grace: Duration,
    ) -> Self {
        if chain.is_empty() {
            return Self::Unconditional;
        }
        let chain = chain.into_iter().map(CertificateDer::into_owned).collect();
        Self::Certificate {
            chain,
            sets,
            recheck,
            grace,
        }
    }

    /// Waits until the chain is no longer good: revoked, expired, or its authority is
    /// gone. It is verified again when the set changes, and now and then because time
    /// passes. Gives back why, and how long the peer has for its calls under way.
    pub(super) async fn lost(&mut self) -> (rustls::Error, Duration) {
        let Self::Certificate {
            chain,
            sets,
            recheck,
            grace,
        } = self
        else {
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                // Without a listener there are no changes, and time passes all the same.
                Ok(()) = sets.changed() => {}
                () = sleep(*recheck) => {}
            }
            let set = Arc::clone(&sets.borrow_and_update());
            if let Err(reason) = set.verify(chain) {
                return (reason, *grace);
            }
        }
    }
}
