//! The ways to the emulator.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::{BehaviorVersion, Config, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use poolgate::emulator::{Connector, Emulator};
use poolgate::operation::Operation;
use poolgate::server::aws_port::{self, AwsPort};
use poolgate::server::{Settings, stack};
use poolgate::telemetry::Metrics;
use poolgate::{pb, upstream};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::Status;
use tonic_types::StatusExt;

use super::aws_json::{pascal, to_aws, to_proto};
use super::sdk::with_the_sdk;
use super::world::{REGION, Refused};
use crate::support::app::App;
use crate::support::examples::call_on;

/// A whole minute, because a key is generated once.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to the emulator.
pub enum Over {
    /// poolgate with all its layers, and the SDK below.
    Grpc(Box<stack::Stack>),
    /// The SDK in process.
    Sdk(Client),
    /// A socket.
    Http {
        client: Box<legacy::Client<HttpConnector, Full<Bytes>>>,
        address: String,
        _port: AwsPort,
    },
}

impl Over {
    pub fn grpc(emulator: Arc<Emulator>) -> BoxFuture<'static, Self> {
        let settings = Settings {
            default_deadline: PATIENCE,
            ..Settings::default()
        };
        let upstream = upstream::Settings {
            region: REGION.to_owned(),
            read_attempt_timeout: PATIENCE,
            write_attempt_timeout: PATIENCE,
            issue_attempt_timeout: PATIENCE,
            operation_timeout: PATIENCE,
            ..upstream::Settings::default()
        };
        let http_client = SharedHttpClient::new(Connector::new(emulator));
        App::with(settings, upstream, http_client)
            .map(|app| Self::Grpc(Box::new(app.stack)))
            .boxed()
    }

    pub fn sdk(emulator: Arc<Emulator>) -> BoxFuture<'static, Self> {
        let keys = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(keys)
            .http_client(Connector::new(emulator).into_http_client())
            .build();
        std::future::ready(Self::Sdk(Client::from_conf(config))).boxed()
    }

    pub fn http(emulator: Arc<Emulator>) -> BoxFuture<'static, Self> {
        async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            Self::Http {
                client: Box::new(legacy::Client::builder(TokioExecutor::new()).build_http()),
                address,
                _port: aws_port::serve(listener, emulator, Arc::new(Metrics::new())),
            }
        }
        .boxed()
    }

    /// Makes a call in AWS's JSON.
    pub async fn call(&self, operation: Operation, body: &Value) -> Result<Value, Refused> {
        match self {
            Self::Grpc(stack) => {
                let request = proto_request(operation, body);
                let answer = call_on(stack.as_ref().clone(), operation, &request).await;
                let answer = answer.map_err(|status| refused(&status))?;
                Ok(aws_answer(operation, &answer))
            }
            Self::Sdk(client) => {
                let request = proto_request(operation, body);
                let request = DynamicMessage::deserialize(message(operation, "Request"), request);
                let bytes = request.unwrap().encode_to_vec();
                let answer = with_the_sdk(client, operation, &bytes).await?;
                let answer = DynamicMessage::decode(message(operation, "Response"), &answer[..]);
                let options = SerializeOptions::new().use_proto_field_name(true);
                let answer = answer.unwrap();
                let answer = answer.serialize_with_options(serde_json::value::Serializer, &options);
                Ok(aws_answer(operation, &answer.unwrap()))
            }
            Self::Http {
                client, address, ..
            } => {
                let response = client
                    .request(request(operation, address, body))
                    .await
                    .unwrap();
                let status = response.status();
                let bytes = response.into_body().collect().await.unwrap().to_bytes();
                let answer: Value = match bytes.is_empty() {
                    true => serde_json::json!({}),
                    false => serde_json::from_slice(&bytes).unwrap(),
                };
                let member = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
                match status.is_success() {
                    true => Ok(answer),
                    false => Err(Refused {
                        kind: member("__type"),
                        message: member("message"),
                    }),
                }
            }
        }
    }
}

fn message(operation: Operation, kind: &str) -> MessageDescriptor {
    let name = format!("cognito.identity.v1.{operation}{kind}");
    pb::descriptors().get_message_by_name(&name).unwrap()
}

fn proto_request(operation: Operation, body: &Value) -> Value {
    if operation != Operation::UpdateIdentityPool {
        return to_proto(&message(operation, "Request"), body);
    }
    let pool = pb::descriptors().get_message_by_name("cognito.identity.v1.IdentityPool");
    serde_json::json!({"identity_pool": to_proto(&pool.unwrap(), body)})
}

/// The three operations that answer with a pool have it in a field of its own.
fn aws_answer(operation: Operation, answer: &Value) -> Value {
    let answer = to_aws(&message(operation, "Response"), answer);
    answer.get("IdentityPool").cloned().unwrap_or(answer)
}

/// AWS's error, read from what gRPC tells of it.
fn refused(status: &Status) -> Refused {
    let info = status.get_details_error_info().unwrap();
    Refused {
        kind: format!("{}Exception", pascal(&info.reason.to_lowercase())),
        message: status.message().to_owned(),
    }
}

fn request(operation: Operation, address: &str, body: &Value) -> http::Request<Full<Bytes>> {
    let scope = format!("AKIA/20270101/{REGION}/cognito-identity/aws4_request");
    http::Request::post(format!("http://{address}/"))
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            format!("AWSCognitoIdentityService.{operation}"),
        )
        .header("x-amz-date", "20270101T000000Z")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        )
        .body(Full::from(body.to_string()))
        .unwrap()
}
