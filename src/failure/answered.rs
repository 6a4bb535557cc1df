//! What AWS answered, or was lost of it.

use super::Private;

/// What is known about an answer that was lost or cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// The HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// AWS's identifier of the request, where there was one.
    pub aws_request_id: Option<String>,
    /// What went wrong, for our log only.
    pub cause: String,
}

/// An error that AWS answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// AWS's code, such as `ResourceNotFoundException`.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// What of it callers are not told.
    pub private: Private,
    /// AWS's identifier of the request.
    pub request_id: Option<String>,
    /// The HTTP status.
    pub http_status: u16,
}
