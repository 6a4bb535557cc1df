//! What callers are told who are over a limit, or whose account is over a quota.

use std::time::Duration;

use tonic::Code;
use tonic_types::QuotaViolation;

use super::{AWS_DOMAIN, About, Answer, MAX_DETAIL, Retry, text};
use crate::failure::{AccountQuota, Failure, Limited, Place};
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

/// Says which quota of AWS is used up. It is poolgate that refuses, and AWS's quota that has
/// failed.
pub(super) fn of_account(quota: &AccountQuota, failure: &Failure) -> Answer {
    let AccountQuota {
        operation,
        region,
        rate,
        code,
        wait,
    } = quota;
    let mut answer = Answer::ours(Code::ResourceExhausted, "ACCOUNT_QUOTA_EXCEEDED", failure)
        .metadata("region", region)
        .metadata("quotaOperation", operation);
    let dimensions = [("operation", operation.name()), ("region", region)];
    answer.details.set_quota_failure(vec![QuotaViolation {
        subject: "account".to_owned(),
        description: failure.to_string(),
        api_service: AWS_DOMAIN.to_owned(),
        quota_metric: "requests per second".to_owned(),
        quota_id: code.unwrap_or(operation.name()).to_owned(),
        quota_dimensions: dimensions
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        quota_value: rate.map_or(0, i64::from),
        futura_quota_value: None,
    }]);
    answer.retry(Retry::After(*wait))
}

/// Says that AWS is left in peace, where, and for how long.
pub(super) fn shed(reason: &str, place: &Place, failure: &Failure, wait: Duration) -> Answer {
    let answer = Answer::ours(Code::Unavailable, reason, failure)
        .metadata("region", &place.region)
        .retry(Retry::After(wait));
    match &place.target {
        Some(target) => answer.metadata("target", target),
        None => answer,
    }
}
