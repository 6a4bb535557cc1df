//! The Unix socket: callers on this machine, of whom the kernel says who they are.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, SockAddr, Type};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::accept::BACKLOG;
use crate::caller::Process;

/// A Unix socket that is listened on. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct Socket {
    pub(super) listener: UnixListener,
    _file: File,
}

/// The file of a socket of ours.
#[derive(Debug)]
struct File {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Socket {
    /// Listens on `path`, whose file gets these permissions. A socket that nobody listens on
    /// any more is replaced; anything else there is left alone.
    ///
    /// # Errors
    ///
    /// The system's answers, and that there is something else.
    pub fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        make_room(path)?;
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        let file = File::of(path)?;
        // Nobody can connect before the permissions are what they are to be.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        Ok(Self {
            listener: socket.listen(BACKLOG)?,
            _file: file,
        })
    }
}

/// Removes a socket that nobody listens on.
fn make_room(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        let reason = "there is something there that is not a socket";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
    }
    // Without waiting: whoever listens and takes nobody would have us wait for ever.
    let asking = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    asking.set_nonblocking(true)?;
    match asking.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        // It has gone meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Whoever has too much to do, or does not let us in, is there all the same.
        Ok(_) | Err(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

impl File {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // What another process has put there meanwhile is not ours to remove.
        let is_ours = |there: &fs::Metadata| {
            (there.dev(), there.ino()) == (self.device, self.inode) && there.file_type().is_socket()
        };
        if fs::symlink_metadata(&self.path).is_ok_and(|there| is_ours(&there)) {
            // It may have gone since.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Who is on the other side of a connection, as the kernel says. `numbers` makes it one that
/// no other has.
pub(super) fn process(stream: &UnixStream, numbers: &AtomicU64) -> io::Result<Process> {
    let credentials = stream.peer_cred()?;
    Ok(Process {
        uid: credentials.uid(),
        gid: credentials.gid(),
        pid: credentials.pid(),
        connection: numbers.fetch_add(1, Ordering::Relaxed),
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[tokio::test]
    async fn a_socket_has_the_permissions_that_are_set_and_goes_when_nobody_listens() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("grpc.sock");

        for mode in [0o600, 0o660] {
            let socket = Socket::bind(&path, mode).unwrap();
            let permissions = fs::metadata(&path).unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode);
            assert!(UnixStream::connect(&path).await.is_ok());
            drop(socket);
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn whoever_listens_and_takes_nobody_is_there_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grpc.sock");
        let full = UnixSocket::new_stream().unwrap();
        full.bind(&path).unwrap();
        let _full = full.listen(0).unwrap();
        let _first = std::os::unix::net::UnixStream::connect(&path).unwrap();

        let error = Socket::bind(&path, 0o600).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn what_a_crash_has_left_is_replaced_and_who_listens_is_not() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("grpc.sock");
        // The standard library's leaves its file there.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());

        let first = Socket::bind(&path, 0o600).unwrap();
        let second = Socket::bind(&path, 0o600).unwrap_err();

        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        assert!(UnixStream::connect(&path).await.is_ok());
        drop(first);
    }

    #[tokio::test]
    async fn what_is_not_a_socket_is_left_alone() {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "precious").unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();

        for path in [&file, &link, &directory.path().to_owned()] {
            let error = Socket::bind(path, 0o600).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }

    #[tokio::test]
    async fn what_another_has_put_in_its_place_is_not_removed() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("grpc.sock");
        let socket = Socket::bind(&path, 0o600).unwrap();
        fs::rename(&path, directory.path().join("old")).unwrap();
        let other = Socket::bind(&path, 0o600).unwrap();

        drop(socket);

        assert!(UnixStream::connect(&path).await.is_ok());
        drop(other);
    }
}
