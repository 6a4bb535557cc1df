//! What has changed since somebody asked last, as rows to be kept.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Store;

/// What rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::emulator) enum Table {
    Pools,
    Identities,
}

/// A row as it has to be kept; without a value it is gone.
pub(in crate::emulator) struct Row {
    pub(in crate::emulator) table: Table,
    pub(in crate::emulator) id: String,
    pub(in crate::emulator) value: Option<Vec<u8>>,
}

/// The rows that have changed. Keeps no notes unless it was made to.
#[derive(Default)]
pub(super) struct Changes(Option<BTreeSet<(Table, String)>>);

impl Changes {
    pub(super) fn new(notes: bool) -> Self {
        Self(notes.then(BTreeSet::new))
    }

    pub(super) fn note(&mut self, table: Table, id: &str) {
        if let Some(changed) = &mut self.0 {
            changed.insert((table, id.to_owned()));
        }
    }
}

impl Store {
    /// The rows that have changed since the last time, as they are at this moment.
    pub(in crate::emulator) fn take_changes(&mut self) -> Result<Vec<Row>, serde_json::Error> {
        let changed = self.changes.0.as_mut().map(std::mem::take);
        changed
            .unwrap_or_default()
            .into_iter()
            .map(|(table, id)| {
                let value = match table {
                    Table::Pools => self.pools.get(&id).map(bytes),
                    Table::Identities => self.identities.get(&id).map(bytes),
                };
                let value = value.transpose()?;
                Ok(Row { table, id, value })
            })
            .collect()
    }
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(value)
}
