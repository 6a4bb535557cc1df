//! Binding and accepting.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

use crate::telemetry::Metrics;
use crate::telemetry::metrics::Refusal;

/// How many connections the kernel holds until they are accepted.
pub(super) const BACKLOG: u32 = 1024;

/// How long to wait after a failed `accept`. Without a pause, running out of file
/// descriptors turns into a loop that burns a core.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens on `address`, also right after a predecessor has left it.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What connections are accepted on.
pub(in crate::server) trait Listener: Send + Sync {
    type Stream: Send;

    fn next(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Makes a connection ready for use.
    fn prepare(stream: &Self::Stream) -> io::Result<()>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<TcpStream> {
        self.accept().await.map(|(stream, _)| stream)
    }

    /// Answers are small and must not wait for acknowledgements of earlier ones.
    fn prepare(stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<UnixStream> {
        self.accept().await.map(|(stream, _)| stream)
    }

    fn prepare(_: &UnixStream) -> io::Result<()> {
        Ok(())
    }
}

/// The next connection, ready for use.
pub(in crate::server) async fn accept<L: Listener>(listener: &L, metrics: &Metrics) -> L::Stream {
    let mut failed = false;
    loop {
        match listener.next().await {
            Ok(stream) if L::prepare(&stream).is_ok() => return stream,
            // The peer has left already.
            Ok(_) => {}
            Err(error) if is_about_the_peer(&error) => {}
            Err(error) => {
                metrics.connection_refused(Refusal::Error);
                if !failed {
                    tracing::warn!(%error, "accepting connections fails; trying again");
                }
                failed = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_about_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn an_accepted_connection_sends_without_delay() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();

        let _client = TcpStream::connect(address).await.unwrap();
        let stream = accept(&listener, &Metrics::new()).await;

        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn where_accepting_fails_it_is_tried_again_ten_times_a_second() {
        struct Full(AtomicUsize);
        impl Listener for Full {
            type Stream = ();

            async fn next(&self) -> io::Result<()> {
                const EMFILE: i32 = 24;
                match self.0.fetch_add(1, Ordering::SeqCst) {
                    30.. => Ok(()),
                    _ => Err(io::Error::from_raw_os_error(EMFILE)),
                }
            }

            fn prepare((): &()) -> io::Result<()> {
                Ok(())
            }
        }
        let began = Instant::now();
        let metrics = Metrics::new();

        accept(&Full(AtomicUsize::new(0)), &metrics).await;

        assert_eq!(began.elapsed(), Duration::from_secs(3));
        let refused = "poolgate_connections_refused_total{reason=\"error\"} 30\n";
        assert!(metrics.encode().contains(refused));
    }

    #[tokio::test]
    async fn an_address_in_use_is_refused() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();

        let error = bind(listener.local_addr().unwrap()).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
