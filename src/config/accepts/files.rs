//! Files. They are read when the configuration is, here or by the room they belong to, so
//! that mistakes in them are reported with all others.

use std::path::{Path, PathBuf};

use super::{Accepts, Shape};
use crate::config::hidden::{is_no_path, may_be_secret, path};
use crate::emulator::SecretKeys;
use crate::settings_file;

/// The path of a file.
pub(in crate::config) struct FilePath;

impl Accepts for FilePath {
    type Value = Option<PathBuf>;

    fn parse(&self, text: &str) -> Result<Option<PathBuf>, String> {
        Ok(Some(path(text)?.into()))
    }

    fn accepted(&self) -> String {
        "the path of a file".to_owned()
    }

    fn hides(&self, text: &str) -> bool {
        is_no_path(text)
    }
}

/// The path of a file that holds a secret.
pub(in crate::config) struct SecretFile;

impl Accepts for SecretFile {
    type Value = Option<PathBuf>;

    fn parse(&self, text: &str) -> Result<Option<PathBuf>, String> {
        FilePath.parse(text)
    }

    fn accepted(&self) -> String {
        FilePath.accepted()
    }

    fn hides(&self, text: &str) -> bool {
        may_be_secret(text)
    }
}

/// Paths of files.
pub(in crate::config) struct FilePaths;

impl Accepts for FilePaths {
    type Value = Vec<PathBuf>;

    fn parse(&self, text: &str) -> Result<Vec<PathBuf>, String> {
        paths(text)
    }

    fn accepted(&self) -> String {
        "a list of paths of files; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn hides(&self, text: &str) -> bool {
        hides_paths(text)
    }
}

/// Whether one of the paths is none.
pub(super) fn hides_paths(text: &str) -> bool {
    text.split(',').map(str::trim).any(is_no_path)
}

/// Paths that are separated by commas.
pub(super) fn paths(text: &str) -> Result<Vec<PathBuf>, String> {
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    match words.contains(&"") {
        true => Err("one of the paths is empty".to_owned()),
        false => Ok(words.into_iter().map(PathBuf::from).collect()),
    }
}

/// The path of a file with the secrets of access keys.
pub(in crate::config) struct SecretKeysFile;

impl Accepts for SecretKeysFile {
    type Value = SecretKeys;

    fn parse(&self, path: &str) -> Result<SecretKeys, String> {
        SecretKeys::parse(&content(path)?)
    }

    fn accepted(&self) -> String {
        FilePath.accepted()
    }

    fn hides(&self, text: &str) -> bool {
        may_be_secret(text)
    }
}

fn content(path: &str) -> Result<String, String> {
    settings_file::read(Path::new(path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_mistake_in_a_file_of_secrets_shows_the_line_and_no_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (content, mistake) in [
            (
                "AKIA1:one\n\n# two\ns3cret\n",
                Some("line 4 is not `ACCESS_KEY:SECRET`"),
            ),
            (":s3cret", Some("line 1 is not `ACCESS_KEY:SECRET`")),
            ("# nothing\n", Some("no access key in the file")),
            ("AKIA1:s3cret/with:colon\n", None),
        ] {
            fs::write(file.path(), content).unwrap();

            let read = SecretKeysFile.parse(file.path().to_str().unwrap());

            assert_eq!(read.as_ref().err().map(String::as_str), mistake);
            assert!(!format!("{read:?}").contains("s3cret"));
        }
        assert!(SecretKeysFile.parse("/nowhere").is_err());
    }
}
