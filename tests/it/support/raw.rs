//! A peer that speaks HTTP/2 by hand, so that it can say what no client would.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const ACK: u8 = 1;

/// A connection on which the greetings have been exchanged.
pub struct RawPeer<S = TcpStream>(pub S);

/// A frame that was received.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// How the other side has ended a connection.
#[derive(Debug, Default)]
pub struct End {
    /// The last stream it has looked at and the code, where it said so.
    pub goaway: Option<(u32, u32)>,
    /// How many streams it has reset or answered.
    pub streams: usize,
}

impl RawPeer {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        // What is written is sent, and waits for nothing.
        stream.set_nodelay(true).unwrap();
        Self::greet(stream).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawPeer<S> {
    /// Greets on a stream, which may be TLS.
    pub async fn greet(mut stream: S) -> Self {
        stream.write_all(PREFACE).await.unwrap();
        let mut peer = Self(stream);
        peer.send(SETTINGS, 0, 0, &[]).await;
        peer
    }

    /// A request with these headers, pseudo-headers among them, in this order and to the
    /// byte, and one body.
    pub async fn request(&mut self, stream: u32, headers: &[(&str, &[u8])], body: &[u8]) {
        self.send(HEADERS, END_HEADERS, stream, &block(headers))
            .await;
        self.send(DATA, END_STREAM, stream, body).await;
    }

    /// A frame. The other side may have gone already.
    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.write(&frame(kind, flags, stream, payload)).await;
    }

    /// The same, and whether the other side was still there.
    pub async fn try_send(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> io::Result<()> {
        self.0.write_all(&frame(kind, flags, stream, payload)).await
    }

    /// Bytes. The other side may have gone already.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Sends all of it, reading at the same time, until the other side has closed the
    /// connection.
    pub async fn flood(self, bytes: &[u8]) -> End {
        let (read, mut write) = tokio::io::split(self.0);
        let mut peer = RawPeer(read);
        let mut end = End::default();
        let sending = async {
            // It may close in the middle of it.
            let _ = write.write_all(bytes).await;
            std::future::pending::<()>().await;
        };
        let reading = async {
            while let Some(frame) = peer.receive().await {
                let is_last = frame.flags & END_STREAM != 0;
                match frame.kind {
                    GOAWAY => {
                        let number = |at: usize| {
                            let bytes = frame.payload[at..at + 4].try_into().unwrap();
                            u32::from_be_bytes(bytes)
                        };
                        end.goaway = Some((number(0), number(4)));
                    }
                    RST_STREAM => end.streams += 1,
                    HEADERS | DATA if is_last => end.streams += 1,
                    _ => {}
                }
            }
        };
        tokio::select! {
            () = reading => {}
            () = sending => {}
        }
        end
    }

    /// Sends it again and again and reads nothing, until the other side has closed the
    /// connection.
    pub async fn flood_without_reading(mut self, bytes: &[u8]) {
        while self.0.write_all(bytes).await.is_ok() {}
    }

    /// Reads up to the end of a stream, or of the connection, and says which frame it
    /// was: the last of an answer, RST_STREAM, or GOAWAY; nothing when the connection
    /// was closed without a word.
    pub async fn end_of(&mut self, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.receive().await?;
            match frame.kind {
                SETTINGS if frame.flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]).await,
                GOAWAY => return Some(frame),
                RST_STREAM if frame.stream == stream => return Some(frame),
                HEADERS | DATA if frame.stream == stream && frame.flags & END_STREAM != 0 => {
                    return Some(frame);
                }
                _ => {}
            }
        }
    }
}

impl<S: AsyncRead + Unpin> RawPeer<S> {
    /// Reads up to the end of any stream.
    pub async fn ended(&mut self) {
        while let Some(frame) = self.receive().await {
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
                return;
            }
        }
    }

    /// The next frame; nothing at the end.
    pub async fn receive(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]),
            payload,
        })
    }
}

/// A frame as it goes over the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Headers, pseudo-headers among them, as literal fields without indexing (RFC 7541, 6.2.2)
/// and without Huffman codes.
pub fn block(headers: &[(&str, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        literal(&mut block, name.as_bytes());
        literal(&mut block, value);
    }
    block
}

/// A string of RFC 7541, 5.2, with its length as a 7-bit prefixed integer.
fn literal(block: &mut Vec<u8>, text: &[u8]) {
    let mut length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push(u8::try_from(length % 128).unwrap() | 128);
            length /= 128;
        }
        block.push(u8::try_from(length).unwrap());
    }
    block.extend_from_slice(text);
}
