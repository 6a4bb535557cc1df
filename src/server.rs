//! Puts everything together: listeners, routes, the start and the end.
//!
//! This room promises that nothing is served before everything is set up, and that
//! the end comes within `drain_notice + drain_grace`, whatever peers do.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

use crate::clock::Clock;
use crate::emulator::{self, Connector, Emulator};
use crate::telemetry::Metrics;
use crate::upstream::{self, Kind, Upstream};

pub mod admin;
pub mod drain;
pub mod health;
pub mod listen;
pub mod reflection;
mod settings;
pub mod signals;
pub mod stack;

pub use settings::{Settings, Unauthenticated};

use drain::Outcome;
use health::{Health, State};
use listen::{Limits, Serving};
use signals::Signals;

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The gRPC listener.
    pub server: Settings,
    /// The listener for probes and metrics.
    pub admin: admin::Settings,
    /// The service behind poolgate.
    pub upstream: upstream::Settings,
    /// The emulator, for the upstream of that kind.
    pub emulator: emulator::Settings,
}

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
    /// Signals cannot be listened to.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
    /// The built-in descriptors are broken.
    #[error("cannot serve reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves until a signal comes, then drains.
pub async fn run(parts: Parts) -> Result<Outcome, StartError> {
    let signals = Signals::listen().map_err(StartError::Signals)?;
    let running = start(parts).await?;
    Ok(running.until(signals).await)
}

/// A server at work.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is served.
    pub address: SocketAddr,
    /// Where probes and metrics are served.
    pub admin_address: Option<SocketAddr>,
    drain: drain::Settings,
    health: Health,
    serving: Serving,
    writes: TaskTracker,
    _admin: DropGuard,
}

/// Sets everything up and serves.
pub async fn start(parts: Parts) -> Result<Running, StartError> {
    let clock = Clock::system();
    let metrics = Arc::new(Metrics::new());
    let health = Health::new().await;
    let writes = TaskTracker::new();
    let admin_ended = CancellationToken::new();
    // Also ends the admin listener when the start fails further down.
    let admin = admin_ended.clone().drop_guard();

    let (listener, address) = bind(parts.server.listen, "server.listen")?;
    let mut admin_address = None;
    if let Some(wanted) = parts.admin.listen {
        let (listener, address) = bind(wanted, "admin.listen")?;
        admin_address = Some(address);
        tokio::spawn(admin::serve(
            listener,
            health.clone(),
            Arc::clone(&metrics),
            admin_ended,
        ));
    }

    let upstream = upstream(&parts, &clock, &writes).await;
    let routes = routes(&parts, upstream, &health, &clock)?;
    let stack = stack::outer(routes, metrics.clone(), &clock);
    let limits = Limits {
        connections: parts.server.max_connections,
        concurrent_streams: parts.server.max_concurrent_streams,
        preface: listen::PREFACE_TIMEOUT,
    };
    let serving = listen::serve(listener, stack, limits, metrics);
    health.set(State::Ready).await;
    announce(&parts, address, admin_address);
    Ok(Running {
        address,
        admin_address,
        drain: parts.server.drain,
        health,
        serving,
        writes,
        _admin: admin,
    })
}

impl Running {
    /// Serves until a signal comes, then drains. Probes and metrics are answered
    /// until the very end.
    pub async fn until(self, mut signals: Signals) -> Outcome {
        let first = signals.next().await;
        drain::drain(
            &self.drain,
            first,
            &mut signals,
            &self.health,
            &self.serving,
            &self.writes,
        )
        .await
    }
}

/// AWS, or the emulator in the place of the network. Writes run in `writes`.
async fn upstream(parts: &Parts, clock: &Clock, writes: &TaskTracker) -> Upstream {
    let http_client = match parts.upstream.kind {
        Kind::Aws => None,
        Kind::Emulator => {
            let emulator = Emulator::new(parts.emulator.clone(), clock.clone());
            Some(SharedHttpClient::new(Connector::new(Arc::new(emulator))))
        }
    };
    Upstream::new(parts.upstream.clone(), http_client, writes.clone()).await
}

/// Every service: ours with its inner ring, and the others beside it.
fn routes(
    parts: &Parts,
    upstream: Upstream,
    health: &Health,
    clock: &Clock,
) -> Result<Routes, StartError> {
    let ours = stack::inner(&parts.server, Arc::new(upstream), clock);
    let routes = ours.add_service(health.service());
    Ok(if parts.server.reflection {
        reflection::add_to(routes)?
    } else {
        routes
    })
}

fn bind(
    address: SocketAddr,
    key: &'static str,
) -> Result<(tokio::net::TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen {
        address,
        key,
        source,
    };
    let listener = listen::bind(address).map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

fn announce(parts: &Parts, address: SocketAddr, admin_address: Option<SocketAddr>) {
    let admin = admin_address.map_or_else(|| "off".to_owned(), |address| address.to_string());
    let upstream = parts.upstream.kind;
    tracing::info!(
        %address,
        %admin,
        ?upstream,
        version = env!("CARGO_PKG_VERSION"),
        "serving gRPC on {address}, probes and metrics on {admin}"
    );
    tracing::warn!(
        allowed_on = ?parts.server.unauthenticated,
        "callers are not authenticated: everybody who reaches {address} may do everything"
    );
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
