//! The protocol: generated messages, client and server, and the descriptors.
//!
//! Messages that carry secrets (`debug_redact` in the proto) have a `Debug` that
//! prints their name only.

use std::fmt;
use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::expect_used,
    clippy::unwrap_used
)]
mod generated {
    tonic::include_proto!("cognito.identity.v1");
}

pub use generated::*;

/// The compiled protocol with comments, as served by reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

/// The protocol's full service name.
pub const SERVICE_NAME: &str = "cognito.identity.v1.CognitoIdentityService";

/// The descriptors of the protocol, with those of `google.rpc` error details and
/// of the health service, for everything that works on messages generically.
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        let mut pool = DescriptorPool::new();
        for set in [
            FILE_DESCRIPTOR_SET,
            tonic_types::pb::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
        ] {
            #[expect(
                clippy::expect_used,
                reason = "the sets are compiled into the binary and decoded by a test"
            )]
            pool.decode_file_descriptor_set(set)
                .expect("descriptors built into the binary are valid");
        }
        pool
    });
    &POOL
}

macro_rules! secret_debug {
    ($message:ident) => {
        impl fmt::Debug for $message {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct(stringify!($message))
                    .finish_non_exhaustive()
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/secret_debug.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_with_secrets_do_not_print_them() {
        let credentials = Credentials {
            secret_key: "s3cret".to_owned(),
            ..Default::default()
        };
        let response = GetCredentialsForIdentityResponse {
            identity_id: "eu-west-1:0a".to_owned(),
            credentials: Some(credentials),
        };

        assert_eq!(
            format!("{response:?}"),
            r#"GetCredentialsForIdentityResponse { identity_id: "eu-west-1:0a", credentials: Some(Credentials { .. }) }"#
        );
        assert_eq!(
            format!("{:?}", GetIdRequest::default()),
            "GetIdRequest { .. }"
        );
    }

    #[test]
    fn the_descriptors_hold_the_protocol_the_error_details_and_health() {
        for name in [
            "cognito.identity.v1.IdentityPool",
            "google.rpc.ErrorInfo",
            "grpc.health.v1.HealthCheckRequest",
        ] {
            assert!(descriptors().get_message_by_name(name).is_some(), "{name}");
        }
    }
}
