//! Puts everything together: listeners, routes, the start and the end.
//!
//! This room promises that nothing is served before everything is set up, and that
//! the end comes within a second of `drain_notice + drain_grace`, whatever peers do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::emulator::{self, Connector, Emulator};
use crate::telemetry::Metrics;
use crate::upstream::{self, Kind, Upstream};
use crate::{audit, authn, policy, quota};

mod account;
pub mod admin;
mod announce;
pub mod aws_port;
mod descriptors;
pub mod drain;
mod emulate;
pub mod explain;
mod farewell;
pub mod forwarding;
pub mod health;
mod http_fetch;
mod journal;
mod limits;
pub mod listen;
mod lookup;
mod probe;
pub mod reflection;
pub mod reload;
mod rules;
mod settings;
pub mod signals;
pub mod stack;
mod start_error;
pub mod tls;

pub use emulate::{Emulating, emulate, start_emulating};
pub use limits::Bounds;
pub use rules::Rules;
pub use settings::{Plaintext, Settings, Unauthenticated};
pub use start_error::StartError;

use aws_port::AwsPort;
use drain::Outcome;
use health::{Health, State};
use listen::{Limits, Listeners, Serving, Socket, Tls};
use signals::Signals;

/// What a server is made of.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// The gRPC listener.
    pub server: Settings,
    /// TLS on the gRPC listener; without it, plain text.
    pub tls: Option<tls::Settings>,
    /// The listener for probes and metrics.
    pub admin: admin::Settings,
    /// Who calls.
    pub authn: authn::Settings,
    /// Who may do what.
    pub policy: policy::Settings,
    /// How often callers may do what.
    pub quota: quota::Settings,
    /// What is recorded.
    pub audit: audit::Settings,
    /// The service behind poolgate.
    pub upstream: upstream::Settings,
    /// The emulator, for the upstream of that kind.
    pub emulator: emulator::Settings,
    /// The emulator's own listener.
    pub aws_port: aws_port::Settings,
    /// What operators can look into.
    pub debug: admin::Debug,
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
    /// Where the emulator is served to AWS SDKs.
    pub aws_address: Option<SocketAddr>,
    drain: drain::Settings,
    health: Health,
    serving: Serving,
    writes: TaskTracker,
    journal: Option<journal::Kept>,
    aws_port: Option<AwsPort>,
    _beside: DropGuard,
}

