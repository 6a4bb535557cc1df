//! Why a data directory cannot be used.

use std::path::{Path, PathBuf};

/// Why a data directory cannot be used. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works with it.
    #[error("the data directory `{0}` is in use by another process")]
    InUse(PathBuf),
    /// A file is not what it should be.
    #[error("`{path}` is damaged or not a file of the emulator, and was left as it is: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file was written by a later version of poolgate.
    #[error(
        "`{path}` has format {format}, written by a newer version of poolgate; this version knows format {known}"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        format: u64,
        /// The format that this version writes.
        known: u64,
    },
    /// The system refuses.
    #[error("cannot use `{path}` as data of the emulator: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl OpenError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }

    pub(super) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}
