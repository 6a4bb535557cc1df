//! Unix sockets to listen on.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::Accepts;
use crate::config::hidden::is_no_path;

/// The longest path of a socket, in bytes (unix(7)).
const MOST: usize = 107;

/// The path of a socket, which may be there or not.
pub(in crate::config) struct SocketPath;

impl Accepts for SocketPath {
    type Value = Option<PathBuf>;

    fn parse(&self, text: &str) -> Result<Option<PathBuf>, String> {
        let path = path_of(text);
        if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
            return Err("not an absolute path of a file".to_owned());
        }
        if path.len() > MOST {
            return Err(format!("longer than {MOST} bytes"));
        }
        match fs::symlink_metadata(Path::new(path)) {
            Ok(there) if !there.file_type().is_socket() => {
                Err("there is something there that is not a socket".to_owned())
            }
            // What is wrong otherwise, listening will tell.
            _ => Ok(Some(PathBuf::from(path))),
        }
    }

    fn accepted(&self) -> String {
        "an absolute path of at most 107 bytes, such as `/run/poolgate/grpc.sock`, or with \
         `unix://` before it"
            .to_owned()
    }

    fn hides(&self, text: &str) -> bool {
        is_no_path(path_of(text))
    }
}

fn path_of(text: &str) -> &str {
    let path = text.strip_prefix("unix://").unwrap_or(text);
    path.strip_prefix("unix:").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_an_absolute_path_where_nothing_else_is() {
        let path = Some(PathBuf::from("/nowhere/grpc.sock"));
        for text in [
            "/nowhere/grpc.sock",
            "unix:///nowhere/grpc.sock",
            "unix:/nowhere/grpc.sock",
        ] {
            assert_eq!(SocketPath.parse(text), Ok(path.clone()), "{text}");
        }
        let long = format!("/{}", "x".repeat(107));
        for text in ["", "grpc.sock", "unix:grpc.sock", "/nowhere/", "/", &long] {
            assert!(SocketPath.parse(text).is_err(), "{text}");
        }
        let there = std::env::current_exe().unwrap();
        let refused = SocketPath.parse(there.to_str().unwrap());
        assert_eq!(
            refused,
            Err("there is something there that is not a socket".to_owned())
        );
    }
}
