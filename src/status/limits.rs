//! What callers who are over a limit are told.

use tonic::Code;
use tonic_types::QuotaViolation;

use super::{About, Answer, MAX_DETAIL, text};
use crate::failure::{Failure, Limited};
use crate::operation::Operation;
use crate::pb;

/// Says which limit refuses, in the metadata and as a quota that has failed.
pub(super) fn answer(
    reason: &str,
    limited: &Limited,
    failure: &Failure,
    about: About<'_>,
) -> Answer {
    let Limited {
        limit,
        window,
        most,
        subject,
    } = limited;
    let operation = about.operation.map_or("", Operation::name);
    let dimensions = [("operation", operation), ("window", &**window)];
    let mut answer = Answer::ours(Code::ResourceExhausted, reason, failure)
        .metadata("limit", limit)
        .metadata("window", window);
    answer.details.set_quota_failure(vec![QuotaViolation {
        subject: text::within(subject, MAX_DETAIL),
        description: failure.to_string(),
        api_service: pb::SERVICE_NAME.to_owned(),
        quota_metric: "poolgate/calls".to_owned(),
        quota_id: limit.to_string(),
        quota_dimensions: dimensions
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        quota_value: i64::try_from(*most).unwrap_or(i64::MAX),
        futura_quota_value: None,
    }]);
    answer
}
