//! Directories.

use std::path::PathBuf;

use super::Accepts;
use crate::config::hidden::{is_no_path, path};

/// A directory, which need not be there yet.
pub(in crate::config) struct Directory;

impl Accepts for Directory {
    type Value = Option<PathBuf>;

    fn parse(&self, text: &str) -> Result<Option<PathBuf>, String> {
        if text.is_empty() || text.contains('\0') {
            return Err("not a path".to_owned());
        }
        Ok(Some(PathBuf::from(path(text)?)))
    }

    fn accepted(&self) -> String {
        "a path of a directory".to_owned()
    }

    fn hides(&self, text: &str) -> bool {
        is_no_path(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_a_name() {
        assert_eq!(Directory.parse("data"), Ok(Some(PathBuf::from("data"))));
        assert_eq!(Directory.parse(""), Err("not a path".to_owned()));
    }
}
