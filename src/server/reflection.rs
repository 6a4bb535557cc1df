//! gRPC reflection, so that grpcurl and the like need no proto files.

use tonic_reflection::server::{Builder, v1, v1alpha};

pub use tonic_reflection::server::Error;

use crate::pb;

/// Requests hold a name; anything longer is a mistake.
const MAX_REQUEST_BYTES: usize = 4096;

/// The service of today.
pub fn v1() -> Result<v1::ServerReflectionServer<impl v1::ServerReflection>, Error> {
    let service = builder().build_v1()?;
    Ok(service.max_decoding_message_size(MAX_REQUEST_BYTES))
}

/// The service that clients of today still ask for.
pub fn v1alpha() -> Result<v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection>, Error> {
    let service = builder().build_v1alpha()?;
    Ok(service.max_decoding_message_size(MAX_REQUEST_BYTES))
}

/// The error details are no part of our protocol's files, but without them a
/// client shows the details of a refusal as bytes.
fn builder() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use prost::Message;
    use tonic::service::Routes;
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::ServerReflectionResponse;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn both_versions_list_our_service_and_health() {
        for version in ["v1", "v1alpha"] {
            let answer = ask(version, MessageRequest::ListServices(String::new())).await;

            let MessageResponse::ListServicesResponse(list) = answer else {
                panic!("{version}: {answer:?}");
            };
            let names: Vec<String> = list.service.into_iter().map(|s| s.name).collect();
            for expected in [pb::SERVICE_NAME, "grpc.health.v1.Health"] {
                assert!(names.iter().any(|name| name == expected), "{names:?}");
            }
        }
    }

    #[tokio::test]
    async fn error_details_can_be_asked_for_by_name() {
        let symbol = "google.rpc.ErrorInfo".to_owned();

        let answer = ask("v1", MessageRequest::FileContainingSymbol(symbol)).await;

        assert!(
            matches!(answer, MessageResponse::FileDescriptorResponse(_)),
            "{answer:?}"
        );
    }

    /// The two versions have the same bytes on the wire.
    async fn ask(version: &str, question: MessageRequest) -> MessageResponse {
        let message = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(question),
        }
        .encode_to_vec();
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let request = http::Request::post(path)
            .header("content-type", "application/grpc")
            .body(tonic::body::Body::new(http_body_util::Full::from(frame)))
            .unwrap();

        let routes = Routes::default()
            .add_service(v1().unwrap())
            .add_service(v1alpha().unwrap())
            .prepare();
        let response = routes.oneshot(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        ServerReflectionResponse::decode(&bytes[5..])
            .unwrap()
            .message_response
            .unwrap()
    }
}
