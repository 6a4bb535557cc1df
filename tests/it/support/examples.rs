//! A request of every operation that AWS's model accepts, and a way to make any
//! call generically.

use http_body_util::{BodyExt, Full};
use poolgate::operation::Operation;
use poolgate::pb;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tonic::Status;
use tonic::body::Body;
use tower::ServiceExt;

use super::app::App;

const POOL: &str = "us-east-1:11111111-1111-4111-8111-111111111111";
const IDENTITY: &str = "us-east-1:22222222-2222-4222-8222-222222222222";
const ARN: &str = "arn:aws:cognito-identity:us-east-1:123456789012:identitypool/us-east-1:11111111-1111-4111-8111-111111111111";

/// A request for a pool of this name, and nothing else that matters.
pub fn pool_named(name: &str) -> pb::CreateIdentityPoolRequest {
    pb::CreateIdentityPoolRequest {
        identity_pool_name: name.to_owned(),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    }
}

/// A request in proto3 JSON.
pub fn request(operation: Operation) -> Value {
    match operation {
        Operation::CreateIdentityPool => {
            json!({"identity_pool_name": "p", "allow_unauthenticated_identities": false})
        }
        Operation::UpdateIdentityPool => json!({"identity_pool": {
            "identity_pool_id": POOL, "identity_pool_name": "p", "allow_unauthenticated_identities": false,
        }}),
        Operation::DescribeIdentityPool
        | Operation::DeleteIdentityPool
        | Operation::GetIdentityPoolRoles
        | Operation::SetIdentityPoolRoles
        | Operation::ListIdentities
        | Operation::LookupDeveloperIdentity
        | Operation::GetId => json!({"identity_pool_id": POOL}),
        Operation::ListIdentityPools => json!({}),
        Operation::GetPrincipalTagAttributeMap | Operation::SetPrincipalTagAttributeMap => {
            json!({"identity_pool_id": POOL, "identity_provider_name": "accounts.google.com"})
        }
        Operation::TagResource | Operation::UntagResource | Operation::ListTagsForResource => {
            json!({"resource_arn": ARN})
        }
        Operation::GetOpenIdToken
        | Operation::GetCredentialsForIdentity
        | Operation::UnlinkIdentity
        | Operation::DescribeIdentity => json!({"identity_id": IDENTITY}),
        Operation::GetOpenIdTokenForDeveloperIdentity => {
            json!({"identity_pool_id": POOL, "logins": {"login.example.com": "user"}})
        }
        Operation::MergeDeveloperIdentities => json!({
            "identity_pool_id": POOL, "developer_provider_name": "login.example.com",
            "source_user_identifier": "a", "destination_user_identifier": "b",
        }),
        Operation::UnlinkDeveloperIdentity => json!({
            "identity_pool_id": POOL, "identity_id": IDENTITY,
            "developer_provider_name": "login.example.com", "developer_user_identifier": "a",
        }),
        Operation::DeleteIdentities => json!({"identity_ids_to_delete": [IDENTITY]}),
    }
}

/// Makes a call with a request in proto3 JSON and returns the response in proto3
/// JSON.
pub async fn call(app: &App, operation: Operation, request: &Value) -> Result<Value, Status> {
    call_on(app.stack.clone(), operation, request).await
}

/// The same over any gRPC service, such as a connection.
pub async fn call_on<S, B>(
    service: S,
    operation: Operation,
    request: &Value,
) -> Result<Value, Status>
where
    S: tower::Service<http::Request<Body>, Response = http::Response<B>, Error: std::fmt::Debug>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let name = |kind| format!("cognito.identity.v1.{operation}{kind}");
    let descriptor = pb::descriptors()
        .get_message_by_name(&name("Request"))
        .unwrap();
    let message = DynamicMessage::deserialize(descriptor, request).unwrap();
    let bytes = send_bytes(service, operation.path(), &frame(&message.encode_to_vec())).await?;
    let descriptor = pb::descriptors()
        .get_message_by_name(&name("Response"))
        .unwrap();
    let response = DynamicMessage::decode(descriptor, &bytes[5..]).unwrap();
    let options = prost_reflect::SerializeOptions::new().use_proto_field_name(true);
    Ok(response
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap())
}

/// A message as gRPC frames it.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// Makes a call with any bytes.
pub async fn call_bytes(app: &App, path: &str, body: &[u8]) -> Result<Vec<u8>, Status> {
    send_bytes(app.stack.clone(), path, body).await
}

async fn send_bytes<S, B>(service: S, path: &str, body: &[u8]) -> Result<Vec<u8>, Status>
where
    S: tower::Service<http::Request<Body>, Response = http::Response<B>, Error: std::fmt::Debug>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::from(body.to_vec())))
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    if let Some(status) = Status::from_header_map(response.headers()) {
        return Err(status);
    }
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    match Status::from_header_map(&trailers) {
        Some(status) if status.code() != tonic::Code::Ok => Err(status),
        _ => Ok(collected.to_bytes().to_vec()),
    }
}
