//! The table of error reasons, made from the code that gives them.

use std::fmt::Write;
use std::time::Duration;

use tonic_types::StatusExt;

use super::{AWS_DOMAIN, About, OUR_DOMAIN, aws, code_name, status};
use crate::failure::{AccountQuota, AwsError, Denial, Failure, Limited, Lost, Place};
use crate::operation::Operation;

/// A Markdown table of every reason of ours, and one of what AWS's codes become.
pub fn reference() -> String {
    let mut text =
        format!("Domain `{OUR_DOMAIN}`:\n\n| Reason | Code | Message |\n|---|---|---|\n");
    for failure in examples() {
        // Writing into a `String` cannot fail.
        let _ = writeln!(text, "{}", row(&failure, &failure.to_string()));
    }
    let _ = write!(
        text,
        "\nDomain `{AWS_DOMAIN}`:\n\n| Reason | Code | AWS's code |\n|---|---|---|\n"
    );
    for code in aws::KNOWN {
        let failure = Failure::Aws(AwsError {
            code: (*code).to_owned(),
            message: String::new(),
            private: Default::default(),
            request_id: None,
            http_status: 400,
        });
        let _ = writeln!(text, "{}", row(&failure, &format!("`{code}`")));
    }
    text
}

fn row(failure: &Failure, last: &str) -> String {
    let status = status(failure, About::default());
    let reason = status
        .get_details_error_info()
        .map_or_else(String::new, |info| info.reason);
    let number = i32::from(status.code()).to_string();
    format!("| `{reason}` | {} | {last} |", code_name(Some(&number)))
}

fn somewhere() -> Place {
    Place {
        region: "…".into(),
        target: None,
    }
}

/// One failure of every kind that is not AWS's.
fn examples() -> Vec<Failure> {
    vec![
        Failure::UnknownMethod,
        Failure::InvalidTimeout,
        Failure::MalformedMessage("…".to_owned()),
        Failure::CompressedMessage,
        Failure::MessageTooLarge { limit: 1024 * 1024 },
        Failure::field("…", "1 validation error detected: …"),
        Failure::UnknownRegion {
            region: "…".to_owned(),
        },
        Failure::Unauthenticated {
            cause: "an example".to_owned(),
        },
        Failure::PermissionDenied(Denial::Forbidden(vec!["…".to_owned()])),
        Failure::PermissionDenied(Denial::NotPermitted),
        Failure::PermissionDenied(Denial::Unevaluated {
            cause: "an example".to_owned(),
        }),
        Failure::PolicyFactsUnavailable {
            cause: "an example".to_owned(),
        },
        Failure::AuditUnavailable {
            cause: "an example".to_owned(),
        },
        Failure::Unrecorded {
            cause: "an example".to_owned(),
        },
        Failure::DeadlineExceeded,
        Failure::DeadlineExceededInDoubt,
        Failure::OutcomeUnknown(Lost::default()),
        Failure::Contended { attempts: 4 },
        Failure::DeveloperProviderNameFixed,
        Failure::TooManyStreams {
            method: "Watch",
            limit: 4,
        },
        Failure::TooManyWrites { limit: 256 },
        Failure::RateLimited {
            limited: limited(),
            wait: Duration::from_secs(1),
        },
        Failure::TooHeavy {
            limited: limited(),
            weight: 6,
        },
        Failure::TooManyCalls(limited()),
        Failure::LimitsUnavailable,
        Failure::TooManyFailures {
            wait: Duration::from_secs(1),
        },
        Failure::KeysUnavailable {
            cause: String::new(),
        },
        Failure::TooManyVerifications {
            wait: Duration::from_secs(1),
        },
        Failure::Overloaded,
        Failure::AccountQuota(AccountQuota {
            operation: Operation::GetId,
            region: "…".to_owned(),
            rate: Some(25),
            code: None,
            wait: Duration::from_secs(1),
        }),
        Failure::UpstreamOverloaded {
            place: somewhere(),
            limit: 16,
        },
        Failure::CircuitOpen {
            operation: Operation::GetId,
            place: somewhere(),
            wait: Duration::from_secs(1),
        },
        Failure::Unreachable(Lost::default()),
        Failure::UpstreamTimeout,
        Failure::UnreadableAnswer(Lost::default()),
        Failure::NoCredentials {
            cause: "an example".to_owned(),
        },
        Failure::RoleRefused {
            target: "…".to_owned(),
            cause: "an example".to_owned(),
        },
        Failure::RoleUnavailable {
            target: "…".to_owned(),
            cause: "an example".to_owned(),
        },
        Failure::Internal {
            cause: "an example".to_owned(),
        },
    ]
}

