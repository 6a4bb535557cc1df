//! Puts the emulator under the AWS SDK, where the network would be.

use std::sync::Arc;

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};

use super::{Emulator, protocol};
use crate::operation::Operation;

/// An HTTP client for the AWS SDK whose every request the emulator answers.
///
/// ```
/// # use std::sync::Arc;
/// # use aws_smithy_runtime_api::client::http::SharedHttpClient;
/// # use poolgate::{clock::Clock, emulator::{Connector, Emulator, Settings}};
/// let emulator = Arc::new(Emulator::new(Settings::default(), Clock::system()));
/// let client = SharedHttpClient::new(Connector::new(emulator));
/// ```
#[derive(Clone, Debug)]
pub struct Connector(SharedHttpConnector);

#[derive(Debug)]
struct InProcess(Arc<Emulator>);

impl Connector {
    /// A client of this emulator.
    pub fn new(emulator: Arc<Emulator>) -> Self {
        Self(SharedHttpConnector::new(InProcess(emulator)))
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.clone()
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("emulator", None))
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match plain(request) {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(error)),
        };
        if !signs_a_token(&request) {
            return HttpConnectorFuture::ready(for_sdk(self.0.handle(&request)));
        }
        let emulator = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let answer = tokio::task::spawn_blocking(move || emulator.handle(&request))
                .await
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            for_sdk(answer)
        })
    }
}

/// Signing takes a millisecond, and the first time a key has to be generated, which
/// takes some hundred: too long for a thread that serves others.
fn signs_a_token(request: &Request<Bytes>) -> bool {
    matches!(
        protocol::operation(request),
        Some(Operation::GetOpenIdToken | Operation::GetOpenIdTokenForDeveloperIdentity)
    )
}

fn plain(request: HttpRequest) -> Result<Request<Bytes>, ConnectorError> {
    let (head, body) = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?
        .into_parts();
    let body = body
        .bytes()
        .map(Bytes::copy_from_slice)
        .ok_or_else(|| ConnectorError::user("the emulator takes no streaming body".into()))?;
    Ok(Request::from_parts(head, body))
}

fn for_sdk(response: Response<Bytes>) -> Result<HttpResponse, ConnectorError> {
    HttpResponse::try_from(response.map(SdkBody::from))
        .map_err(|error| ConnectorError::other(error.into(), None))
}