/// Sets everything up and serves.
pub async fn start(parts: Parts) -> Result<Running, StartError> {
    let metrics = Arc::new(Metrics::new());
    let health = Health::new().await;
    let writes = TaskTracker::new();
    let ended = CancellationToken::new();
    // Also ends what runs beside the server when the start fails further down.
    let beside = ended.clone().drop_guard();

    let clock = Clock::system();
    let tls = match &parts.tls {
        Some(settings) => Some(tls::open(settings, &clock, &metrics, &ended)?),
        None => None,
    };
    let tls = tls.map(|sets| Tls::new(sets, Some(authn::certificate::read)));
    let emulator = match parts.upstream.kind {
        Kind::Aws => None,
        Kind::Emulator => Some(emulate::open(&parts.emulator, &clock)?),
    };

    let (network, address) = bind(parts.server.listen, "server.listen")?;
    let unix = bind_unix(&parts.server)?;
    let served = admin::Served {
        health: health.clone(),
        metrics: Arc::clone(&metrics),
        emulator: emulator.clone(),
        debug: parts.debug.clone(),
    };
    let admin_address = open_admin(&parts.admin, served, ended.clone())?;

    let mut aws_port = None;
    if let (Some(wanted), Some(emulator)) = (parts.aws_port.listen, &emulator) {
        let (listener, address) = bind(wanted, "emulator.listen")?;
        let port = aws_port::serve(listener, Arc::clone(emulator), Arc::clone(&metrics));
        aws_port = Some((port, address));
    }
    let (aws_port, aws_address) = aws_port.unzip();

    let mut parts = parts;
    if emulator.is_some() {
        parts.upstream.account_id = Some(parts.emulator.account_id.clone());
    }
    let origin = audit::Origin {
        region: parts.upstream.region.clone(),
        account_id: parts.upstream.account_id.clone(),
        instance: parts.audit.instance.clone(),
    };
    let journal = journal::open(&parts.audit, origin, &clock, &metrics, &health, &ended)?;
    let recorder = journal
        .as_ref()
        .map(|journal| Arc::clone(&journal.recorder));

    let rules = Rules::watched(&parts, &clock, &metrics, &ended)?;
    rules.fetch_keys(&parts, &health, &ended).await;
    // Nobody else sets it.
    let _ = parts.debug.bounds.set(rules.bounds.clone());
    let upstream = upstream(&parts, emulator, &writes, &clock, &metrics).await;
    let upstream = Arc::new(upstream.admitted_by(rules.bounds.admission()));
    let remembering = Arc::clone(&upstream);
    metrics.watch_caches(move || remembering.remembered().into());
    if let Some(authenticator) = rules.authenticator.clone() {
        metrics.watch_caches(move || vec![authenticator.remembered()]);
    }
    let stack = stack::whole(
        &parts.server,
        &rules,
        recorder,
        Arc::clone(&upstream),
        &health,
        &metrics,
        &clock,
    )?;
    let limits = Limits {
        connections: descriptors::connections(parts.server.max_connections),
        connections_of_address: parts.server.max_connections_per_address,
        handshakes: parts.server.max_handshakes,
        concurrent_streams: parts.server.max_concurrent_streams,
        preface: listen::PREFACE_TIMEOUT,
        life: parts.server.life,
    };
    if let Some(interval) = parts.upstream.probe_interval {
        let metrics = Arc::clone(&metrics);
        probe::start(upstream, interval, &health, metrics, ended).await;
    }
    let listeners = Listeners { network, unix };
    let serving = listen::serve(listeners, stack, limits, tls, metrics);
    health.set(State::Ready).await;
    announce::serving(&parts, address, admin_address, aws_address);
    Ok(Running {
        address,
        admin_address,
        aws_address,
        drain: parts.server.drain,
        health,
        serving,
        writes,
        journal,
        aws_port,
        _beside: beside,
    })
}

impl Running {
    /// Serves until a signal comes, then drains. Probes and metrics are answered
    /// until the very end.
    pub async fn until(self, mut signals: Signals) -> Outcome {
        let first = signals.next().await;
        let mut outcome = drain::drain(
            &self.drain,
            first,
            &mut signals,
            &self.health,
            &self.serving,
            &self.writes,
        )
        .await;
        let (port, journal) = (self.aws_port, self.journal);
        let ended = farewell::end(port, journal, outcome.grace_left, &mut signals).await;
        if let Err(reason) = ended {
            tracing::error!(%reason, "drain: the audit journal could not be ended");
            outcome.unrecorded = true;
        }
        outcome
    }
}

/// AWS, or the emulator in the place of the network. Writes run in `writes`.
async fn upstream(
    parts: &Parts,
    emulator: Option<Arc<Emulator>>,
    writes: &TaskTracker,
    clock: &Clock,
    metrics: &Arc<Metrics>,
) -> Upstream {
    let settings = parts.upstream.clone();
    let http_client = emulator.map(|emulator| Connector::new(emulator).into_http_client());
    let (clock, meter) = (clock.clone(), metrics.of_upstream());
    Upstream::metered(settings, http_client, writes.clone(), clock, meter).await
}

/// Serves probes and metrics until `ended`, and what the emulator is told over the
/// admin port; says where, unless the listener is off.
fn open_admin(
    settings: &admin::Settings,
    served: admin::Served,
    ended: CancellationToken,
) -> Result<Option<SocketAddr>, StartError> {
    let Some(wanted) = settings.listen else {
        return Ok(None);
    };
    let (listener, address) = bind(wanted, "admin.listen")?;
    tokio::spawn(admin::serve(listener, served, ended));
    Ok(Some(address))
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

fn bind_unix(settings: &Settings) -> Result<Option<Socket>, StartError> {
    let bind = |path: &PathBuf| {
        let bound = Socket::bind(path, settings.unix_socket_mode);
        bound.map_err(|source| StartError::ListenUnix {
            path: path.clone(),
            source,
        })
    };
    settings.unix_socket.as_ref().map(bind).transpose()
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
