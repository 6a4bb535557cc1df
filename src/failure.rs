//! Every way a call can fail. No gRPC here: `status` is the only file that turns
//! a failure into a status.

use crate::model;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The path is not one of ours.
    #[error("unknown method")]
    UnknownMethod,
    /// `grpc-timeout` cannot be read.
    #[error("`grpc-timeout` is 1 to 8 digits and one of the units H, M, S, m, u, n")]
    InvalidTimeout,
    /// The body is not exactly one message of the request's type.
    #[error("the request cannot be read: {0}")]
    MalformedMessage(String),
    /// The message is compressed.
    #[error("compressed messages are not accepted; send `grpc-encoding: identity`")]
    CompressedMessage,
    /// The message is larger than we accept.
    #[error("the message is larger than {limit} bytes")]
    MessageTooLarge {
        /// The most bytes we accept.
        limit: usize,
    },
    /// Fields break AWS's model, or a rule of ours.
    #[error("{message}")]
    InvalidFields {
        /// All of it in one sentence, as AWS words it where AWS has words.
        message: String,
        /// Each field and what is wrong with it.
        violations: Vec<FieldViolation>,
    },
    /// The resource is in a region calls may not go to.
    #[error("the region `{region}` is not one of `upstream.regions`")]
    UnknownRegion {
        /// The region of the resource.
        region: String,
    },
    /// The deadline passed before anything was changed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The deadline passed while a write was under way.
    #[error("the deadline passed while AWS was asked to make the change; it may have been made")]
    DeadlineExceededInDoubt,
    /// The answer to a write was lost.
    #[error("AWS's answer was lost ({0}); the change may have been made")]
    OutcomeUnknown(String),
    /// A change of a pool met other changes of the same pool too often.
    #[error("the pool was changed by others {attempts} times while this change was applied")]
    Contended {
        /// How often the change was tried.
        attempts: u32,
    },
    /// A mask asks to clear or change a developer provider name that is set.
    #[error("a developer provider name cannot be changed or cleared once it is set")]
    DeveloperProviderNameFixed,
    /// AWS answered with an error.
    #[error("{}: {}", .0.code, .0.message)]
    Aws(AwsError),
    /// AWS could not be reached; nothing was sent.
    #[error("Amazon Cognito Identity cannot be reached")]
    Unreachable,
    /// AWS did not answer in time.
    #[error("Amazon Cognito Identity did not answer in time")]
    UpstreamTimeout,
    /// AWS's answer to a read could not be used.
    #[error("the answer of Amazon Cognito Identity could not be read")]
    UnreadableAnswer {
        /// The HTTP status, where there was one.
        http_status: Option<u16>,
    },
    /// poolgate has no usable AWS credentials.
    #[error("poolgate has no valid AWS credentials for this call")]
    BackendCredentials {
        /// AWS's error code, where AWS refused them.
        code: Option<String>,
    },
    /// poolgate itself failed.
    #[error("poolgate failed")]
    Internal {
        /// What went wrong, for our log only.
        cause: String,
    },
}

/// One field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path in the proto.
    pub field: String,
    /// What is wrong.
    pub description: String,
}

/// An error that AWS answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// AWS's code, such as `ResourceNotFoundException`.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's identifier of the request.
    pub request_id: Option<String>,
    /// The HTTP status.
    pub http_status: u16,
}

impl Failure {
    /// A failure of one field.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let description = description.into();
        Failure::InvalidFields {
            message: description.clone(),
            violations: vec![FieldViolation {
                field: field.into(),
                description,
            }],
        }
    }

    /// The failure of a request that breaks AWS's model, in AWS's words. Fields
    /// are named under `prefix`, such as `identity_pool.`.
    pub fn model(violations: &[model::Violation], prefix: &str) -> Self {
        Failure::InvalidFields {
            message: model::summary(violations),
            violations: violations
                .iter()
                .map(|violation| FieldViolation {
                    field: format!("{prefix}{}", violation.path.field()),
                    description: violation.text.clone(),
                })
                .collect(),
        }
    }
}
