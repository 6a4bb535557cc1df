//! How many health checks are watched at a time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tonic::body::Body;

use super::{Answer, Holding, Next, Refused, Request, Wrap};
use crate::caller::Peer;
use crate::failure::Failure;
use crate::rpc::Rpc;

/// Bounds the streams of `grpc.health.v1.Health/Watch`, which anybody may open and which
/// stay open as long as their peer likes (reference: security, T-G7). Checks pass.
#[derive(Debug)]
pub struct Watches {
    per_connection: usize,
    in_all: usize,
    open: Mutex<HashMap<Option<SocketAddr>, usize>>,
}

impl Watches {
    /// So many at a time on each connection, and so many in all.
    pub fn new(per_connection: usize, in_all: usize) -> Self {
        Self {
            per_connection,
            in_all,
            open: Mutex::default(),
        }
    }

    fn open(self: &Arc<Self>, connection: Option<SocketAddr>) -> Result<Watch, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= self.in_all {
            return Err(Failure::TooManyWatches { limit: self.in_all });
        }
        let here = open.entry(connection).or_default();
        if *here >= self.per_connection {
            return Err(Failure::TooManyWatches {
                limit: self.per_connection,
            });
        }
        *here += 1;
        Ok(Watch {
            watches: Arc::clone(self),
            connection,
        })
    }
}

impl Wrap for Watches {
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer {
        if Rpc::of_path(request.uri().path()).method != "Watch" {
            return next(request);
        }
        let refused = Refused::of(&request);
        let connection = request.extensions().get().map(|peer: &Peer| peer.address);
        match self.open(connection) {
            Err(failure) => std::future::ready(refused.answer(&failure)).boxed(),
            Ok(watch) => async move {
                let response = next(request).await;
                response.map(|body| Body::new(Holding::new(body, watch)))
            }
            .boxed(),
        }
    }
}

/// A watch that counts while it lives.
struct Watch {
    watches: Arc<Watches>,
    connection: Option<SocketAddr>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let open = &self.watches.open;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut here) = open.entry(self.connection) {
            match here.get().saturating_sub(1) {
                0 => drop(here.remove()),
                fewer => *here.get_mut() = fewer,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_has_a_place_on_its_connection_and_among_all() {
        let watches = Arc::new(Watches::new(2, 3));
        let connection = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        let first = watches.open(connection(1)).ok().unwrap();
        let _second = watches.open(connection(1)).ok().unwrap();

        let third = watches.open(connection(1)).err();
        let _other = watches.open(connection(2)).ok().unwrap();
        let fourth = watches.open(connection(3)).err();

        assert_eq!(third, Some(Failure::TooManyWatches { limit: 2 }));
        assert_eq!(fourth, Some(Failure::TooManyWatches { limit: 3 }));
        drop(first);
        assert!(watches.open(connection(1)).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_connections_that_watch_no_more() {
        let watches = Arc::new(Watches::new(2, 3));

        drop(watches.open(None));

        assert!(watches.open.lock().unwrap().is_empty());
    }
}
