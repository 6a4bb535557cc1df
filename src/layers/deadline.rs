//! The time a call may take.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::{Answer, Next, Refused, Request, Wrap};
use crate::call::{Deadline, Patience};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::notes::Notes;

/// Fills the slots [`Deadline`] and [`Patience`] from `grpc-timeout`, within bounds, and answers
/// DEADLINE_EXCEEDED when it passes.
///
/// A write that is under way then goes on; the answer says that its outcome is
/// unknown.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// For calls without a deadline of their own.
    pub default: Duration,
    /// For calls with a longer one.
    pub max: Duration,
    /// The time.
    pub clock: Clock,
}

impl Wrap for Deadlines {
    fn around(self: Arc<Self>, mut request: Request, next: Next) -> Answer {
        let refused = Refused::of(&request);
        let asked = match request.headers().get("grpc-timeout") {
            None => Ok(self.default),
            Some(header) => header
                .to_str()
                .ok()
                .and_then(parse)
                .ok_or(Failure::InvalidTimeout),
        };
        let notes = request.extensions().get::<Notes>().cloned();
        async move {
            let asked = match asked {
                Ok(asked) => asked,
                Err(failure) => return refused.answer(&failure),
            };
            let left = asked.min(self.max);
            if left.is_zero() {
                return refused.answer(&Failure::DeadlineExceeded);
            }
            let deadline = Deadline(self.clock.instant() + left);
            request.extensions_mut().insert(deadline);
            request.extensions_mut().insert(Patience(asked));
            if let Some(notes) = &notes {
                notes.set_time_limit(left);
            }
            match tokio::time::timeout(left, next(request)).await {
                Ok(response) => response,
                Err(_) if notes.is_some_and(|notes| notes.in_doubt()) => {
                    refused.answer(&Failure::DeadlineExceededInDoubt)
                }
                Err(_) => refused.answer(&Failure::DeadlineExceeded),
            }
        }
        .boxed()
    }
}

/// A timeout as the gRPC protocol writes it: 1 to 8 digits and a unit
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>, "Timeout").
fn parse(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit_and_nothing_else() {
        let cases = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("99999999m", Some(Duration::from_millis(99_999_999))),
            ("5u", Some(Duration::from_micros(5))),
            ("0n", Some(Duration::ZERO)),
            ("", None),
            ("S", None),
            ("1", None),
            ("-1S", None),
            ("+1S", None),
            ("1.5S", None),
            ("999999999S", None),
            ("1s", None),
            ("1S ", None),
            ("1é", None),
        ];
        for (header, expected) in cases {
            assert_eq!(parse(header), expected, "{header}");
        }
    }
}
