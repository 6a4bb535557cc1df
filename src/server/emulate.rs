//! The emulator alone, on its own port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::aws_port::AwsPort;
use super::health::{Health, State};
use super::http_fetch::HttpFetch;
use super::signals::Signals;
use super::{Parts, StartError, admin, aws_port, bind, open_admin};
use crate::clock::Clock;
use crate::emulator::{Emulator, Settings};
use crate::telemetry::Metrics;

/// Shorter than the SDK waits for an answer of the emulator.
const KEYS_TIMEOUT: Duration = Duration::from_secs(2);

/// The emulator at work on its own port.
#[derive(Debug)]
pub struct Emulating {
    /// Where it is served to AWS SDKs.
    pub address: SocketAddr,
    /// Where probes and metrics are served.
    pub admin_address: Option<SocketAddr>,
    port: AwsPort,
    health: Health,
    grace: Duration,
    _admin: DropGuard,
}

/// Serves the emulator alone until a signal comes, then lets requests end. Says
/// whether all did.
pub async fn emulate(parts: Parts) -> Result<bool, StartError> {
    let signals = Signals::listen().map_err(StartError::Signals)?;
    let emulating = start_emulating(parts).await?;
    Ok(emulating.until(signals).await)
}

/// Sets the emulator up and serves it.
pub async fn start_emulating(parts: Parts) -> Result<Emulating, StartError> {
    let metrics = Arc::new(Metrics::new());
    let health = Health::new().await;
    let admin_ended = CancellationToken::new();
    let admin = admin_ended.clone().drop_guard();
    let emulator = open(&parts.emulator, &Clock::system())?;

    let wanted = parts.aws_port.listen.unwrap_or(aws_port::USUAL_ADDRESS);
    let (listener, address) = bind(wanted, "emulator.listen")?;
    let served = admin::Served {
        health: health.clone(),
        metrics: Arc::clone(&metrics),
        emulator: Some(Arc::clone(&emulator)),
        debug: parts.debug.clone(),
    };
    let admin_address = open_admin(&parts.admin, served, admin_ended)?;
    let port = aws_port::serve(listener, emulator, metrics);
    health.set(State::Ready).await;
    let admin_text = admin_address.map_or_else(|| "off".to_owned(), |one| one.to_string());
    tracing::info!(
        %address,
        admin = %admin_text,
        version = env!("CARGO_PKG_VERSION"),
        "emulating Amazon Cognito Identity on http://{address}"
    );
    Ok(Emulating {
        address,
        admin_address,
        port,
        health,
        grace: parts.server.drain.grace,
        _admin: admin,
    })
}

impl Emulating {
    /// Serves until a signal comes, then lets the requests under way end; a second
    /// signal cuts them. Says whether none was cut.
    pub async fn until(self, mut signals: Signals) -> bool {
        signals.next().await;
        tracing::info!("drain: nothing is accepted; waiting for requests under way");
        self.health.set(State::Draining).await;
        let cut = tokio::select! {
            biased;
            _ = signals.next() => self.port.end(Duration::ZERO).await,
            cut = self.port.end(self.grace) => cut,
        };
        tracing::info!(connections_cut = cut, "drain: ended");
        cut == 0
    }
}

/// The emulator as it is set up.
pub(super) fn open(settings: &Settings, clock: &Clock) -> Result<Arc<Emulator>, StartError> {
    let mut emulator = Emulator::open(settings.clone(), clock.clone())?;
    if settings.fetches_keys() {
        emulator = emulator.with_key_source(Arc::new(HttpFetch::new(KEYS_TIMEOUT)));
    }
    Ok(Arc::new(emulator))
}
