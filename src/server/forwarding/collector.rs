//! A collector that takes OTLP over HTTP.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tokio::time::timeout;

use crate::audit::forward::{Failed, Line, judge, request};
use crate::clock::Clock;
use crate::header_file;

/// How long a request may take (the default of OTLP's exporters).
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// How much of an answer is read, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// The encoding of requests, and of answers.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A collector.
pub(super) struct Collector {
    uri: Uri,
    client: HttpClient,
    headers: HeaderMap,
    headers_file: Option<PathBuf>,
    clock: Clock,
}

enum HttpClient {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Secured(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Collector {
    /// With TLS where it is said whom to trust. The headers are those in the file, which is
    /// read again when they are refused.
    pub(super) fn new(
        uri: &Uri,
        trust: Option<&Arc<ClientConfig>>,
        headers: &HeaderMap,
        headers_file: Option<&Path>,
        clock: &Clock,
    ) -> Self {
        let builder = Client::builder(TokioExecutor::new());
        let client = match trust {
            None => HttpClient::Plain(builder.build(HttpConnector::new())),
            Some(trust) => {
                let connector = HttpsConnectorBuilder::new()
                    .with_tls_config(ClientConfig::clone(trust))
                    .https_or_http()
                    .enable_http1()
                    .build();
                HttpClient::Secured(builder.build(connector))
            }
        };
        Self {
            uri: uri.clone(),
            client,
            headers: headers.clone(),
            headers_file: headers_file.map(Path::to_owned),
            clock: clock.clone(),
        }
    }

    /// Sends lines, and tells how many the collector rejects.
    pub(super) async fn send(&mut self, lines: &[Line]) -> Result<u64, Failed> {
        let sent = timeout(ANSWERED_WITHIN, self.request(lines))
            .await
            .unwrap_or_else(|_| Err(Failed::later("no answer in time")));
        if let Err(Failed::Later { .. }) = &sent {
            self.read_headers().await;
        }
        sent
    }

    async fn request(&self, lines: &[Line]) -> Result<u64, Failed> {
        let body = request(lines, self.clock.now()).map_err(Failed::later)?;
        let mut request = Request::post(self.uri.clone())
            .body(Full::new(Bytes::from(body)))
            .map_err(Failed::later)?;
        request.headers_mut().clone_from(&self.headers);
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        let answered = match &self.client {
            HttpClient::Plain(client) => client.request(request).await,
            HttpClient::Secured(client) => client.request(request).await,
        };
        let (head, body) = answered.map_err(|error| failed(&error))?.into_parts();
        // An answer that is cut or too long still has its status.
        let body = Limited::new(body, MOST_BYTES).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
        judge(head.status, &head.headers, &body, self.clock.now())
    }

    /// Somebody may have mended the file. One with a mistake changes nothing.
    async fn read_headers(&mut self) {
        let Some(path) = self.headers_file.clone() else {
            return;
        };
        match tokio::task::spawn_blocking(move || header_file::read(&path)).await {
            Ok(Ok(headers)) => self.headers = headers,
            Ok(Err(reason)) => {
                tracing::warn!(reason, "the headers of audit lines stay as they were");
            }
            Err(_) => {}
        }
    }
}

/// With what is below, because hyper's own words say little.
fn failed(error: &dyn Error) -> Failed {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        reason.push_str(": ");
        reason.push_str(&error.to_string());
        source = error.source();
    }
    Failed::later(reason)
}
