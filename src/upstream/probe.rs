//! A call of poolgate's own, to see whether a target answers.

use std::time::Duration;

use aws_sdk_cognitoidentity::operation::list_identity_pools::builders::ListIdentityPoolsInputBuilder;

use super::retry::is_throttle;
use super::{Outgoing, Upstream};
use crate::call::Target;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::operation::Operation;

/// How long a target may take to answer, repetitions included.
const PROBED_WITHIN: Duration = Duration::from_secs(10);

/// What AWS says where credentials are good, and do not allow what was asked.
const NOT_ALLOWED: [&str; 2] = ["AccessDenied", "AccessDeniedException"];

impl Upstream {
    /// Where calls go: all targets, or the only way there is.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.ways.all().map(|way| &way.target)
    }

    /// Asks a target for one pool (`ListIdentityPools`, region of the target), with the
    /// credentials, the quota and the circuit breaker of any call. Whether it answers is
    /// not said where the call was not made because others come first.
    ///
    /// # Errors
    ///
    /// A failure that says that AWS, the way there or the credentials are not well. That
    /// poolgate is not allowed to list pools is none.
    pub async fn probe(&self, target: &Target) -> Option<Result<(), Failure>> {
        let call = Outgoing {
            operation: Operation::ListIdentityPools,
            target: target.clone(),
            region: None,
            pool_id: None,
            caller: Caller::poolgate(),
            flow: Default::default(),
            held: Default::default(),
            left: PROBED_WITHIN,
            notes: Default::default(),
            tenant: None,
        };
        let input = ListIdentityPoolsInputBuilder::default().max_results(1);
        let answer = self.call(call, |aws| async move { input.send_with(&aws).await });
        said(answer.await.map(|_| ()))
    }
}

/// What the end of a probe says of its target.
fn said(answer: Result<(), Failure>) -> Option<Result<(), Failure>> {
    let Err(failure) = answer else {
        return Some(Ok(()));
    };
    match &failure {
        Failure::AccountQuota(_) | Failure::UpstreamOverloaded { .. } => None,
        Failure::Aws(error) if NOT_ALLOWED.contains(&error.code.as_str()) => Some(Ok(())),
        Failure::Aws(error) if is_throttle(&error.code) => Some(Ok(())),
        _ => Some(Err(failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::AwsError;

    #[test]
    fn a_target_answers_unless_it_fails_or_does_not_know_us() {
        for (code, http_status, is_well) in [
            ("AccessDeniedException", 400, true),
            ("TooManyRequestsException", 400, true),
            ("UnrecognizedClientException", 400, false),
            ("ExpiredTokenException", 400, false),
            ("InternalErrorException", 500, false),
        ] {
            let said = said(Err(Failure::Aws(AwsError {
                code: code.to_owned(),
                message: String::new(),
                private: Default::default(),
                request_id: None,
                http_status,
            })));
            assert_eq!(said.unwrap().is_ok(), is_well, "{code}");
        }
        assert!(said(Err(Failure::UpstreamTimeout)).unwrap().is_err());
    }
}
