//! The Unix socket: callers on this machine, of whom the kernel says who they are.

use std::fs::{self, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::OFlags;
use socket2::{Domain, SockAddr, Type};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::accept::BACKLOG;
use crate::caller::Process;

/// A Unix socket that is listened on. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct Socket {
    pub(super) listener: UnixListener,
    _file: Removed,
}

impl Socket {
    /// Listens on `path`, whose file gets these permissions. A socket that nobody listens on
    /// any more is replaced; anything else there is left alone. Of several that begin at the
    /// same moment one succeeds.
    ///
    /// # Errors
    ///
    /// The system's answers, that there is something else, and that somebody listens there
    /// or is about to.
    pub fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        // Until it is listened on, it looks as if nobody did.
        let _lock = Lock::take(path)?;
        make_room(path)?;
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        // Nobody can connect before the permissions are what they are to be.
        let file = Removed(File::permit(path, mode)?);
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
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            File::of(path, &found).remove()
        }
        // It has gone meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Whoever has too much to do, or does not let us in, is there all the same.
        Ok(_) | Err(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

/// As open(2) has them.
fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// What lets one process at a time set a socket up: a file beside it that is locked, as
/// Wayland has it, and is there no longer than that.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: fs::File,
}

impl Lock {
    fn take(socket: &Path) -> io::Result<Self> {
        let mut path = socket.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let about =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        loop {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(flags(OFlags::NOFOLLOW))
                .open(&path)
                .map_err(about)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::AddrInUse.into()),
                Err(TryLockError::Error(error)) => return Err(about(error)),
            }
            // Whoever had the lock may have removed it since it was opened.
            if File::of(&path, &file.metadata()?).is_there() {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It is locked, so that nobody else removes it, or has made another.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file, whatever else may stand in its place meanwhile.
#[derive(Debug)]
struct File {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl File {
    fn of(path: &Path, metadata: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// The socket at `path`, with these permissions now. A link in its place is not followed.
    fn permit(path: &Path, mode: u32) -> io::Result<Self> {
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(flags(OFlags::PATH | OFlags::NOFOLLOW))
            .open(path)?;
        let metadata = opened.metadata()?;
        if !metadata.file_type().is_socket() {
            let reason = "another process has replaced the socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
        }
        let file = Self::of(path, &metadata);
        // The name that leads to the opened file itself (proc(5)).
        let itself = format!("/proc/self/fd/{}", opened.as_raw_fd());
        fs::set_permissions(itself, fs::Permissions::from_mode(mode))?;
        Ok(file)
    }

    /// Whether it is still the one at its path.
    fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (self.device, self.inode))
    }

    /// Removes it. What another process has put there meanwhile is not ours to remove.
    fn remove(&self) -> io::Result<()> {
        match self.is_there() {
            true => fs::remove_file(&self.path),
            false => Ok(()),
        }
    }
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
struct Removed(File);

impl Drop for Removed {
    fn drop(&mut self) {
        // It may have gone since.
        let _ = self.0.remove();
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

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_that_begin_at_once_one_has_the_socket_and_keeps_it() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("grpc.sock");
        for round in 0..100 {
            // What a crash has left is what all of them want to replace.
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
            let handle = tokio::runtime::Handle::current();
            let beginning = std::thread::scope(|scope| {
                let begin = || {
                    let _runtime = handle.enter();
                    Socket::bind(&path, 0o600)
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
                let ended = threads.into_iter().map(|thread| thread.join().unwrap());
                ended.collect::<Vec<_>>()
            });

            let (sockets, refused): (Vec<_>, Vec<_>) =
                beginning.into_iter().partition(Result::is_ok);
            assert_eq!(sockets.len(), 1, "{round}");
            for refused in refused {
                assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AddrInUse);
            }
            assert!(UnixStream::connect(&path).await.is_ok(), "{round}");
            let [Ok(socket)] = &sockets[..] else {
                unreachable!("there is one");
            };
            assert!(socket.listener.accept().await.is_ok(), "{round}");
            drop(sockets);
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }

    #[tokio::test]
    async fn links_are_not_followed() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("grpc.sock");
        let precious = directory.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        fs::set_permissions(&precious, fs::Permissions::from_mode(0o600)).unwrap();
        let link = |path: &Path| std::os::unix::fs::symlink(&precious, path).unwrap();

        // Where the socket is, as if somebody had replaced it just now.
        link(&path);
        assert!(File::permit(&path, 0o666).is_err());
        fs::remove_file(&path).unwrap();

        // Where the lock is.
        link(&directory.path().join("grpc.sock.lock"));
        let refused = Socket::bind(&path, 0o666).unwrap_err();
        assert!(refused.to_string().contains("grpc.sock.lock"), "{refused}");

        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        let permissions = fs::metadata(&precious).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
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
