//! Syslog in datagrams: over UDP (RFC 5426), and to a socket of this machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UdpSocket, UnixDatagram, lookup_host};
use tokio::time::timeout;

use crate::audit::forward::{Failed, Line, Peer, message};

/// Linux's number of `Message too long`, for which `std` has no stable word.
const EMSGSIZE: i32 = 90;

/// How long a datagram may take to get to the kernel. It has to wait for who reads a
/// domain socket.
const SENT_WITHIN: Duration = Duration::from_secs(10);

/// How soon it is known that nobody was there for a datagram.
const REFUSED_WITHIN: Duration = Duration::from_millis(200);

/// A socket for datagrams, or none at the moment.
pub(super) struct Datagrams {
    to: To,
    process: u32,
    socket: Option<Socket>,
    /// Whether nobody was there lately. The kernel tells so of a datagram after it is sent,
    /// so that the first one always seems to arrive.
    is_refused: bool,
}

enum To {
    Udp(Peer),
    Unix(PathBuf),
}

enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Socket {
    /// What became of datagrams that were sent, if the kernel has heard of it.
    fn refusal(&self) -> Option<io::Error> {
        match self {
            Self::Udp(socket) => socket.take_error().ok().flatten(),
            Self::Unix(socket) => socket.take_error().ok().flatten(),
        }
    }
}

impl Datagrams {
    pub(super) fn udp(peer: &Peer, process: u32) -> Self {
        Self::new(To::Udp(peer.clone()), process)
    }

    pub(super) fn unix(path: &Path, process: u32) -> Self {
        Self::new(To::Unix(path.to_owned()), process)
    }

    fn new(to: To, process: u32) -> Self {
        Self {
            to,
            process,
            socket: None,
            is_refused: false,
        }
    }

    /// Sends each line in a datagram of its own.
    pub(super) async fn send(&mut self, lines: &[Line]) -> Result<(), Failed> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.connect().await.map_err(Failed::later)?,
        };
        for line in lines {
            let message = message(line, self.process);
            let sending = async {
                match &socket {
                    Socket::Udp(socket) => socket.send(&message).await,
                    Socket::Unix(socket) => socket.send(&message).await,
                }
            };
            let sent = timeout(SENT_WITHIN, sending)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            if let Err(error) = &sent {
                self.is_refused = error.kind() == io::ErrorKind::ConnectionRefused;
            }
            match sent {
                Ok(_) if self.is_refused => {
                    tokio::time::sleep(REFUSED_WITHIN).await;
                    if let Some(error) = socket.refusal() {
                        return Err(Failed::later(error));
                    }
                    self.is_refused = false;
                }
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(EMSGSIZE) => {
                    self.socket = Some(socket);
                    return Err(Failed::Never(error.to_string()));
                }
                Err(error) => return Err(Failed::later(error)),
            }
        }
        self.socket = Some(socket);
        Ok(())
    }

    async fn connect(&self) -> io::Result<Socket> {
        match &self.to {
            To::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Ok(Socket::Unix(socket))
            }
            To::Udp(peer) => {
                let mut found = lookup_host((peer.host.as_str(), peer.port)).await?;
                let address = found.next().ok_or(io::ErrorKind::NotFound)?;
                let any: IpAddr = match address {
                    SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                    SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
                };
                let socket = UdpSocket::bind((any, 0)).await?;
                socket.connect(address).await?;
                Ok(Socket::Udp(socket))
            }
        }
    }
}
