//! What can be set about the journal.

use std::path::PathBuf;
use std::time::Duration;

use super::{MacKey, forward};
use crate::settings_file;

/// What can be set about the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file that records go to.
    pub file: Option<PathBuf>,
    /// Whether they go to standard output; beside a file as a copy, without one as the
    /// journal itself.
    pub stdout: bool,
    /// Where calls are served that nobody records.
    pub unrecorded: Unrecorded,
    /// Which records are on the disk before the answer leaves.
    pub sync: Sync,
    /// How large a file may become, in bytes.
    pub rotate_bytes: u64,
    /// How long a file is written.
    pub rotate_after: Duration,
    /// The file with the key by which values are shown that may be looked for and not be
    /// read. Unset: they are hidden.
    pub mac_key_file: Option<PathBuf>,
    /// The file with the key that digests are signed with. Unset: there are none.
    pub signing_key_file: Option<PathBuf>,
    /// The name of this instance in its records.
    pub instance: String,
    /// Where lines of the file go as well.
    pub forward: forward::Settings,
}

/// Where calls are served that nobody records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unrecorded {
    /// In front of the emulator, where nothing is at stake.
    #[default]
    Emulator,
    /// In front of AWS too.
    Everywhere,
}

/// Which records are on the disk before the answer leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// All of them.
    #[default]
    All,
    /// Those of calls that change or hand out something, or were refused. Those of reads
    /// are written to the file before the answer, and on the disk 100 milliseconds later.
    Changes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: None,
            stdout: false,
            unrecorded: Unrecorded::default(),
            sync: Sync::default(),
            rotate_bytes: 64 * 1024 * 1024,
            rotate_after: Duration::from_secs(60 * 60),
            mac_key_file: None,
            signing_key_file: None,
            instance: "poolgate".to_owned(),
            forward: forward::Settings::default(),
        }
    }
}

impl Settings {
    /// The key that is set, from its file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or the key in it is too short.
    pub fn mac_key(&self) -> Result<Option<MacKey>, String> {
        let Some(path) = &self.mac_key_file else {
            return Ok(None);
        };
        let secret = settings_file::bytes(path)?;
        match MacKey::new(secret.trim_ascii()) {
            Some(key) => Ok(Some(key)),
            None => Err(format!("the key has fewer than {} bytes", MacKey::LEAST)),
        }
    }

    /// Whether calls are recorded.
    pub fn is_on(&self) -> bool {
        self.file.is_some() || self.stdout
    }
}
