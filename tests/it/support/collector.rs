//! A collector that takes logs over OTLP/HTTP on a real socket, and answers as a test wants.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::house::LONG;

/// What is answered.
#[derive(Clone, Default)]
pub struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<&'static str>,
    pub body: &'static str,
}

/// A request, and how it was answered.
#[derive(Clone)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
    pub at: Instant,
    pub status: StatusCode,
}

type Decide = dyn Fn(usize, &Asked) -> Answer + Send + Sync;

/// A collector at work.
pub struct Collector {
    pub port: u16,
    asked: watch::Receiver<Vec<Asked>>,
}

impl Answer {
    pub fn ok() -> Self {
        Self::default()
    }

    pub fn status(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            ..Self::default()
        }
    }
}

impl Asked {
    /// The lines that it brings.
    pub fn lines(&self) -> Vec<String> {
        let records = self.records().iter();
        records
            .map(|record| record["body"]["stringValue"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn records(&self) -> &[Value] {
        let scope = &self.body["resourceLogs"][0]["scopeLogs"][0];
        scope["logRecords"].as_array().unwrap()
    }
}

impl Collector {
    /// Takes everything.
    pub async fn start() -> Self {
        Self::deciding(|_, _| Answer::ok()).await
    }

    /// Answers each request, by its number from 0, as it is decided.
    pub async fn deciding(
        decide: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, None, Arc::new(decide))
    }

    /// Takes everything, on a socket that nobody has listened on so far.
    pub fn on(socket: TcpSocket) -> Self {
        let listener = socket.listen(128).unwrap();
        Self::serve(listener, None, Arc::new(|_, _| Answer::ok()))
    }

    /// Takes everything, over TLS.
    pub async fn secured(acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, Some(acceptor), Arc::new(|_, _| Answer::ok()))
    }

    /// Where it is, as a target.
    pub fn target(&self) -> String {
        format!("otlp+http://127.0.0.1:{}", self.port)
    }

    /// All requests, once they are as they should be.
    pub async fn asked(&self, is_so: impl FnMut(&Vec<Asked>) -> bool) -> Vec<Asked> {
        let mut asked = self.asked.clone();
        let asked = timeout(LONG, asked.wait_for(is_so)).await;
        asked.expect("in time").unwrap().clone()
    }

    /// The lines that it took, once they are as they should be.
    pub async fn lines(&self, mut is_so: impl FnMut(&[String]) -> bool) -> Vec<String> {
        taken(&self.asked(|asked| is_so(&taken(asked))).await)
    }

    /// The lines that it took up to now.
    pub fn lines_now(&self) -> Vec<String> {
        taken(&self.asked.borrow())
    }

    fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, decide: Arc<Decide>) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (sender, asked) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, decide) = (Arc::clone(&sender), Arc::clone(&decide));
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        None => connection(stream, sender, decide).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                connection(stream, sender, decide).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, asked }
    }
}

/// The lines of requests that were taken.
fn taken(asked: &[Asked]) -> Vec<String> {
    let taken = asked.iter().filter(|asked| asked.status.is_success());
    taken.flat_map(Asked::lines).collect()
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    sender: Arc<watch::Sender<Vec<Asked>>>,
    decide: Arc<Decide>,
) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (sender, decide) = (Arc::clone(&sender), Arc::clone(&decide));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let mut asked = Asked {
                path: head.uri.path().to_owned(),
                headers: head.headers,
                body: serde_json::from_slice(&body).unwrap(),
                at: Instant::now(),
                status: StatusCode::OK,
            };
            let number = sender.borrow().len();
            let answer = decide(number, &asked);
            asked.status = answer.status;
            sender.send_modify(|all| all.push(asked));
            let mut response = Response::builder()
                .status(answer.status)
                .header(CONTENT_TYPE, "application/json");
            if let Some(after) = answer.retry_after {
                response = response.header(RETRY_AFTER, after);
            }
            let response = response.body(Full::new(Bytes::from(answer.body)));
            Ok::<_, Infallible>(response.unwrap())
        }
    });
    // Whoever asks may go away.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
