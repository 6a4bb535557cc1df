//! What is in files, in 32 bytes.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use crate::settings_file;

/// What is in files: equal when nothing has changed. The default is that of files that
/// nobody has looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Reads all of the files. In a folder these are the files right in it, without
    /// those whose name begins with a dot; links are followed. Whatever cannot be read
    /// counts as such, and so does what nobody reads: a pipe, of which no end is seen, and what is
    /// larger than a file of settings.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut context = Context::new(&SHA256);
        for path in paths {
            match fs::read_dir(path) {
                Ok(entries) => {
                    let entries = entries.filter_map(Result::ok).map(|entry| entry.path());
                    let counts = |path: &PathBuf| !settings_file::is_hidden(path) && path.is_file();
                    let mut files: Vec<PathBuf> = entries.filter(counts).collect();
                    files.sort_unstable();
                    add(&mut context, files.len().to_string().as_bytes());
                    files.iter().for_each(|path| add_file(&mut context, path));
                }
                Err(_) => add_file(&mut context, path),
            }
        }
        let mut bytes = [0; 32];
        let digest = context.finish();
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

fn add_file(context: &mut Context, path: &Path) {
    add(context, path.as_os_str().as_encoded_bytes());
    match settings_file::bytes(path) {
        Ok(content) => {
            add(context, b"content");
            add(context, &content);
        }
        Err(reason) => add(context, reason.as_bytes()),
    }
}

/// With its length, so that two contents never look like one.
fn add(context: &mut Context, bytes: &[u8]) {
    context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    context.update(bytes);
}
