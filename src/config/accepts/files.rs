//! Files that are read when the configuration is, so that mistakes in them are reported
//! with all others.

use std::fs;

use super::Accepts;
use crate::emulator::SecretKeys;

/// The path of a file with the secrets of access keys.
pub(in crate::config) struct SecretKeysFile;

impl Accepts for SecretKeysFile {
    type Value = SecretKeys;

    fn parse(&self, path: &str) -> Result<SecretKeys, String> {
        SecretKeys::parse(&content(path)?)
    }

    fn accepted(&self) -> String {
        "the path of a file".to_owned()
    }
}

fn content(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
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
