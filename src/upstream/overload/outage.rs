//! Which ends of a call say that something is wrong with AWS, or with the way there.

use crate::failure::Failure;

/// Whether AWS, or the way there, has failed. What AWS answers is an answer, unless it says
/// that it failed itself.
pub(super) fn is_outage(failure: &Failure) -> bool {
    match failure {
        Failure::Aws(error) => error.http_status >= 500,
        Failure::UnreadableAnswer(lost) | Failure::OutcomeUnknown(lost) => {
            !matches!(lost.http_status, Some(400..=499))
        }
        Failure::Unreachable(_) | Failure::UpstreamTimeout | Failure::DeadlineExceededInDoubt => {
            true
        }
        _ => false,
    }
}
