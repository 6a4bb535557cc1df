//! Files that are read again when they change.
//!
//! What is in the files is looked at each second, and compared with what was seen
//! before. That is plain and sees everything: a file that is written in place, one that
//! is moved over it within the same second, a link that leads elsewhere (which is how
//! Kubernetes brings new secrets), a network file system that tells nobody of changes.
//! What is watched is small, so that reading it costs less than being told of changes
//! would cost in care.
//!
//! A change is taken when two looks have found the same, so within two seconds. Whoever
//! copies or edits a file may empty it, write a part of it or take it away first, and
//! what is found in between is nobody's wish.
//!
//! This room promises that a change with a mistake changes nothing: what was good
//! stays in use until something better is there. It is read again at each look, since
//! it may name a file that is yet to come.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::telemetry::Metrics;

mod fingerprint;

use fingerprint::Fingerprint;

/// How often the files are looked at.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// The files that are in use, or every mistake in them.
pub type Reloaded = Result<Vec<PathBuf>, Vec<String>>;

/// Files, and what was in them when they were read and last looked at.
#[derive(Clone, Debug)]
pub struct Watch {
    what: &'static str,
    paths: Arc<[PathBuf]>,
    read: Fingerprint,
    seen: Fingerprint,
    /// The mistakes in what was read, which have been told; none where it is in use.
    told: Vec<String>,
}

impl Watch {
    /// Looks at the files, or folders of files, for the first time. Read them after
    /// this, so that a change in between is seen. `what` says in logs and metrics what
    /// they hold. Blocks.
    pub fn begin(what: &'static str, paths: Vec<PathBuf>) -> Self {
        let seen = Fingerprint::of(&paths);
        Self {
            what,
            paths: paths.into(),
            read: seen,
            seen,
            told: Vec::new(),
        }
    }

    /// From here until `ended`, calls `reload` after each change, away from the threads
    /// that serve. It puts what is in the files into use and says which files they are
    /// now; or it says every mistake in them. Then it is called at each look until they
    /// are good, and mistakes are logged when they are others than before.
    pub fn spawn<F>(self, reload: F, metrics: Arc<Metrics>, ended: CancellationToken)
    where
        F: Fn() -> Reloaded + Send + Sync + 'static,
    {
        metrics.watched(self.what);
        let watching = self.run(Arc::new(reload), metrics);
        tokio::spawn(async move { ended.run_until_cancelled(watching).await });
    }

    async fn run<F>(mut self, reload: Arc<F>, metrics: Arc<Metrics>)
    where
        F: Fn() -> Reloaded + Send + Sync + 'static,
    {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let paths = Arc::clone(&self.paths);
            let reload = Arc::clone(&reload);
            let (read, seen, is_bad) = (self.read, self.seen, !self.told.is_empty());
            let looked = tokio::task::spawn_blocking(move || {
                // Taken before the files are read, so that what changes meanwhile is seen
                // the next time.
                let now = Fingerprint::of(&paths);
                let is_wanted = now == seen && (now != read || is_bad);
                (now, is_wanted.then(|| reload()))
            });
            match looked.await {
                Ok((now, outcome)) => {
                    self.seen = now;
                    if let Some(outcome) = outcome {
                        self.read = now;
                        self.tell(&outcome, &metrics);
                        self.follow(outcome);
                    }
                }
                Err(error) => {
                    tracing::error!(what = self.what, %error, "reading changed files failed");
                    metrics.reloaded(self.what, false);
                }
            }
        }
    }

    /// Watches the files that are in use now. What was in new ones when they were read is
    /// not known, so they are read once more.
    fn follow(&mut self, outcome: Reloaded) {
        match outcome {
            Ok(paths) if *paths != *self.paths => {
                self.paths = paths.into();
                (self.read, self.seen) = Default::default();
                self.told = Vec::new();
            }
            Ok(_) => self.told = Vec::new(),
            Err(mistakes) => self.told = mistakes,
        }
    }

    fn tell(&self, outcome: &Reloaded, metrics: &Metrics) {
        let what = self.what;
        if outcome
            .as_ref()
            .is_err_and(|mistakes| *mistakes == self.told)
        {
            return;
        }
        metrics.reloaded(what, outcome.is_ok());
        match outcome {
            Ok(_) => tracing::info!(what, "the files have changed and are in use"),
            Err(mistakes) => tracing::warn!(
                what,
                mistakes = mistakes.join("; "),
                "the files have changed and are not good: what was in use stays in use"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
