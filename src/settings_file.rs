//! Reads a file that an operator has written.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest file of settings, in bytes: more than anybody writes, and little to hold.
pub const LARGEST: u64 = 4 * 1024 * 1024;

/// Whether a file in a folder of settings is none of them: its name begins with a dot.
/// Kubernetes keeps second copies in such folders, and editors what is being written.
pub fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}

/// The text of a file of settings.
///
/// # Errors
///
/// As [`bytes()`], and when it is not in UTF-8.
pub fn read(path: &Path) -> Result<String, String> {
    text(bytes(path)?)
}

/// The text of a file of settings that may as well be a pipe, such as shells make of
/// `<(command)`. Waits for its end.
///
/// # Errors
///
/// As [`read()`], but of pipes and devices.
pub fn piped(path: &Path) -> Result<String, String> {
    text(content(path)?)
}

/// What is in a file of settings.
///
/// # Errors
///
/// Why it cannot be read, also when it is none: what a pipe or a device holds may come late,
/// or without end.
pub fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("cannot be read: it is not a regular file".to_owned());
    }
    content(path)
}

fn content(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    // It may have grown meanwhile.
    let read = file.take(LARGEST + 1).read_to_end(&mut content);
    let read = read.map_err(unreadable)?;
    match u64::try_from(read) {
        Ok(0..=LARGEST) => Ok(content),
        _ => Err(format!("cannot be read: it has more than {LARGEST} bytes")),
    }
}

fn text(content: Vec<u8>) -> Result<String, String> {
    String::from_utf8(content).map_err(|_| "cannot be read: it is not in UTF-8".to_owned())
}

fn unreadable(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_file_or_too_large_is_told_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.toml");
        let written = |bytes: usize| {
            fs::write(&path, vec![b'#'; bytes]).unwrap();
            read(&path)
        };
        let largest = usize::try_from(LARGEST).unwrap();

        assert_eq!(written(3).unwrap(), "###");
        assert_eq!(written(largest).unwrap().len(), largest);
        assert_eq!(
            written(largest + 1).unwrap_err(),
            "cannot be read: it has more than 4194304 bytes"
        );
        for device in ["/dev/zero", "/proc"] {
            let reason = read(Path::new(device)).unwrap_err();
            assert_eq!(reason, "cannot be read: it is not a regular file");
        }
        let reason = piped(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(reason, "cannot be read: it has more than 4194304 bytes");
        let reason = read(&folder.path().join("none")).unwrap_err();
        assert!(
            reason.starts_with("cannot be read: No such file"),
            "{reason}"
        );
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(read(&path).unwrap_err().contains("UTF-8"));
    }
}
