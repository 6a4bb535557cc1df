//! The audit journal of a server: opened before anything is served, closed after
//! everything else has ended.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::forwarding::{self, Forwarding};
use super::health::{Health, Unfit};
use crate::audit::digest::{self, Digests};
use crate::audit::{Copy, Journal, Origin, Recorder, Settings, Unavailable};
use crate::clock::Clock;
use crate::telemetry::Metrics;

/// How often writing has to fail before the process says that it is not ready.
const FAILURES: u32 = 3;

/// How long the journal may take to end, and then its last digest.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How many batches of lines the copy on standard output may be behind.
const COPIED_BATCHES: usize = 1024;

/// What stands for the number of an AWS account that is not known.
const UNKNOWN_ACCOUNT: &str = "000000000000";

/// A journal that records calls.
pub(super) struct Kept {
    pub(super) recorder: Arc<Recorder>,
    digests: Option<Arc<Digests>>,
    forwarding: Option<Forwarding>,
}

/// Opens the journal, if one is set, and looks after it until `ended`.
pub(super) fn open(
    settings: &Settings,
    origin: Origin,
    clock: &Clock,
    metrics: &Arc<Metrics>,
    health: &Health,
    ended: &CancellationToken,
) -> Result<Option<Kept>, StartError> {
    if !settings.is_on() {
        return Ok(None);
    }
    let key = settings.mac_key().map_err(StartError::MacKey)?;
    let digests = match &settings.file {
        Some(journal) => {
            let account_id = origin.account_id.as_deref().unwrap_or(UNKNOWN_ACCOUNT);
            let settings = digest::Settings {
                journal: journal.clone(),
                signing_key_file: settings.signing_key_file.clone(),
                account_id: account_id.to_owned(),
            };
            Some(Arc::new(Digests::open(&settings, clock)?))
        }
        None => None,
    };
    let closing = digests.clone();
    let closed = move || {
        if let Some(digests) = &closing {
            digests.closed();
        }
    };
    let journal = Journal::open(
        settings,
        origin.clone(),
        clock,
        Arc::clone(metrics) as _,
        copies(settings),
        Box::new(closed),
    )?;
    let forwarding = match &settings.file {
        Some(path) => Some(forwarding::start(
            &settings.forward,
            path,
            &journal,
            clock,
            Arc::clone(metrics) as _,
        )?),
        None => None,
    };
    let recorder = Recorder::new(journal, origin, key, settings.sync, clock.clone());
    let recorder = Arc::new(recorder);
    look_after(&recorder, Arc::clone(metrics), health, ended)?;
    Ok(Some(Kept {
        recorder,
        digests,
        forwarding,
    }))
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Kept")
            .field("journal", self.recorder.journal())
            .finish_non_exhaustive()
    }
}

impl Kept {
    /// Writes what there is to write, and ends.
    ///
    /// # Errors
    ///
    /// When something was not recorded.
    pub(super) async fn close(&self) -> Result<(), Unavailable> {
        self.recorder.close(CLOSE_WITHIN).await
    }

    /// Makes the last digest of a closed journal and sends its last lines on. `left` is what
    /// the drain did not need of its time.
    pub(super) async fn finish(self, left: Duration) {
        // The last digest is made when they are dropped, which waits for the disk.
        let digests = self.digests;
        let digests = tokio::task::spawn_blocking(move || drop(digests));
        if let Some(forwarding) = self.forwarding {
            forwarding.finish(left).await;
        }
        let _ = tokio::time::timeout(CLOSE_WITHIN, digests).await;
    }
}

/// Beside a file, standard output gets a copy. Whoever reads it slowly must not hold the
/// journal, so it has a thread of its own, and lines that it cannot keep up with are left
/// out of the copy.
fn copies(settings: &Settings) -> Vec<Copy> {
    if settings.file.is_none() || !settings.stdout {
        return Vec::new();
    }
    let (sender, lines) = std::sync::mpsc::sync_channel::<Vec<u8>>(COPIED_BATCHES);
    std::thread::spawn(move || {
        let mut out = std::io::stdout();
        let mut fails = false;
        for lines in lines {
            let written = out.write_all(&lines).and_then(|()| out.flush());
            if let (Err(error), false) = (&written, fails) {
                tracing::warn!(%error, "records are not copied to standard output");
            }
            fails = written.is_err();
        }
    });
    vec![Box::new(move |first, lines| {
        if sender.try_send(lines.to_vec()).is_err() {
            tracing::warn!(
                first,
                "records were left out of the copy on standard output"
            );
        }
    })]
}

/// Tells health and metrics when the journal fails, writes summaries, and begins another
/// file on SIGHUP, until `ended`.
fn look_after(
    recorder: &Arc<Recorder>,
    metrics: Arc<Metrics>,
    health: &Health,
    ended: &CancellationToken,
) -> Result<(), StartError> {
    let mut hangup = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
    tokio::spawn(summarize(Arc::clone(recorder), ended.clone()));
    let (recorder, health, ended) = (Arc::clone(recorder), health.clone(), ended.clone());
    tokio::spawn(async move {
        let mut state = recorder.journal().state();
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                Some(()) = hangup.recv() => recorder.journal().rotate(),
                Ok(()) = state.changed() => {
                    let failures = state.borrow_and_update().failures;
                    metrics.journal_failing(failures > 0);
                    health.note(Unfit::Journal, failures >= FAILURES).await;
                }
            }
        }
    });
    Ok(())
}

/// Writes the summaries that are due. It may have to wait for the journal.
async fn summarize(recorder: Arc<Recorder>, ended: CancellationToken) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    while ended.run_until_cancelled(second.tick()).await.is_some() {
        if let Err(reason) = recorder.summarize().await {
            tracing::warn!(%reason, "refusals of strangers could not be recorded");
        }
    }
}
