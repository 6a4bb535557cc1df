//! The first bytes of a connection, which must be HTTP/2's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// What every HTTP/2 client sends first (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits for the preface and gives back a stream that begins with it, or nothing
/// when it does not come in time or something else comes.
pub(super) async fn expect<S>(mut stream: S, timeout: Duration) -> Option<Rewound<S>>
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
    Some(Rewound {
        before: read.freeze(),
        stream,
    })
}

/// A stream that gives back what was read from it already.
pub(super) struct Rewound<S> {
    before: Bytes,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = self.before.len().min(buffer.remaining());
        buffer.put_slice(&self.before.copy_to_bytes(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
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

    const LONG: Duration = Duration::from_secs(3600);

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
            let mut stream = expect(server, LONG).await.unwrap();
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

            assert!(expect(server, LONG).await.is_none(), "{why}");
        }
    }

    #[tokio::test]
    async fn silence_ends_at_the_time_limit() {
        let (_client, server) = tokio::io::duplex(64);

        assert!(expect(server, Duration::from_millis(1)).await.is_none());
    }
}
