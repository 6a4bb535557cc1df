//! The network under the SDK, in the hands of a test.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::Semaphore;

/// A request as it would have gone over the wire.
#[derive(Clone)]
pub struct Sent {
    pub host: String,
    pub operation: String,
    pub authorization: Option<String>,
    /// The names of the headers, in alphabetical order.
    pub headers: Vec<String>,
    pub body: Value,
}

type Respond = dyn Fn(&Sent) -> Option<(u16, Value)> + Send + Sync;

/// Keeps every request and answers it with a function.
#[derive(Clone)]
pub struct Wire {
    sent: Arc<Mutex<Vec<Sent>>>,
    abandoned: Arc<AtomicUsize>,
    respond: Arc<Respond>,
    held: Option<(&'static str, Arc<Semaphore>)>,
}

/// Counts a request that is dropped before it was answered.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wire {
    pub fn answering(respond: impl Fn(&Sent) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self::perhaps_answering(move |sent| Some(respond(sent)))
    }

    /// Answers an operation only when the gate has room for it.
    #[must_use]
    pub fn holding(mut self, operation: &'static str, gate: &Arc<Semaphore>) -> Self {
        self.held = Some((operation, Arc::clone(gate)));
        self
    }

    /// Never answers.
    pub fn silent() -> Self {
        Self::perhaps_answering(|_| None)
    }

    fn perhaps_answering(
        respond: impl Fn(&Sent) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Self {
        Self {
            sent: Arc::default(),
            abandoned: Arc::default(),
            respond: Arc::new(respond),
            held: None,
        }
    }

    /// Answers every request with what it was sent.
    pub fn echo() -> Self {
        Self::answering(|sent| (200, sent.body.clone()))
    }

    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// How many requests were given up before they were answered.
    pub fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::SeqCst)
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).map(str::to_owned);
        let target = header("x-amz-target").unwrap_or_default();
        let headers = request.headers().iter().map(|(name, _)| name.to_owned());
        let headers: BTreeSet<String> = headers.collect();
        let uri: http::Uri = request.uri().parse().unwrap();
        let sent = Sent {
            host: uri.host().unwrap().to_owned(),
            operation: target.rsplit('.').next().unwrap().to_owned(),
            authorization: header("authorization"),
            headers: headers.into_iter().collect(),
            body: serde_json::from_slice(request.body().bytes().unwrap()).unwrap(),
        };
        let answer = (self.respond)(&sent);
        let gate = match &self.held {
            Some((operation, gate)) if sent.operation == *operation => Some(Arc::clone(gate)),
            _ => None,
        };
        self.sent.lock().unwrap().push(sent);
        let Some((status, body)) = answer else {
            let waiting = Waiting(Arc::clone(&self.abandoned));
            return HttpConnectorFuture::new(async move {
                let _waiting = waiting;
                std::future::pending().await
            });
        };
        let mut response =
            HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()));
        let headers = response.headers_mut();
        headers.insert("content-type", "application/x-amz-json-1.1");
        headers.insert("x-amzn-requestid", "wire-1");
        HttpConnectorFuture::new(async move {
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            Ok(response)
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
