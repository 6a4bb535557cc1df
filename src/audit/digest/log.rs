//! A closed file: what a digest says of it, and its compressed form.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use flate2::Compression;
use flate2::write::GzEncoder;
use memchr::memmem::Finder;

use super::MakeError;
use super::durable;
use super::format::{BUCKET, HASH_ALGORITHM, LogFile};
use crate::audit::blocks::{Blocks, hash_of, zipped_path};
use crate::audit::files::{self, sync_folder};
use crate::audit::line::Hash;

const TIME: &[u8] = b"\"eventTime\":\"";
/// `2026-11-25T05:00:00Z`.
const TIME_BYTES: usize = 20;

/// What a digest says of a file. Its events are looked through for the oldest and newest.
pub(super) fn describe(name: &str, path: &Path) -> Result<LogFile, MakeError> {
    let failed = |error| MakeError::File(path.to_owned(), error);
    let finder = Finder::new(TIME);
    let mut whole = Context::new(&SHA256);
    let mut blocks = Blocks::open(path).map_err(failed)?;
    let (mut oldest, mut newest): (Option<String>, Option<String>) = (None, None);
    while let Some(block) = blocks.next().map_err(failed)? {
        whole.update(block.bytes);
        for line in block.bytes.split(|byte| *byte == b'\n') {
            // The record's own time stands before all that a caller has a say in.
            let time = finder
                .find(line)
                .and_then(|at| line.get(at + TIME.len()..)?.get(..TIME_BYTES));
            let Some(time) = time.and_then(|time| std::str::from_utf8(time).ok()) else {
                continue;
            };
            if oldest.as_deref().is_none_or(|oldest| time < oldest) {
                oldest = Some(time.to_owned());
            }
            if newest.as_deref().is_none_or(|newest| time > newest) {
                newest = Some(time.to_owned());
            }
        }
    }
    Ok(LogFile {
        s3_bucket: BUCKET.to_owned(),
        s3_object: format!("{name}.gz"),
        hash_value: Hash::finish(whole).to_string(),
        hash_algorithm: HASH_ALGORITHM.to_owned(),
        newest_event_time: newest,
        oldest_event_time: oldest,
    })
}

/// Puts the compressed form of a file in its place, if it is what its digest has. The file
/// goes when that is durable and was read again.
pub(super) fn compress(path: &Path, expected: &str) -> Result<(), MakeError> {
    let failed = |error| MakeError::File(path.to_owned(), error);
    let zipped = zipped_path(path);
    let unfinished = durable::unfinished(&zipped);
    let hash = write(path, &unfinished).map_err(failed)?;
    if hash.to_string() != expected {
        fs::remove_file(&unfinished).map_err(failed)?;
        return Err(MakeError::Changed(path.to_owned()));
    }
    durable::put(&unfinished, &zipped).map_err(failed)?;
    if hash_of(&zipped).map_err(failed)? != hash {
        return Err(MakeError::Changed(zipped));
    }
    fs::remove_file(path).map_err(failed)?;
    sync_folder(path).map_err(failed)
}

fn write(path: &Path, unfinished: &Path) -> io::Result<Hash> {
    let mut whole = Context::new(&SHA256);
    let mut blocks = Blocks::open(path)?;
    durable::clear(unfinished)?;
    // It is read by no more people than what it is made of.
    let mode = fs::metadata(path)?.mode() & 0o700;
    let file = files::create(unfinished, mode)?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    while let Some(block) = blocks.next()? {
        whole.update(block.bytes);
        encoder.write_all(block.bytes)?;
    }
    encoder.finish()?.sync_all()?;
    Ok(Hash::finish(whole))
}
