//! The signing key in a file that nobody else may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeyPair;

use super::OpenError;

/// Where the signing key is kept, in PKCS #8.
#[derive(Debug)]
pub(in crate::emulator) struct KeyFile(PathBuf);

impl KeyFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The key, if there is one.
    pub(in crate::emulator) fn read(&self) -> Result<Option<KeyPair>, OpenError> {
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OpenError::io(&self.0)(error)),
        };
        KeyPair::from_pkcs8(&bytes)
            .map(Some)
            .map_err(|_| OpenError::damaged(&self.0, "not an RSA key in PKCS #8"))
    }

    /// Keeps a key, whole or not at all.
    pub(in crate::emulator) fn write(&self, key: &KeyPair) -> io::Result<()> {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(key)
            .map_err(|_| io::Error::other("the key has no encoding"))?;
        let unfinished = self.0.with_extension("new");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(der.as_ref())?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.0)?;
        match self.0.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }
}
