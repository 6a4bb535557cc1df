//! The first bytes of a connection, which must be HTTP/2's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::frames::Toll;
use super::heads::Heads;
use super::owed::Owed;

/// What every HTTP/2 client sends first (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits for the preface and gives back a stream that begins with it, takes `toll` for what
/// follows and tells `owed` of it, or nothing when it does not come in time or something
/// else comes.
pub(super) async fn expect<S>(
    mut stream: S,
    timeout: Duration,
    toll: Toll,
    owed: Owed,
) -> Option<Greeted<S>>
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
        received: Heads::default(),
        sent: Heads::default(),
        toll,
        owed,
        blocked: false,
    })
}

/// A stream whose peer has greeted: it gives the preface back, takes toll for frames, and
/// tells what becomes of answers.
pub(super) struct Greeted<S> {
    preface: Bytes,
    stream: S,
    received: Heads,
    sent: Heads,
    toll: Toll,
    owed: Owed,
    /// Whether something was to be written that could not be, and not everything is by now.
    blocked: bool,
}

impl<S> Greeted<S> {
    /// Tells when nothing more can be written for now.
    fn writes<T>(&mut self, polled: &Poll<T>) {
        if polled.is_pending() {
            self.blocked = true;
            self.owed.blocked();
        }
    }
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
            return Poll::Ready(this.received.read(read, |head| {
                this.owed.received(head);
                this.toll.pay(head)
            }));
        }
        let count = this.preface.len().min(buffer.remaining());
        buffer.put_slice(&this.preface.copy_to_bytes(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Greeted<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.writes(&polled);
        if let Poll::Ready(Ok(count)) = polled {
            this.owed.sent(&mut this.sent, bytes.get(..count));
        }
        polled
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.writes(&polled);
        if let Poll::Ready(Ok(mut count)) = polled {
            let written = slices.iter().map_while(|slice| {
                let written = slice.get(..count.min(slice.len()))?;
                count -= written.len();
                Some(written)
            });
            this.owed.sent(&mut this.sent, written);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(context);
        this.writes(&polled);
        if this.blocked && polled.is_ready() {
            this.blocked = false;
            this.owed.flushed();
        }
        polled
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

    async fn greeted(
        stream: tokio::io::DuplexStream,
        timeout: Duration,
    ) -> Option<Greeted<tokio::io::DuplexStream>> {
        let toll = Toll::new(Flooded::default(), Clock::system());
        expect(stream, timeout, toll, Owed::new(Clock::system())).await
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
            let mut stream = greeted(server, LONG).await.unwrap();
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

            assert!(greeted(server, LONG).await.is_none(), "{why}");
        }
    }

    #[tokio::test]
    async fn silence_ends_at_the_time_limit() {
        let (_client, server) = tokio::io::duplex(64);

        assert!(greeted(server, Duration::from_millis(1)).await.is_none());
    }
}
