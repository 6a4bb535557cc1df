//! TLS on the gRPC listener.

use super::Name;

/// When the certificate expires.
pub const CERTIFICATE_EXPIRY: Name = Name {
    name: "poolgate_tls_certificate_expiry_timestamp_seconds",
    kind: "gauge",
    labels: &[],
    meaning: "When the server's certificate that is in use expires, in seconds since 1970; absent without TLS.",
};
