//! Whether and when a call may be made again, as clients are told.
//!
//! `RetryInfo` is for whoever reads the status. The pushback is for the client's library,
//! which heeds it without its user's knowing where a service config says so
//! (<https://github.com/grpc/proposal/blob/master/A6-client-retries.md>, "Pushback").

use std::time::Duration;

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic_types::ErrorDetails;

use super::PUSHBACK;

/// Whether and when a retry can help.
pub(super) enum Retry {
    /// Nothing is said: the code speaks for itself.
    Unsaid,
    /// A retry can never help, or could do harm.
    Never,
    /// After this time.
    After(Duration),
}

impl Retry {
    /// Says so. A library that waits longer than its caller does turns a refusal with a
    /// reason into a deadline without one, so it is told not to begin.
    pub(super) fn tell(
        &self,
        details: &mut ErrorDetails,
        trailers: &mut MetadataMap,
        patience: Option<Duration>,
    ) {
        let pushback = match self {
            Retry::Unsaid => return,
            Retry::Never => -1,
            Retry::After(delay) => {
                details.set_retry_info(Some(*delay));
                match patience {
                    Some(patience) if patience <= *delay => -1,
                    _ => i64::try_from(delay.as_millis()).unwrap_or(i64::MAX),
                }
            }
        };
        trailers.insert(PUSHBACK, MetadataValue::from(pushback));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pushback_is_never_longer_than_the_caller_waits() {
        let second = Duration::from_secs(1);
        for (why, retry, patience, expected) in [
            ("nobody knows", Retry::Unsaid, None, None),
            ("never", Retry::Never, None, Some("-1")),
            ("whenever", Retry::After(second), None, Some("1000")),
            (
                "in time",
                Retry::After(second),
                Some(2 * second),
                Some("1000"),
            ),
            ("too late", Retry::After(second), Some(second), Some("-1")),
        ] {
            let (mut details, mut trailers) = (ErrorDetails::new(), MetadataMap::new());

            retry.tell(&mut details, &mut trailers, patience);

            let pushback = trailers.get(PUSHBACK).map(|value| value.to_str().unwrap());
            assert_eq!(pushback, expected, "{why}");
            let told = details.retry_info().is_some();
            assert_eq!(told, matches!(retry, Retry::After(_)), "{why}");
        }
    }
}
