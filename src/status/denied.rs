//! What callers are told whom policies refuse.

use tonic::Code;

use super::Answer;
use crate::failure::{Denial, Failure};

/// Says why, and which policy it was.
pub(super) fn answer(denial: &Denial, failure: &Failure) -> Answer {
    let refused = |reason| Answer::ours(Code::PermissionDenied, reason, failure);
    match denial {
        Denial::Forbidden(policies) => {
            refused("POLICY_FORBIDS").metadata("policy", policies.join(","))
        }
        Denial::NotPermitted => refused("NO_POLICY_PERMITS"),
        Denial::Unevaluated { .. } => refused("POLICY_ERROR"),
    }
}
