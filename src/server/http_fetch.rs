//! Fetches documents over HTTP.
//!
//! Redirects are not followed, so that a document comes from where the operator said
//! and from nowhere else.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;

use crate::fetch::{self, Document, Fetch};

/// An HTTP client that gets documents.
pub(super) struct HttpFetch {
    client: OnceCell<HttpClient>,
    timeout: Duration,
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

impl HttpFetch {
    /// A client that trusts the system's certificates, which are read when the first
    /// document is fetched, and gives a server this long.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            client: OnceCell::new(),
            timeout,
        }
    }

    async fn client(&self) -> Result<&HttpClient, String> {
        let made = self.client.get_or_try_init(async || {
            let made = tokio::task::spawn_blocking(client).await;
            made.unwrap_or_else(|error| Err(io::Error::other(error)))
        });
        made.await
            .map_err(|error| format!("cannot read the system's certificates: {error}"))
    }

    async fn get(&self, url: &str) -> Result<Document, String> {
        fetch::check_url(url)?;
        let url: Uri = url.parse().map_err(|_| "not a URL".to_owned())?;
        let client = self.client().await?;
        let response = client.get(url).await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("answered with {}", response.status()));
        }
        let max_age = max_age(response.headers());
        let body = Limited::new(response.into_body(), fetch::MOST_BYTES)
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes();
        Ok(Document { body, max_age })
    }
}

impl Fetch for HttpFetch {
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Document, String>> {
        Box::pin(async move {
            tokio::time::timeout(self.timeout, self.get(url))
                .await
                .unwrap_or_else(|_| Err("no answer in time".to_owned()))
        })
    }
}

fn client() -> io::Result<HttpClient> {
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// The first `max-age`, unless the answer is not to be kept at all.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).into_iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    let directives = || lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    let is = |directive: &str, name: &str| directive.eq_ignore_ascii_case(name);
    if directives().any(|directive| is(directive, "no-store") || is(directive, "no-cache")) {
        return Some(Duration::ZERO);
    }
    directives()
        .filter_map(|directive| directive.split_once('='))
        .find(|(name, _)| is(name, "max-age"))
        .and_then(|(_, seconds)| seconds.trim_matches('"').parse().ok())
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(2);

    #[tokio::test]
    async fn a_document_is_fetched_with_the_time_it_may_be_kept() {
        for (header, max_age) in [
            ("", None),
            ("cache-control: public, Max-Age=600\r\n", Some(600)),
            ("cache-control: max-age=\"60\"\r\n", Some(60)),
            ("cache-control: max-age=600, no-store\r\n", Some(0)),
            ("cache-control: s-maxage=7\r\n", None),
            ("cache-control: max-age=-1\r\n", None),
        ] {
            let answer =
                format!("HTTP/1.1 200 OK\r\n{header}content-length: 11\r\n\r\n{{\"keys\":[]}}");
            let expected = Document {
                body: Bytes::from("{\"keys\":[]}"),
                max_age: max_age.map(Duration::from_secs),
            };

            assert_eq!(fetch(&answer).await, Ok(expected), "{header}");
        }
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

    #[tokio::test]
    async fn other_machines_are_not_asked_without_tls() {
        let client = HttpFetch::new(TIMEOUT);

        let answer = client.fetch("http://169.254.169.254/keys").await;

        let says = "not an https URL, nor an http URL of this machine";
        assert_eq!(answer, Err(says.to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_answer_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());

        let answer = HttpFetch::new(TIMEOUT).fetch(&url).await;

        assert_eq!(answer, Err("no answer in time".to_owned()));
    }

    async fn fetch(answer: &str) -> Result<Document, String> {
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
        HttpFetch::new(TIMEOUT).fetch(&url).await
    }
}
