//! Fetches the keys of login providers over HTTP.
//!
//! Redirects are not followed, so that keys come from where the operator said and
//! from nowhere else.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::emulator::KeySource;

/// Shorter than the SDK waits for an answer of the emulator.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The largest key set.
const MOST_BYTES: usize = 512 * 1024;

/// An HTTP client that gets key sets.
pub(super) struct HttpKeySource(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl HttpKeySource {
    /// A client that trusts the system's certificates.
    pub(super) fn new() -> io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    async fn get(&self, url: &str) -> Result<Bytes, String> {
        let url: Uri = url.parse().map_err(|_| "not a URL".to_owned())?;
        let response = self.0.get(url).await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("answered with {}", response.status()));
        }
        Limited::new(response.into_body(), MOST_BYTES)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .map_err(|error| error.to_string())
    }
}

impl KeySource for HttpKeySource {
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Bytes, String>> {
        Box::pin(async move {
            tokio::time::timeout(TIMEOUT, self.get(url))
                .await
                .unwrap_or_else(|_| Err("no answer in time".to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_key_set_is_fetched() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}";

        assert_eq!(fetch(answer).await, Ok(Bytes::from("{\"keys\":[]}")));
    }

    #[tokio::test]
    async fn redirects_errors_and_endless_answers_are_refused() {
        let endless = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 600000\r\n\r\n{}",
            " ".repeat(600_000)
        );
        for (answer, says) in [
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
                "answered with 302 Found",
            ),
            (
                "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n",
                "answered with 500 Internal Server Error",
            ),
            (&endless, "length limit exceeded"),
        ] {
            assert_eq!(fetch(answer).await, Err(says.to_owned()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_does_not_answer_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());

        let answer = HttpKeySource::new().unwrap().fetch(&url).await;

        assert_eq!(answer, Err("no answer in time".to_owned()));
    }

    async fn fetch(answer: &str) -> Result<Bytes, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answer = answer.to_owned();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            // The client may hang up before it has read all.
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        HttpKeySource::new().unwrap().fetch(&url).await
    }
}
