//! Every way a call can fail. No gRPC here: `status` is the only file that turns
//! a failure into a status.

use std::time::Duration;

use crate::model;
use crate::operation::Operation;

mod answered;
mod denial;
mod limited;
mod place;
mod private;

pub use answered::{AwsError, Lost};
pub use denial::Denial;
pub use limited::{AccountQuota, Limited};
pub use place::Place;
pub use private::Private;

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
    #[error("the region `{region}` is not one that calls may go to")]
    UnknownRegion {
        /// The region of the resource.
        region: String,
    },
    /// The call carries no credentials that hold. The caller is not told what was
    /// wrong with them.
    #[error("the call carries no valid credentials")]
    Unauthenticated {
        /// What was wrong, for our log only.
        cause: String,
    },
    /// The caller may not do this.
    #[error("{0}")]
    PermissionDenied(Denial),
    /// What a policy has to know about the resource could not be found out.
    #[error("what the policies ask about the pool cannot be found out")]
    PolicyFactsUnavailable {
        /// Why, for our log only.
        cause: String,
    },
    /// The call could not be recorded in time, so that it is not made, or its answer is
    /// not given.
    #[error("the call cannot be recorded, and what is not recorded is not done")]
    AuditUnavailable {
        /// Why, for our log only.
        cause: String,
    },
    /// A call was made that must not be made twice, and could not be recorded in time.
    #[error("the call was made, and its outcome could not be recorded in time")]
    Unrecorded {
        /// Why, for our log only.
        cause: String,
    },
    /// The deadline passed before anything was changed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The deadline passed while a write was under way.
    #[error("the deadline passed while AWS was asked to make the change; it may have been made")]
    DeadlineExceededInDoubt,
    /// The answer to a change was lost or cannot be used.
    #[error("AWS's answer was lost or cannot be used; the change may have been made")]
    OutcomeUnknown(Lost),
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
    /// As many streams of a method are open as may be.
    #[error("{limit} streams of `{method}` are open, no more are begun")]
    TooManyStreams {
        /// The method.
        method: &'static str,
        /// How many may be open.
        limit: usize,
    },
    /// As many changes are under way as may be; nothing was sent.
    #[error("{limit} changes are under way, more are not begun")]
    TooManyWrites {
        /// How many may be under way.
        limit: usize,
    },
    /// The caller has used up a limit; nothing was sent.
    #[error("limit `{}` ({}) is used up", .limited.limit, .limited.window)]
    RateLimited {
        /// The limit.
        limited: Limited,
        /// How long it takes until the call is admitted, in whole milliseconds, if the
        /// caller makes no other.
        wait: Duration,
    },
    /// The call weighs more than a limit ever admits at once.
    #[error(
        "the call weighs {weight}, and limit `{}` ({}) never admits more than {} at once",
        .limited.limit, .limited.window, .limited.most
    )]
    TooHeavy {
        /// The limit.
        limited: Limited,
        /// What the call weighs.
        weight: u32,
    },
    /// As many calls of the caller are under way as may be; nothing was sent.
    #[error("limit `{}` admits no more than {} calls at a time", .0.limit, .0.most)]
    TooManyCalls(Limited),
    /// It cannot be found out what the caller has used up, and then nothing is admitted.
    #[error("the limits of callers cannot be asked, and no call is admitted without")]
    LimitsUnavailable,
    /// Too many calls from this address had no credentials that hold; this one was not
    /// looked at.
    #[error("too many calls from this address carried no valid credentials")]
    TooManyFailures {
        /// How long it takes until one is looked at again, in whole milliseconds.
        wait: Duration,
    },
    /// No key of the issuer of the caller's token could be fetched, so that the token cannot
    /// be verified.
    #[error("the keys of the token's issuer cannot be had, and no token is taken without")]
    KeysUnavailable {
        /// Which they are, for our log only.
        cause: String,
    },
    /// As many tokens are being verified as may be; this one was not looked at.
    #[error("too many tokens are being verified")]
    TooManyVerifications {
        /// How long it takes until one is looked at again, in whole milliseconds.
        wait: Duration,
    },
    /// As much of messages is being read as may be.
    #[error("too many messages are being read")]
    Overloaded,
    /// The account's quota is used up for longer than the call can wait; nothing was sent.
    #[error(
        "the AWS account's quota of {} in {} is used up for longer than the call can wait",
        .0.operation, .0.region
    )]
    AccountQuota(AccountQuota),
    /// AWS answers so slowly that no more calls are made at a time; nothing was sent.
    #[error(
        "Amazon Cognito Identity in {place} is slow; no more than {limit} calls are made at a time"
    )]
    UpstreamOverloaded {
        /// Where.
        place: Place,
        /// How many calls are under way.
        limit: usize,
    },
    /// The operation failed too often to be tried at this moment; nothing was sent.
    #[error("{operation} fails in {place}, and is not tried for a moment")]
    CircuitOpen {
        /// The operation.
        operation: Operation,
        /// Where.
        place: Place,
        /// How long it takes until it is tried again, in whole milliseconds.
        wait: Duration,
    },
    /// AWS could not be reached, or the connection was lost during a call that
    /// changes nothing.
    #[error("Amazon Cognito Identity cannot be reached")]
    Unreachable(Lost),
    /// AWS did not answer in time.
    #[error("Amazon Cognito Identity did not answer in time")]
    UpstreamTimeout,
    /// AWS's answer to a call that changes nothing cannot be used.
    #[error("the answer of Amazon Cognito Identity cannot be used")]
    UnreadableAnswer(Lost),
    /// poolgate has no AWS credentials.
    #[error("poolgate has no AWS credentials")]
    NoCredentials {
        /// Why, for our log only.
        cause: String,
    },
    /// AWS lets nobody, or not this caller, have the role of a target; nothing was sent.
    #[error("AWS refuses the role that calls to target `{target}` are made with")]
    RoleRefused {
        /// The target.
        target: String,
        /// Why, for our log only.
        cause: String,
    },
    /// The role of a target could not be asked for; nothing was sent.
    #[error("the role that calls to target `{target}` are made with cannot be had for a moment")]
    RoleUnavailable {
        /// The target.
        target: String,
        /// Why, for our log only.
        cause: String,
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

impl Failure {
    /// The failure of an operation whose answer was lost or cannot be used.
    pub fn lost(operation: Operation, lost: Lost) -> Self {
        if operation.leaves_doubt() {
            Failure::OutcomeUnknown(lost)
        } else if lost.http_status.is_some() {
            Failure::UnreadableAnswer(lost)
        } else {
            Failure::Unreachable(lost)
        }
    }

    /// The failure of an operation that AWS did not answer in time.
    pub fn late(operation: Operation) -> Self {
        if operation.leaves_doubt() {
            Failure::DeadlineExceededInDoubt
        } else {
            Failure::UpstreamTimeout
        }
    }

    /// Whether it stays open if something was changed.
    pub fn is_in_doubt(&self) -> bool {
        matches!(
            self,
            Failure::DeadlineExceededInDoubt | Failure::OutcomeUnknown(_)
        )
    }

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
