//! The embedded store: its tables, its checks and its transactions.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Builder, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};
use serde::de::DeserializeOwned;

use super::OpenError;
use crate::emulator::store::{Contents, Row, Table};

/// The format of the tables and of their rows.
const FORMAT: u64 = 1;

type Rows = TableDefinition<'static, &'static str, &'static [u8]>;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const POOLS: Rows = TableDefinition::new("pools");
const IDENTITIES: Rows = TableDefinition::new("identities");

/// The store in the file at `path`, and what it has in it. `open_file` makes the file
/// where there is none.
///
/// Opening a store after a crash repairs it, which writes. So a copy in memory is
/// opened and read first: a file that is no good is not touched.
pub(super) fn open(
    path: &Path,
    open_file: impl FnOnce() -> io::Result<File>,
) -> Result<(Database, Contents), OpenError> {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(OpenError::io(path)(error)),
    };
    let is_new = content.is_empty();
    let contents = match is_new {
        true => Contents::default(),
        // The library panics about some damages.
        false => catch_unwind(AssertUnwindSafe(|| inspect(path, &content)))
            .unwrap_or_else(|_| Err(OpenError::damaged(path, "it cannot be read")))?,
    };
    let file = open_file().map_err(OpenError::io(path))?;
    let damaged = |error: Box<dyn std::error::Error>| OpenError::damaged(path, error);
    let database = FileBackend::new(file)
        .and_then(|file| Builder::new().create_with_backend(file))
        .map_err(|error| damaged(error.into()))?;
    if is_new {
        write_all(&database, &contents).map_err(damaged)?;
    }
    Ok((database, contents))
}

type Failure = Box<dyn std::error::Error>;

/// Reads everything out of a copy of a file, whose every page is verified.
fn inspect(path: &Path, content: &[u8]) -> Result<Contents, OpenError> {
    let damaged = |error: Failure| OpenError::damaged(path, error);
    let copy = || -> Result<Database, Failure> {
        let memory = InMemoryBackend::new();
        memory.set_len(u64::try_from(content.len())?)?;
        memory.write(0, content)?;
        Ok(Builder::new()
            .set_check_integrity_on_open(true)
            .create_with_backend(memory)?)
    };
    let database = copy().map_err(damaged)?;
    let format = format(&database).map_err(damaged)?;
    match format {
        FORMAT => read(&database).map_err(damaged),
        newer if newer > FORMAT => Err(OpenError::Newer {
            path: path.to_owned(),
            format: newer,
            known: FORMAT,
        }),
        unknown => Err(OpenError::damaged(
            path,
            format!("there is no format {unknown}"),
        )),
    }
}

fn format(database: &Database) -> Result<u64, Failure> {
    let transaction = database.begin_read()?;
    let format = transaction.open_table(META)?.get("format")?;
    Ok(format.ok_or("it has no format")?.value())
}

fn read(database: &Database) -> Result<Contents, Failure> {
    Ok(Contents {
        pools: rows(database, POOLS)?,
        identities: rows(database, IDENTITIES)?,
    })
}

fn rows<T: DeserializeOwned>(database: &Database, table: Rows) -> Result<Vec<T>, Failure> {
    let table = database.begin_read()?.open_table(table)?;
    table
        .iter()?
        .map(|row| Ok(serde_json::from_slice(row?.1.value())?))
        .collect()
}

/// Writes rows in one transaction.
pub(super) fn write(database: &Database, changed: Vec<Row>) -> Result<(), redb::Error> {
    let transaction = begin(database)?;
    {
        let mut pools = transaction.open_table(POOLS)?;
        let mut identities = transaction.open_table(IDENTITIES)?;
        for Row { table, id, value } in changed {
            let table = match table {
                Table::Pools => &mut pools,
                Table::Identities => &mut identities,
            };
            match value {
                Some(value) => table.insert(id.as_str(), value.as_slice())?,
                None => table.remove(id.as_str())?,
            };
        }
    }
    Ok(transaction.commit()?)
}

/// Replaces everything in one transaction.
pub(super) fn write_all(database: &Database, contents: &Contents) -> Result<(), Failure> {
    let transaction = begin(database)?;
    transaction.delete_table(POOLS)?;
    transaction.delete_table(IDENTITIES)?;
    {
        transaction.open_table(META)?.insert("format", FORMAT)?;
        let mut pools = transaction.open_table(POOLS)?;
        for pool in &contents.pools {
            let id = pool.configuration.identity_pool_id.as_str();
            pools.insert(id, serde_json::to_vec(pool)?.as_slice())?;
        }
        let mut identities = transaction.open_table(IDENTITIES)?;
        for identity in &contents.identities {
            let value = serde_json::to_vec(identity)?;
            identities.insert(identity.id.as_str(), value.as_slice())?;
        }
    }
    Ok(transaction.commit()?)
}

/// Two phases tell a damaged page from a transaction that was cut short: with one, a
/// damage in the last transaction would silently undo it.
fn begin(database: &Database) -> Result<WriteTransaction, redb::TransactionError> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}
