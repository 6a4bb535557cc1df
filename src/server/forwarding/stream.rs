//! Syslog over a connection (RFC 6587 with octet counting, RFC 5425).
//!
//! There is no acknowledgement but TCP's own, of which programs are told nothing. So the
//! kernel is told to break a connection whose other end does not acknowledge, before what
//! was handed over counts as taken.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::audit::forward::{Failed, Line, Peer, counted};

/// How long connecting may take, TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long the other end may leave bytes without an acknowledgement, or have no room for
/// more (TCP_USER_TIMEOUT).
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(4);

/// How long a batch may take to get to the kernel, whatever the other end does.
const SENT_WITHIN: Duration = Duration::from_secs(30);

/// How long the other end may take to close, after it was told that nothing follows.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// What the other end may say on a connection, in bytes, before it is closed.
const MOST_SAID: usize = 64 * 1024;

/// A connection with syslog messages, or none at the moment.
pub(super) struct Stream {
    peer: Peer,
    trust: Option<Arc<ClientConfig>>,
    process: u32,
    connection: Option<Box<dyn Connection>>,
    /// How much its other end has said.
    said: usize,
}

trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Sync + Unpin> Connection for C {}

impl Stream {
    /// With TLS where it is said whom to trust.
    pub(super) fn new(peer: &Peer, trust: Option<&Arc<ClientConfig>>, process: u32) -> Self {
        Self {
            peer: peer.clone(),
            trust: trust.cloned(),
            process,
            connection: None,
            said: 0,
        }
    }

    pub(super) async fn send(&mut self, lines: &[Line]) -> Result<(), Failed> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.said = 0;
                self.connect().await.map_err(Failed::later)?
            }
        };
        let bytes = counted(lines, self.process);
        let sending = async {
            connection.write_all(&bytes).await?;
            connection.flush().await
        };
        timeout(SENT_WITHIN, sending)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(Failed::later)?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Syslog servers say nothing; reading shows when they close, or do not acknowledge.
    pub(super) async fn closed(&mut self) -> String {
        let Some(connection) = &mut self.connection else {
            return pending().await;
        };
        let mut said = [0; 1024];
        let reason = loop {
            match connection.read(&mut said).await {
                Ok(0) => break "the other end has closed the connection".to_owned(),
                Ok(_) if self.said > MOST_SAID => {
                    break "the other end talks, as no syslog server does".to_owned();
                }
                Ok(bytes) => self.said += bytes,
                Err(error) => break error.to_string(),
            }
        };
        self.connection = None;
        reason
    }

    /// An end that closes in answer to ours has read everything; one that has not resets
    /// the connection.
    pub(super) async fn end(&mut self) -> bool {
        let Some(mut connection) = self.connection.take() else {
            return false;
        };
        let ending = async {
            connection.shutdown().await?;
            let mut said = [0; 1024];
            while connection.read(&mut said).await? > 0 {}
            io::Result::Ok(())
        };
        matches!(timeout(CLOSED_WITHIN, ending).await, Ok(Ok(())))
    }

    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        timeout(CONNECT_WITHIN, self.connected())
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn connected(&self) -> io::Result<Box<dyn Connection>> {
        let Peer { host, port } = &self.peer;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_user_timeout(Some(ACKNOWLEDGED_WITHIN))?;
        let Some(trust) = &self.trust else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        let secured = TlsConnector::from(Arc::clone(trust)).connect(name, stream);
        Ok(Box::new(secured.await?))
    }
}
