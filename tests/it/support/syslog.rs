//! A syslog server on a real socket, which takes messages with octet counting.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::house::LONG;

/// What was taken: connections, and messages of all of them.
#[derive(Clone, Default)]
pub struct Taken {
    pub connections: usize,
    pub messages: Vec<String>,
}

/// A syslog server at work.
pub struct Syslog {
    pub port: u16,
    taken: watch::Receiver<Taken>,
}

impl Syslog {
    /// Takes everything.
    pub async fn start() -> Self {
        Self::serve(None, usize::MAX).await
    }

    /// Cuts the first connection after so many messages.
    pub async fn cutting(messages: usize) -> Self {
        Self::serve(None, messages).await
    }

    /// Takes everything, over TLS.
    pub async fn secured(acceptor: TlsAcceptor) -> Self {
        Self::serve(Some(acceptor), usize::MAX).await
    }

    /// What was taken, once it is as it should be.
    pub async fn taken(&self, is_so: impl FnMut(&Taken) -> bool) -> Taken {
        let mut taken = self.taken.clone();
        let taken = timeout(LONG, taken.wait_for(is_so)).await;
        taken.expect("in time").unwrap().clone()
    }

    async fn serve(acceptor: Option<TlsAcceptor>, first: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, taken) = watch::channel(Taken::default());
        let sender = Arc::new(sender);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                sender.send_modify(|taken| taken.connections += 1);
                let most = match sender.borrow().connections {
                    1 => first,
                    _ => usize::MAX,
                };
                let (sender, acceptor) = (Arc::clone(&sender), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => connection(stream, &sender, most).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                connection(stream, &sender, most).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, taken }
    }
}

/// The line that a message brings.
pub fn line(message: &str) -> &str {
    message.splitn(8, ' ').nth(7).unwrap()
}

/// Takes up to so many messages.
async fn connection(stream: impl AsyncRead + Unpin, sender: &watch::Sender<Taken>, most: usize) {
    let mut stream = BufReader::new(stream);
    for _ in 0..most {
        let mut length = Vec::new();
        if stream.read_until(b' ', &mut length).await.unwrap_or(0) == 0 {
            return;
        }
        let length = std::str::from_utf8(&length).unwrap().trim_end();
        let mut message = vec![0; length.parse().unwrap()];
        if stream.read_exact(&mut message).await.is_err() {
            return;
        }
        let message = String::from_utf8(message).unwrap();
        sender.send_modify(|taken| taken.messages.push(message));
    }
}
