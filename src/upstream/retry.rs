//! When the SDK may put a request on the wire again.
//!
//! The SDK repeats every operation alike, also those that create: without this,
//! one `CreateIdentityPool` becomes three pools when an answer is lost. AWS
//! offers no idempotency token (reference: security, F14).

use std::time::Duration;

use aws_sdk_cognitoidentity::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;

use super::error::was_not_sent;
use crate::operation::Repeat;

/// How often and how soon.
pub(super) fn config(repeat: Repeat) -> RetryConfig {
    let attempts = match repeat {
        Repeat::Safe => 3,
        Repeat::Idempotent | Repeat::Once => 2,
    };
    RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_secs(1))
}

/// Forbids repetitions that an operation does not bear; what it lets pass is up
/// to the SDK's own classifiers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard(pub(super) Repeat);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// No byte of the request left this process.
    NotSent,
    /// AWS took the request but refused it because of its rate.
    Throttled,
    /// A bound of the account is reached: trying again cannot help.
    LimitExceeded,
    /// AWS answered that it failed.
    ServerError,
    /// AWS answered something else.
    Refused,
    /// The request was sent and what became of it is not known.
    Lost,
}

impl ClassifyRetry for Guard {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            None | Some(Ok(_)) => RetryAction::NoActionIndicated,
            Some(Err(error)) if permitted(self.0, ended(error, context)) => {
                RetryAction::NoActionIndicated
            }
            Some(Err(_)) => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "poolgate repetition guard"
    }

    /// Last, so that what it forbids stays forbidden.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

fn permitted(repeat: Repeat, ended: Ended) -> bool {
    match ended {
        Ended::NotSent => true,
        Ended::LimitExceeded | Ended::Refused => false,
        Ended::Throttled | Ended::ServerError => repeat != Repeat::Once,
        Ended::Lost => repeat == Repeat::Safe,
    }
}

fn ended(
    error: &OrchestratorError<aws_smithy_runtime_api::client::interceptors::context::Error>,
    context: &InterceptorContext,
) -> Ended {
    if let Some(error) = error.as_connector_error() {
        return if was_not_sent(error) {
            Ended::NotSent
        } else {
            Ended::Lost
        };
    }
    let Some(response) = context.response() else {
        return Ended::Lost;
    };
    match error_code(response) {
        Some(code) if is_throttle(code) => Ended::Throttled,
        Some("LimitExceededException") => Ended::LimitExceeded,
        _ if response.status().as_u16() >= 500 => Ended::ServerError,
        // A success that cannot be read, such as half a body.
        _ if response.status().is_success() => Ended::Lost,
        _ => Ended::Refused,
    }
}

/// Whether AWS says by a code that requests come too fast.
pub(super) fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" | "RequestLimitExceeded"
    )
}

/// AWS's error code as the header carries it: `ThrottlingException:`.
pub(super) fn error_code(
    response: &aws_smithy_runtime_api::client::orchestrator::HttpResponse,
) -> Option<&str> {
    let header = response.headers().get("x-amzn-errortype")?;
    let end = header.find([':', ',']).unwrap_or(header.len());
    header.get(..end).map(|code| match code.rsplit_once('#') {
        Some((_, code)) => code,
        None => code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_sent_again_depends_on_what_it_does() {
        use Repeat::{Idempotent, Once, Safe};
        let cases = [
            (Ended::NotSent, [Safe, Idempotent, Once].as_slice()),
            (Ended::Throttled, &[Safe, Idempotent]),
            (Ended::ServerError, &[Safe, Idempotent]),
            (Ended::Lost, &[Safe]),
            (Ended::Refused, &[]),
            (Ended::LimitExceeded, &[]),
        ];
        for (ended, again) in cases {
            for repeat in [Safe, Idempotent, Once] {
                let expected = again.contains(&repeat);
                assert_eq!(permitted(repeat, ended), expected, "{repeat:?} {ended:?}");
            }
        }
    }
}
