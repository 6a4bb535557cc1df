//! The first bytes of a connection, which must be HTTP/2's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::frames::Toll;

/// What every HTTP/2 client sends first (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits for the preface and gives back a stream that begins with it and takes `toll` for
/// what follows, or nothing when it does not come in time or something else comes.
pub(super) async fn expect<S>(mut stream: S, timeout: Duration, toll: Toll) -> Option<Greeted<S>>
where
    S: AsyncRead + Unpin,
{
    let mut read = BytesMut::with_capacity(PREFACE.len());
    let came = tokio::time::timeout(timeout, async {
        while read.len() < PREFACE.len() {
            let missing = PREFACE.len() - read.len();
            let count = stream
                .read_buf(&mut (&mut read).limit(missing))
                .await
                .ok()?;
            if count == 0 || !PREFACE.starts_with(&read) {
                return None;
            }
        }
        Some(())
    });
    came.await.ok()??;
    Some(Greeted {
        preface: read.freeze(),
        stream,
        toll,
    })
}

/// A stream whose peer has greeted: it gives the preface back, and takes toll for frames.
pub(super) struct Greeted<S> {
    preface: Bytes,
    stream: S,
    toll: Toll,
}

impl<S: AsyncRead + Unpin> AsyncRead for Greeted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.preface.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let read = buffer.filled().get(before..).unwrap_or_default();
            return Poll::Ready(this.toll.pay(read));
        }
        let count = this.preface.len().min(buffer.remaining());
        buffer.put_slice(&this.preface.copy_to_bytes(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::clock::Clock;
    use crate::server::listen::frames::Flooded;

    const LONG: Duration = Duration::from_secs(3600);

    fn toll() -> Toll {
        Toll::new(Flooded::default(), Clock::system())
    }

    #[tokio::test]
    async fn the_preface_is_waited_for_and_given_back_with_what_follows() {
        let (mut client, server) = tokio::io::duplex(64);

        let (first, second) = PREFACE.split_at(10);
        let sending = async {
            client.write_all(first).await.unwrap();
            tokio::task::yield_now().await;
            client.write_all(second).await.unwrap();
            client.write_all(b"and more").await.unwrap();
            client.shutdown().await.unwrap();
        };
        let receiving = async {
            let mut stream = expect(server, LONG, toll()).await.unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.unwrap();
            all
        };
        let ((), all) = tokio::join!(sending, receiving);

        assert_eq!(all, [PREFACE, b"and more"].concat());
    }

    #[tokio::test]
    async fn another_protocol_is_found_out_before_it_has_sent_24_bytes() {
        for (why, opening) in [
            ("HTTP/1.1", &b"GET /"[..]),
            ("TLS", &[22, 3, 1, 2, 0, 1]),
            ("HTTP/2, badly", b"PRI * HTTP/2.1"),
        ] {
            let (mut client, server) = tokio::io::duplex(64);

            client.write_all(opening).await.unwrap();

            assert!(expect(server, LONG, toll()).await.is_none(), "{why}");
        }
    }

    #[tokio::test]
    async fn silence_ends_at_the_time_limit() {
        let (_client, server) = tokio::io::duplex(64);

        assert!(
            expect(server, Duration::from_millis(1), toll())
                .await
                .is_none()
        );
    }
}