fn limited() -> Limited {
    Limited {
        limit: "…".into(),
        window: "…".into(),
        most: 5,
        subject: "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::mem::discriminant;

    use tonic::Code;

    use super::super::PUSHBACK;
    use super::*;

    #[test]
    fn every_kind_of_failure_is_in_the_table() {
        // Stops the build when a kind is added; then add its example and count it.
        let kinds = |failure: &Failure| match failure {
            Failure::UnknownMethod
            | Failure::InvalidTimeout
            | Failure::MalformedMessage(_)
            | Failure::CompressedMessage
            | Failure::MessageTooLarge { .. }
            | Failure::InvalidFields { .. }
            | Failure::UnknownRegion { .. }
            | Failure::Unauthenticated { .. }
            | Failure::PermissionDenied(
                Denial::Forbidden(_) | Denial::NotPermitted | Denial::Unevaluated { .. },
            )
            | Failure::PolicyFactsUnavailable { .. }
            | Failure::AuditUnavailable { .. }
            | Failure::Unrecorded { .. }
            | Failure::DeadlineExceeded
            | Failure::DeadlineExceededInDoubt
            | Failure::OutcomeUnknown(_)
            | Failure::Contended { .. }
            | Failure::DeveloperProviderNameFixed
            | Failure::TooManyStreams { .. }
            | Failure::TooManyWrites { .. }
            | Failure::RateLimited { .. }
            | Failure::TooHeavy { .. }
            | Failure::TooManyCalls(_)
            | Failure::LimitsUnavailable
            | Failure::TooManyFailures { .. }
            | Failure::KeysUnavailable { .. }
            | Failure::TooManyVerifications { .. }
            | Failure::Overloaded
            | Failure::AccountQuota(_)
            | Failure::UpstreamOverloaded { .. }
            | Failure::CircuitOpen { .. }
            | Failure::Unreachable(_)
            | Failure::UpstreamTimeout
            | Failure::UnreadableAnswer(_)
            | Failure::NoCredentials { .. }
            | Failure::RoleRefused { .. }
            | Failure::RoleUnavailable { .. }
            | Failure::Internal { .. } => true,
            Failure::Aws(_) => false,
        };
        let examples = examples();
        let different: HashSet<_> = examples.iter().map(discriminant).collect();

        assert!(examples.iter().all(kinds));
        assert_eq!(different.len(), 37);
    }

    #[test]
    fn whatever_clients_try_again_by_themselves_says_when_or_that_it_cannot_help() {
        let mut refusals = 0;
        for failure in examples() {
            let status = status(&failure, About::default());
            if matches!(status.code(), Code::ResourceExhausted | Code::Unavailable) {
                refusals += 1;
                assert!(status.metadata().contains_key(PUSHBACK), "{failure}");
            }
        }
        assert!(refusals > 8, "{refusals}");
    }

    #[test]
    fn a_row_reads_on_its_own() {
        let text = reference();

        assert!(text.contains("| `UNKNOWN_METHOD` | Unimplemented | unknown method |"));
        assert!(text.contains("| `RESOURCE_NOT_FOUND` | NotFound | `ResourceNotFoundException` |"));
    }
}
