//! Puts the emulator under the AWS SDK, where the network would be.

use std::sync::Arc;

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};

use super::faults::Fate;
use super::{Emulator, Reply, reply};

/// An HTTP client for the AWS SDK whose every request the emulator answers.
///
/// ```
/// # use std::sync::Arc;
/// # use poolgate::{clock::Clock, emulator::{Connector, Emulator, Settings}};
/// let emulator = Arc::new(Emulator::new(Settings::default(), Clock::system()));
/// let http_client = Connector::new(emulator).into_http_client();
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

    /// The client as the SDK takes it.
    pub fn into_http_client(self) -> SharedHttpClient {
        SharedHttpClient::new(self)
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
        let (fate, slow) = (self.0.fate(&request), self.0.is_slow(&request));
        if !slow && !self.0.needs_keys(&request) && fate == Fate::default() {
            return HttpConnectorFuture::ready(for_sdk(self.0.handle(&request)));
        }
        let emulator = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let reply = emulator.reply(request, fate, slow, Emulator::handle);
            match reply.await {
                Reply::Whole(response) => for_sdk(response),
                Reply::Cut(response) => for_sdk(response.map(SdkBody::from_body_1_x)),
                Reply::Lost => Err(ConnectorError::io(reply::lost().into())),
            }
        })
    }
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

fn for_sdk(response: Response<impl Into<SdkBody>>) -> Result<HttpResponse, ConnectorError> {
    HttpResponse::try_from(response.map(Into::into))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_sdk_cognitoidentity::config::retry::RetryConfig;
    use aws_sdk_cognitoidentity::config::{BehaviorVersion, Region};
    use aws_sdk_cognitoidentity::error::ProvideErrorMetadata;
    use aws_sdk_cognitoidentity::operation::RequestId;
    use aws_sdk_cognitoidentity::{Client, Config};
    use aws_smithy_runtime_api::client::http::SharedHttpClient;
    use serde_json::json;

    use super::*;
    use crate::emulator::Rules;
    use crate::emulator::tests::{NOW, REGION, ROLE, World, claims};

    #[tokio::test]
    async fn the_sdk_makes_a_pool_and_gets_it_back() {
        let client = client(&World::new());

        let made = client
            .create_identity_pool()
            .identity_pool_name("pool")
            .allow_unauthenticated_identities(true)
            .allow_classic_flow(false)
            .identity_pool_tags("a", "b")
            .send()
            .await
            .unwrap();

        assert!(made.identity_pool_id().starts_with("eu-west-1:"));
        assert!(made.request_id().is_some());
        let described = client
            .describe_identity_pool()
            .identity_pool_id(made.identity_pool_id())
            .send()
            .await
            .unwrap();
        assert_eq!(described.identity_pool_name(), "pool");
        assert_eq!(described.allow_classic_flow(), Some(false));
        assert_eq!(described.identity_pool_tags().unwrap()["a"], "b");
        assert!(described.supported_login_providers().is_none());
    }

    #[tokio::test]
    async fn the_sdk_reads_dates_credentials_and_tokens() {
        let world = World::new();
        let client = client(&world);
        let pool = world.pool(json!({}));
        let id = client
            .get_id()
            .identity_pool_id(&pool)
            .send()
            .await
            .unwrap()
            .identity_id
            .unwrap();

        let described = client.describe_identity().identity_id(&id).send().await;
        let credentials = client
            .get_credentials_for_identity()
            .identity_id(&id)
            .send()
            .await;
        let token = client.get_open_id_token().identity_id(&id).send().await;

        let created = *described.unwrap().creation_date().unwrap();
        assert_eq!(created.secs(), i64::try_from(NOW).unwrap());
        let credentials = credentials.unwrap().credentials.unwrap();
        let expiration = *credentials.expiration().unwrap();
        assert_eq!(expiration.secs(), i64::try_from(NOW + 3600).unwrap());
        let token = json!(token.unwrap().token().unwrap());
        assert_eq!(claims(&token)["sub"], id);
    }

    #[tokio::test]
    async fn the_sdk_reads_modelled_errors_and_others() {
        let client = client(&World::new());

        let missing = client
            .describe_identity_pool()
            .identity_pool_id("eu-west-1:00000000-0000-4000-8000-000000000000")
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        let invalid = client
            .describe_identity_pool()
            .identity_pool_id("nonsense")
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        let denied = client
            .list_tags_for_resource()
            .resource_arn("eu-west-1:00000000-0000-4000-8000-000000000000")
            .send()
            .await
            .unwrap_err()
            .into_service_error();

        assert!(missing.is_resource_not_found_exception());
        assert!(missing.meta().request_id().is_some());
        assert_eq!(invalid.code(), Some("ValidationException"));
        assert!(invalid.message().unwrap().starts_with("1 validation error"));
        assert_eq!(denied.code(), Some("AccessDeniedException"));
        assert!(denied.message().unwrap().starts_with("User: "));
    }

    #[tokio::test]
    async fn the_sdks_paginator_walks_through_all_pools() {
        let world = World::new();
        for _ in 0..5 {
            world.pool(json!({}));
        }

        let pools: Vec<_> = client(&world)
            .list_identity_pools()
            .max_results(2)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<_, _>>()
            .await
            .unwrap();

        assert_eq!(pools.len(), 5);
    }

    #[tokio::test]
    async fn operations_without_output_succeed() {
        let world = World::new();
        let client = client(&world);
        let pool = world.pool(json!({}));

        client
            .set_identity_pool_roles()
            .identity_pool_id(&pool)
            .roles("authenticated", ROLE)
            .send()
            .await
            .unwrap();
        client
            .delete_identity_pool()
            .identity_pool_id(&pool)
            .send()
            .await
            .unwrap();
    }

    #[tokio::test(flavor = "current_thread")]
    async fn generating_the_key_does_not_hold_up_others() {
        let world = World::new();
        let client = client(&world);
        let pool = world.pool(json!({}));
        let guest = world.identity(&pool, json!({}));

        let token = tokio::spawn(client.get_open_id_token().identity_id(&guest).send());
        tokio::task::yield_now().await;
        let described = client.describe_identity().identity_id(&guest).send().await;

        assert!(described.is_ok());
        assert!(!token.is_finished(), "the key takes longer than a read");
        assert!(token.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn the_sdk_sees_a_lost_connection_a_broken_answer_and_an_error_of_aws() {
        let world = World::new();
        for (rule, seen) in [
            (json!({"fault": "lose-answer"}), "dispatch failure"),
            (json!({"fault": "lose-request"}), "dispatch failure"),
            (json!({"fault": "cut-answer"}), "response error"),
            (json!({"fault": "throttle"}), "service error"),
        ] {
            let rules = Rules::of_json(&json!({"rules": [rule]})).unwrap();
            world.emulator.set_faults(rules);

            let list = client(&world).list_identity_pools().max_results(1).send();
            let error = list.await.unwrap_err();

            assert_eq!(error.to_string(), seen, "{rule}");
        }
        assert_eq!(world.emulator.faults()["rules"][0]["hit"], 1);
    }

    fn client(world: &World) -> Client {
        let connector = Connector::new(Arc::clone(&world.emulator));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .retry_config(RetryConfig::disabled())
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(SharedHttpClient::new(connector))
            .build();
        Client::from_conf(config)
    }
}
