//! What is not shown of a value. Somebody may have put a secret where the path of its file
//! belongs, and what is told of a configuration is kept in logs.

use std::ffi::OsString;
use std::path::Path;

use super::accepts::Shape;
use super::key::AnyKey;

/// What is shown in the place of a value that is not.
pub(super) const HIDDEN: &str = "(hidden)";

/// The longest name that a file has, in bytes (path_resolution(7)).
const LONGEST_NAME: usize = 255;

/// Whether a text cannot be a path that somebody meant: nothing is there, and it has line
/// breaks or the like, is an address, or is too long.
pub(super) fn is_no_path(text: &str) -> bool {
    let is_strange = text.contains(char::is_control)
        || text.contains("://")
        || text.split('/').any(|name| name.len() > LONGEST_NAME);
    is_strange && !is_there(text)
}

/// Whether a text may be a secret itself, in the place of the path of a file that holds one:
/// nothing is there, and there is no directory, named in the text, where it could be. Of keys
/// in base64 some begin with a slash, so the root does not count.
pub(super) fn may_be_secret(text: &str) -> bool {
    let has_place = Path::new(text)
        .parent()
        .is_some_and(|place| place.file_name().is_some() && place.is_dir());
    is_no_path(text) || !is_there(text) && !has_place
}

fn is_there(text: &str) -> bool {
    Path::new(text).symlink_metadata().is_ok()
}

/// Whether a value of this key is not shown. What has several lines is a key or a file in
/// PEM, whichever key it was meant for.
pub(super) fn hides(key: &dyn AnyKey, text: &str) -> bool {
    let has_lines = key.shape() != Shape::Tables && text.contains(char::is_control);
    has_lines || key.hides(text)
}

/// What is told of a file whose path a flag gives and that holds a secret: the path is left
/// out where it may be the secret itself.
pub fn told_of_secret(path: &Path, told: &str) -> String {
    match path.to_str() {
        Some(text) if may_be_secret(text) => without(text, told),
        _ => told.to_owned(),
    }
}

/// What is wrong with a text that cannot be a path.
pub(super) const NO_PATH: &str = "no path: nothing is there, and it has line breaks, `://` or a \
     name of more than 255 bytes; is it what belongs into the file?";

/// The same text, unless it cannot be a path.
pub(super) fn path(text: &str) -> Result<&str, String> {
    match is_no_path(text) {
        true => Err(NO_PATH.to_owned()),
        false => Ok(text),
    }
}

/// What is told of arguments, without those that have line breaks, if there are any: a key in
/// PEM is not to be shown, whichever flag it was given to.
pub fn without_lines(arguments: &[OsString], told: &str) -> Option<String> {
    let lines = arguments.iter().filter_map(|argument| argument.to_str());
    let mut lines = lines.filter(|text| text.contains('\n')).peekable();
    lines.peek()?;
    Some(lines.fold(told.to_owned(), |told, text| without(text, &told)))
}

/// What is told of a text that is not shown, without the text and its parts.
pub(in crate::config) fn without(text: &str, told: &str) -> String {
    let parts = text.split([',', '=']).map(str::trim);
    let mut told = told.to_owned();
    // Shorter ones say nothing, and are in words.
    for part in [text]
        .into_iter()
        .chain(parts)
        .filter(|part| part.len() > 3)
    {
        told = told.replace(part, HIDDEN);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_and_what_cannot_be_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let strange = folder.path().join("two\nlines");
        std::fs::write(&strange, "").unwrap();
        let near = folder.path().join("not-there.pem");
        for (text, no_path, secret) in [
            ("/etc/hostname", false, false),
            (strange.to_str().unwrap(), false, false),
            (near.to_str().unwrap(), false, false),
            ("/nowhere/tls.key", false, true),
            ("aGVsbG8gd29ybGQ/aGVsbG8=", false, true),
            ("/aGVsbG8gd29ybGQaGVsbG8=", false, true),
            ("s3cret", false, true),
            ("redis://:s3cret@host:1", true, true),
            ("-----BEGIN PRIVATE KEY-----\ns3cret\n", true, true),
            (&"s3cret".repeat(50), true, true),
        ] {
            assert_eq!(is_no_path(text), no_path, "{text}");
            assert_eq!(may_be_secret(text), secret, "{text}");
        }
    }
}
