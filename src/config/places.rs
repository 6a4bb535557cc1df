//! Where poolgate is going to write. Nothing is made here, and nothing locked: what is told
//! is what would keep it from starting.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{Access, access};

use super::Config;
use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::upstream::Kind;

/// Adds to the reader's mistakes what cannot be written to by whoever runs this.
pub(super) fn run(config: &Config, reader: &mut Reader) {
    let mut tell = |key: &dyn AnyKey, checked: Result<(), String>| {
        if let Err(reason) = checked {
            reader.contradiction(key, reason);
        }
    };
    if let Some(path) = &config.audit.file {
        tell(&keys::AUDIT_FILE, journal(path));
    }
    if let Some(path) = &config.server.unix_socket {
        tell(&keys::SERVER_UNIX_SOCKET, directory(parent(path)));
    }
    if let (Some(path), Kind::Emulator) = (&config.emulator.data_dir, config.upstream.kind) {
        tell(&keys::EMULATOR_DATA_DIR, directory_to_be(path));
    }
}

/// The file of the journal need not be there, its directory has to be.
fn journal(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            return Err(
                "a symbolic link, and files of an audit journal are renamed where they lie; \
                        name what it leads to"
                    .to_owned(),
            );
        }
        Ok(found) if !found.is_file() => return Err("not a regular file".to_owned()),
        Ok(_) => may(path, Access::READ_OK | Access::WRITE_OK)
            .map_err(|error| format!("cannot be written: {error}"))?,
        // The directory says what is wrong.
        Err(_) => {}
    }
    directory(parent(path))
}

/// A directory that files are made in.
fn directory(path: &Path) -> Result<(), String> {
    let checked = match fs::metadata(path) {
        Ok(found) if found.is_dir() => may(path, Access::WRITE_OK | Access::EXEC_OK),
        Ok(_) => Err(ErrorKind::NotADirectory.into()),
        Err(error) => Err(error),
    };
    // Without the path, which is the value or a part of it, and may not be shown.
    checked.map_err(|error| format!("no file can be made in this directory: {error}"))
}

/// A directory that is made where it is not there, with those above it.
fn directory_to_be(path: &Path) -> Result<(), String> {
    let there = path
        .ancestors()
        .find(|above| above.symlink_metadata().is_ok());
    directory(there.unwrap_or(Path::new(".")))
}

/// The directory that a file is in.
fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

fn may(path: &Path, what: Access) -> io::Result<()> {
    Ok(access(path, what)?)
}
