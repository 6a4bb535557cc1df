//! Forwards the journal: one task for each target, which reads on in the journal's files
//! as the target takes lines. What is decided on the way is in [`crate::audit::forward`].

mod collector;
mod datagrams;
mod forwarder;
mod lines;
mod link;
mod stream;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use rustls::ClientConfig;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::tls;
use crate::audit::Journal;
use crate::audit::forward::{Cursor, Meter, Settings, first, oldest};
use crate::clock::Clock;
use crate::header_file;

use forwarder::Forwarder;
use lines::Lines;
use link::Link;

/// How long the rest may take to get to its targets at the end, whatever came before, and
/// where the drain did not need its time.
const FINISH_WITHIN: Duration = Duration::from_millis(500);
const FINISH_AT_LEISURE: Duration = Duration::from_secs(2);

/// The tasks, which end when this is dropped.
pub(super) struct Forwarding {
    tasks: JoinSet<()>,
    finish: CancellationToken,
}

/// Why forwarding cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is set cannot be used.
    #[error("`{key}`: {reason}")]
    File {
        /// The key that names it.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// How far a target has come cannot be read or written.
    #[error("cannot tell how far `{target}` has come: {reason}")]
    Cursor {
        /// The target.
        target: String,
        /// What is wrong.
        reason: String,
    },
}

/// Looks for mistakes in the file with authorities. Blocks.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_authorities(path: &Path) -> Result<(), String> {
    tls::client::config(Some(path)).map(drop)
}

/// Begins to forward what is written to `journal`, which is the one in the file `path`.
pub(super) fn start(
    settings: &Settings,
    path: &Path,
    journal: &Journal,
    clock: &Clock,
    meter: Arc<dyn Meter>,
) -> Result<Forwarding, Error> {
    let mut forwarding = Forwarding {
        tasks: JoinSet::new(),
        finish: CancellationToken::new(),
    };
    let headers = headers(settings)?;
    let wants_tls = settings.targets.iter().any(|target| target.has_tls());
    let trust = match wants_tls {
        true => Some(Arc::new(trust(settings)?)),
        false => None,
    };
    for target in &settings.targets {
        let name = target.name().to_owned();
        let cursor = Cursor::of(path, target);
        let failed = |reason: String| Error::Cursor {
            target: name.clone(),
            reason,
        };
        let stored = cursor.load().map_err(|error| failed(error.to_string()))?;
        let oldest = oldest(path).map_err(|error| failed(error.to_string()))?;
        let (first, is_lost) = first(stored, journal.first(), oldest);
        if is_lost {
            let file = cursor.path().display();
            tracing::warn!(to = name, %file, first, "it is not known how far the target has come");
        }
        // A target that takes nothing now is not new the next time.
        let stored = cursor.store(first.saturating_sub(1));
        stored.map_err(|error| failed(error.to_string()))?;
        meter.target(&name);
        tracing::info!(to = name, first, "audit lines are forwarded to {name}");
        let link = Link::to(
            target,
            trust.as_ref(),
            &headers,
            settings.headers_file.as_deref(),
            clock,
        );
        let forwarder = Forwarder::new(
            name,
            link,
            Lines::new(path, first, journal.durable()),
            cursor,
            forwarding.finish.clone(),
            Arc::clone(&meter),
            clock.clone(),
        );
        forwarding.tasks.spawn(forwarder.run());
    }
    Ok(forwarding)
}

impl Forwarding {
    /// The journal has ended: what is left is sent, for as long as there is time, which is
    /// more where some is `left` of the drain's. The rest goes at the next start.
    pub(super) async fn finish(mut self, left: Duration) {
        let within = left.clamp(FINISH_WITHIN, FINISH_AT_LEISURE);
        self.finish.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ended).await.is_err() {
            let targets = self.tasks.len();
            tracing::warn!(
                targets,
                "drain: not all audit lines were forwarded; the rest goes at the next start"
            );
        }
    }
}

fn headers(settings: &Settings) -> Result<HeaderMap, Error> {
    let Some(path) = &settings.headers_file else {
        return Ok(HeaderMap::new());
    };
    header_file::read(path).map_err(|reason| Error::File {
        key: "audit.forward_headers_file",
        reason,
    })
}

fn trust(settings: &Settings) -> Result<ClientConfig, Error> {
    tls::client::config(settings.ca_file.as_deref()).map_err(|reason| Error::File {
        key: "audit.forward_ca_file",
        reason,
    })
}
