//! A connection to Redis, or to as many nodes of a cluster as there are.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisResult};

use super::settings::{CONNECTING, Target};

/// How many calls in a row fail before none is sent any more (reference: security, 4.4).
const FAILURES: u32 = 5;

/// A connection that many calls use at once.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// A connection in use, and how it has fared.
pub(super) struct Link {
    pub(super) connection: Connection,
    failures: AtomicU32,
    is_broken: AtomicBool,
}

impl Connection {
    pub(super) async fn open(target: &Target) -> RedisResult<Self> {
        match target {
            Target::One(client) => {
                // Calls have a time limit of their own.
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECTING))
                    .set_response_timeout(None);
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                Ok(Self::One(connecting.await?))
            }
            Target::Cluster(client) => Ok(Self::Cluster(client.get_async_connection().await?)),
        }
    }

    pub(super) async fn ask(&mut self, command: &Cmd) -> RedisResult<Vec<i64>> {
        match self {
            Self::One(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }
}

impl Link {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            failures: AtomicU32::new(0),
            is_broken: AtomicBool::new(false),
        }
    }

    /// A call was answered.
    pub(super) fn answered(&self) {
        // Most of the time there is nothing to write, and nobody waits for the line.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A call was not. Whether that breaks the connection: once, and not again.
    pub(super) fn failed(&self, lasts: bool) -> bool {
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        (lasts || before.saturating_add(1) >= FAILURES)
            && !self.is_broken.swap(true, Ordering::SeqCst)
    }
}
