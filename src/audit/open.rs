//! Opens a journal, and proves that it can be written before anything is served.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Handle;

use super::events::{Origin, event, unknown_outcome};
use super::journal::Journal;
use super::line::Draft;
use super::queue::{Shared, Waiting};
use super::recover::{self, Found, OpenError};
use super::sink::{Limits, Sink, Stdout};
use super::writer::{Chain, Closed, Copy, Writer};
use super::{Meter, Settings};
use crate::clock::Clock;

impl Journal {
    /// Opens the journal that is set, and goes on where the last process has ended: what
    /// was left unfinished is cut off, and calls of which only the intent is there get an
    /// outcome that says that it is not known.
    ///
    /// `copies` are handed all lines once they are written, with the number of the first;
    /// `closed` is told whenever a file was closed.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written, or not be gone on with.
    pub fn open(
        settings: &Settings,
        origin: Origin,
        clock: &Clock,
        meter: Arc<dyn Meter>,
        copies: Vec<Copy>,
        closed: Closed,
    ) -> Result<Self, OpenError> {
        let origin = Arc::new(origin);
        let (sink, chain, lines, path) = match &settings.file {
            Some(path) => {
                let limits = Limits {
                    bytes: settings.rotate_bytes,
                    age: settings.rotate_after,
                };
                let found = recover::open(path, limits, clock.now())?;
                let lines = first_lines(&found, &origin, clock);
                (
                    Box::new(found.sink) as Box<dyn Sink>,
                    found.chain,
                    lines,
                    path.clone(),
                )
            }
            None => {
                let start = event(&origin, "StartJournal", json!({}), clock.now());
                let sink: Box<dyn Sink> = Box::new(Stdout::new());
                (
                    sink,
                    Chain::START,
                    vec![start],
                    PathBuf::from("standard output"),
                )
            }
        };
        let (journal, shared) = Self::after(chain.seq, clock.clone());
        let mut writer = Writer {
            shared,
            sink,
            chain,
            open: HashMap::new(),
            origin,
            clock: clock.clone(),
            meter,
            copies,
            closed,
        };
        let first: Vec<Waiting> = lines.into_iter().map(Waiting::own).collect();
        let proved = writer.put(&first, &mut None, true, &mut Vec::new());
        proved.map_err(|source| OpenError::Io { path, source })?;
        if let Ok(runtime) = Handle::try_current() {
            Shared::wake_in_turn(&writer.shared, &runtime);
        }
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::Io {
                path: PathBuf::from("a thread"),
                source,
            })?;
        Ok(journal)
    }
}

/// What there is to say before the first call.
fn first_lines(found: &Found, origin: &Arc<Origin>, clock: &Clock) -> Vec<Draft> {
    let now = clock.now();
    let mut lines = vec![event(origin, "StartJournal", json!({}), now)];
    if let Some(cut) = &found.cut {
        tracing::warn!(
            bytes = cut.bytes,
            kept = %cut.kept.display(),
            "the end of the audit journal was not whole and was cut off"
        );
        let kept = cut.kept.file_name().unwrap_or_default();
        let details = json!({
            "cutBytes": cut.bytes,
            "kept": kept.to_string_lossy(),
        });
        lines.push(event(origin, "CutJournal", details, now));
    }
    if !found.open.is_empty() {
        tracing::warn!(
            calls = found.open.len(),
            "calls were under way when the last process ended; their outcome is not known"
        );
    }
    let left = found.open.iter();
    lines.extend(
        left.map(|left| unknown_outcome(origin, &left.operation, left.shared, left.event, now)),
    );
    lines
}
