//! The whole state as JSON, to be shown, kept elsewhere and brought back.
//!
//! A snapshot has everything that requests have made, secrets of configured providers
//! included, and nothing of the signing key.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Emulator;
use super::disk::Disk;
use super::store::{Contents, Store};

const KIND: &str = "poolgate-emulator-snapshot";
const VERSION: u64 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    kind: String,
    version: u64,
    #[serde(flatten)]
    contents: Contents,
}

/// Why a snapshot was not brought back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It is not one. The state is what it was.
    #[error("not a snapshot of the emulator: {0}")]
    NotASnapshot(String),
    /// It comes from a later version of poolgate. The state is what it was.
    #[error(
        "a snapshot of version {0}, made by a newer version of poolgate; this one knows {VERSION}"
    )]
    Newer(u64),
    /// The data directory could not be written to.
    #[error("the state could not be written to the data directory")]
    NotKept,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A change was lost on its way to the data directory, so that the state in memory is
    /// no longer the one that was acknowledged.
    #[error("a change could not be written to the data directory; start the emulator again")]
    NotKept,
    /// It has no form in JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Emulator {
    /// Everything that is remembered, whoever owns it.
    pub fn snapshot(&self) -> Result<Value, SnapshotError> {
        let contents = self.store().contents();
        // Asked afterwards: what was copied may have been lost meanwhile.
        if self.has_lost_a_change() {
            return Err(SnapshotError::NotKept);
        }
        Ok(serde_json::to_value(Snapshot {
            kind: KIND.to_owned(),
            version: VERSION,
            contents,
        })?)
    }

    /// Whether a change could not be written to the data directory. Every operation is
    /// refused from then on.
    pub fn has_lost_a_change(&self) -> bool {
        self.disk.as_ref().is_some_and(Disk::has_failed)
    }

    /// Puts a snapshot in the place of everything that is remembered. A seeded
    /// generator begins anew.
    pub fn restore(&self, snapshot: Value) -> Result<(), RestoreError> {
        let refused = |reason: &dyn ToString| RestoreError::NotASnapshot(reason.to_string());
        if snapshot.get("kind").and_then(Value::as_str) != Some(KIND) {
            return Err(refused(&format!("`kind` is not `{KIND}`")));
        }
        match snapshot.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => return Err(RestoreError::Newer(newer)),
            _ => return Err(refused(&"`version` is not a known one")),
        }
        let snapshot: Snapshot =
            serde_json::from_value(snapshot).map_err(|error| refused(&error))?;
        let store = self
            .empty_store()
            .with(snapshot.contents)
            .map_err(|error| refused(&error))?;
        self.replace(store)
    }

    /// Forgets everything but the signing key. A seeded generator begins anew.
    pub fn reset(&self) -> Result<(), RestoreError> {
        self.replace(self.empty_store())
    }

    fn replace(&self, replacement: Store) -> Result<(), RestoreError> {
        let Some(disk) = &self.disk else {
            *self.store.lock().unwrap_or_else(PoisonError::into_inner) = replacement;
            return Ok(());
        };
        disk.replace(&self.store, replacement)
            .map_err(|_| RestoreError::NotKept)
    }
}
