//! The only file that knows gRPC codes: a failure becomes a status with
//! `google.rpc` details.
//!
//! Every status has an `ErrorInfo`. Its domain is [`AWS_DOMAIN`] where AWS
//! refused the call and [`OUR_DOMAIN`] where poolgate did.

mod aws;
mod code;
mod denied;
mod limits;
mod log;
mod reference;
mod retry;
mod text;

pub use code::{CANCELLED, Severity, code_in, code_name, code_of, severity};
pub use reference::reference;
use retry::Retry;

use std::collections::HashMap;
use std::time::Duration;

use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::call::RequestId;
use crate::failure::{Failure, Lost};
use crate::notes::{Failed, Notes};
use crate::operation::{Operation, ResourceField};

/// The domain of errors that AWS answered with.
pub const AWS_DOMAIN: &str = "cognito-identity.amazonaws.com";
/// The domain of errors of poolgate itself.
pub const OUR_DOMAIN: &str = "poolgate";
/// When to try again, in milliseconds; -1 says not to.
pub const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// What violations may take in a status, in bytes. Together with everything else a
/// status has to fit the 8 KiB of headers that common clients accept, where details
/// are written in base64.
const VIOLATION_BUDGET: usize = 2048;
/// The longest description, name or value in the details, in bytes.
const MAX_DETAIL: usize = 512;
/// The longest message, in bytes as it is sent: all but printable ASCII takes three.
const MAX_MESSAGE: usize = 1024;
/// When to try again where nothing says better.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What is known about the call a failure belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The operation, once the path was understood.
    pub operation: Option<Operation>,
    /// The call's name.
    pub request_id: Option<&'a RequestId>,
    /// Where the failure is noted.
    pub notes: Option<&'a Notes>,
    /// How long the caller waits for the answer, if it says so.
    pub patience: Option<Duration>,
}

/// The status of a failure that is handled, which is noted. What went wrong on our side
/// or AWS's goes to our log, and only there.
pub fn report(failure: &Failure, about: About<'_>) -> Status {
    log::failure(failure, about);
    let answer = answer(failure, about);
    if let Some(notes) = about.notes {
        notes.set_failed(Failed {
            failure: failure.clone(),
            reason: answer.reason.clone(),
        });
    }
    encode(answer, about)
}

/// The status of a failure.
pub fn status(failure: &Failure, about: About<'_>) -> Status {
    encode(answer(failure, about), about)
}

fn encode(answer: Answer, about: About<'_>) -> Status {
    let mut metadata = answer.metadata;
    for value in metadata.values_mut() {
        *value = text::within(value, MAX_DETAIL);
    }
    if let Some(operation) = about.operation {
        metadata.insert("operation".to_owned(), operation.name().to_owned());
    }
    let mut details = answer.details;
    details.set_error_info(answer.reason, answer.domain, metadata);
    if let Some(request_id) = about.request_id {
        details.set_request_info(request_id.as_str(), "");
    }
    let mut trailers = MetadataMap::new();
    answer
        .retry
        .tell(&mut details, &mut trailers, about.patience);
    let message = text::within_sent(&answer.message, MAX_MESSAGE);
    Status::with_error_details_and_metadata(answer.code, message, details, trailers)
}

/// A status before it is encoded.
struct Answer {
    code: Code,
    message: String,
    reason: String,
    domain: &'static str,
    metadata: HashMap<String, String>,
    details: ErrorDetails,
    retry: Retry,
}

impl Answer {
    fn ours(code: Code, reason: &str, failure: &Failure) -> Self {
        Self {
            code,
            message: failure.to_string(),
            reason: reason.to_owned(),
            domain: OUR_DOMAIN,
            metadata: HashMap::new(),
            details: ErrorDetails::new(),
            retry: Retry::Unsaid,
        }
    }

    fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    fn metadata(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    fn lost(mut self, lost: &Lost) -> Self {
        if let Some(http_status) = lost.http_status {
            self = self.metadata("httpStatus", http_status);
        }
        if let Some(id) = &lost.aws_request_id {
            self = self.metadata("awsRequestId", id);
        }
        self
    }

    fn violations(mut self, violations: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut left = VIOLATION_BUDGET;
        for (field, description) in violations {
            let field = text::within(&field, MAX_DETAIL / 2);
            let description = text::within(&description, MAX_DETAIL);
            match left.checked_sub(field.len() + description.len()) {
                Some(rest) => left = rest,
                None => break,
            }
            self.details.add_bad_request_violation(field, description);
        }
        self
    }
}

fn answer(failure: &Failure, about: About<'_>) -> Answer {
    use Failure as F;
    match failure {
        F::UnknownMethod => Answer::ours(Code::Unimplemented, "UNKNOWN_METHOD", failure),
        F::InvalidTimeout => Answer::ours(Code::InvalidArgument, "INVALID_TIMEOUT", failure),
        F::MalformedMessage(_) => Answer::ours(Code::InvalidArgument, "MALFORMED_MESSAGE", failure),
        F::CompressedMessage => Answer::ours(Code::Unimplemented, "COMPRESSED_MESSAGE", failure),
        F::MessageTooLarge { limit } => {
            Answer::ours(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", failure)
                .metadata("limitBytes", limit)
                .retry(Retry::Never)
        }
        F::InvalidFields { violations, .. } => {
            Answer::ours(Code::InvalidArgument, "INVALID_FIELDS", failure).violations(
                violations
                    .iter()
                    .map(|violation| (violation.field.clone(), violation.description.clone())),
            )
        }
        F::UnknownRegion { region } => {
            let field = about.operation.and_then(resource_field).unwrap_or_default();
            Answer::ours(Code::InvalidArgument, "UNKNOWN_REGION", failure)
                .metadata("region", region)
                .violations([(field.to_owned(), failure.to_string())])
        }
        F::Unauthenticated { .. } => {
            Answer::ours(Code::Unauthenticated, "UNAUTHENTICATED", failure).retry(Retry::Never)
        }
        F::PermissionDenied(denial) => denied::answer(denial, failure).retry(Retry::Never),
        F::PolicyFactsUnavailable { .. } => unavailable("POLICY_FACTS_UNAVAILABLE", failure),
        F::AuditUnavailable { .. } => unavailable("AUDIT_UNAVAILABLE", failure),
        F::Unrecorded { .. } => {
            Answer::ours(Code::Unknown, "AUDIT_UNAVAILABLE", failure).retry(Retry::Never)
        }
        F::DeadlineExceeded => Answer::ours(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", failure),
        F::DeadlineExceededInDoubt => {
            Answer::ours(Code::DeadlineExceeded, "OUTCOME_UNKNOWN", failure).retry(Retry::Never)
        }
        F::OutcomeUnknown(lost) => Answer::ours(Code::Unknown, "OUTCOME_UNKNOWN", failure)
            .lost(lost)
            .retry(Retry::Never),
        F::Contended { attempts } => {
            Answer::ours(Code::Aborted, "POOL_CONTENDED", failure).metadata("attempts", attempts)
        }
        F::DeveloperProviderNameFixed => {
            let mut answer = Answer::ours(
                Code::FailedPrecondition,
                "DEVELOPER_PROVIDER_NAME_FIXED",
                failure,
            );
            answer.details.add_precondition_failure_violation(
                "DEVELOPER_PROVIDER_NAME_FIXED",
                "identity_pool.developer_provider_name",
                failure.to_string(),
            );
            answer
        }
        F::Aws(error) => aws::answer(error, about.operation),
        F::TooManyStreams { limit, .. } => {
            Answer::ours(Code::ResourceExhausted, "TOO_MANY_STREAMS", failure)
                .metadata("limit", limit)
                .retry(Retry::After(RETRY_DELAY))
        }
        F::TooManyWrites { limit } => {
            Answer::ours(Code::ResourceExhausted, "TOO_MANY_WRITES", failure)
                .metadata("limit", limit)
                .retry(Retry::After(RETRY_DELAY))
        }
        F::RateLimited { limited, wait } => {
            limits::answer("RATE_LIMIT_EXCEEDED", limited, failure, about)
                .retry(Retry::After(*wait))
        }
        F::TooHeavy { limited, weight } => {
            limits::answer("CALL_ABOVE_LIMIT", limited, failure, about)
                .metadata("weight", weight)
                .retry(Retry::Never)
        }
        F::TooManyCalls(limited) => limits::answer("TOO_MANY_CALLS", limited, failure, about)
            .retry(Retry::After(RETRY_DELAY)),
        F::LimitsUnavailable => unavailable("LIMITS_UNAVAILABLE", failure),
        F::TooManyFailures { wait } => {
            let reason = "TOO_MANY_FAILED_AUTHENTICATIONS";
            Answer::ours(Code::ResourceExhausted, reason, failure).retry(Retry::After(*wait))
        }
        F::KeysUnavailable { .. } => unavailable("KEYS_UNAVAILABLE", failure),
        F::TooManyVerifications { wait } => {
            Answer::ours(Code::ResourceExhausted, "TOO_MANY_VERIFICATIONS", failure)
                .retry(Retry::After(*wait))
        }
        F::Overloaded => unavailable("OVERLOADED", failure),
        F::AccountQuota(quota) => limits::of_account(quota, failure),
        F::UpstreamOverloaded { place, .. } => {
            limits::shed("UPSTREAM_OVERLOADED", place, failure, RETRY_DELAY)
        }
        F::CircuitOpen { place, wait, .. } => limits::shed("CIRCUIT_OPEN", place, failure, *wait),
        F::Unreachable(_) => unavailable("UPSTREAM_UNREACHABLE", failure),
        F::UpstreamTimeout => Answer::ours(Code::DeadlineExceeded, "UPSTREAM_TIMEOUT", failure),
        F::UnreadableAnswer(lost) => {
            let code = match lost.http_status {
                Some(429 | 502..=504) => Code::Unavailable,
                _ => Code::Internal,
            };
            Answer::ours(code, "UPSTREAM_ANSWER_UNREADABLE", failure).lost(lost)
        }
        F::NoCredentials { .. } => Answer::ours(Code::Internal, "BACKEND_CREDENTIALS", failure),
        F::RoleRefused { target, .. } => {
            Answer::ours(Code::PermissionDenied, "TARGET_ROLE_REFUSED", failure)
                .metadata("target", target)
                .retry(Retry::Never)
        }
        F::RoleUnavailable { target, .. } => {
            unavailable("TARGET_ROLE_UNAVAILABLE", failure).metadata("target", target)
        }
        F::Internal { .. } => Answer::ours(Code::Internal, "INTERNAL", failure),
    }
}

/// A part of what is needed is not there, and may be soon.
fn unavailable(reason: &str, failure: &Failure) -> Answer {
    Answer::ours(Code::Unavailable, reason, failure).retry(Retry::After(RETRY_DELAY))
}

fn resource_field(operation: Operation) -> Option<&'static str> {
    match operation.resource_field() {
        ResourceField::Account => None,
        ResourceField::Pool(field)
        | ResourceField::Identity(field)
        | ResourceField::Identities(field)
        | ResourceField::PoolArn(field) => Some(field),
    }
}
