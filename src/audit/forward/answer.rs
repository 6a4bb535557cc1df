//! What a collector's answer means.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

/// Lines were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// And never will be as they are.
    Never(String),
    /// And may be later.
    Later {
        /// Why, in words that show nothing of what was sent.
        reason: String,
        /// How long the target asks to be left alone.
        after: Option<Duration>,
    },
}

impl Failed {
    /// Something that may be mended, for this reason.
    pub fn later(reason: impl ToString) -> Self {
        Self::Later {
            reason: reason.to_string(),
            after: None,
        }
    }
}

/// How many of the lines were rejected by a collector that took the request, or why it did
/// not. Only 400 and 413 are about the lines; everything else, a wrong path and a wrong
/// token too, can be mended without changing them.
///
/// # Errors
///
/// When the request was not taken.
pub fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<u64, Failed> {
    let reason = format!("answered with {status}");
    match status {
        status if status.is_success() => Ok(rejected(body)),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Err(Failed::Never(reason)),
        _ => Err(Failed::Later {
            reason,
            after: retry_after(headers, now),
        }),
    }
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        }
    }
}

/// An answer that cannot be read says of no line that it was rejected.
fn rejected(body: &[u8]) -> u64 {
    let answer: Answer = serde_json::from_slice(body).unwrap_or_default();
    match answer
        .partial_success
        .unwrap_or_default()
        .rejected_log_records
    {
        Some(Number::Text(digits)) => digits.parse().unwrap_or_default(),
        Some(Number::Whole(count)) => count,
        None => 0,
    }
}

/// `ExportLogsServiceResponse`. What it says in words may repeat what was sent, and is not
/// read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    partial_success: Option<PartialSuccess>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PartialSuccess {
    rejected_log_records: Option<Number>,
}

/// Numbers of 64 bits are written as texts, and read in both ways.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Whole(u64),
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn judged(status: u16, retry_after: Option<&str>, body: &str) -> Result<u64, Failed> {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from_bytes(text.as_bytes()).unwrap(),
            );
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let status = StatusCode::from_u16(status).unwrap();
        judge(status, &headers, body.as_bytes(), now)
    }

    #[test]
    fn a_success_tells_how_many_lines_it_is_none_for() {
        for (body, rejected) in [
            ("", 0),
            ("{}", 0),
            ("no JSON", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (r#"{"partialSuccess":null}"#, 0),
            (
                r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"x"}}"#,
                3,
            ),
            (r#"{"partialSuccess":{"rejectedLogRecords":3}}"#, 3),
            (r#"{"partialSuccess":{"rejectedLogRecords":"-3"}}"#, 0),
        ] {
            assert_eq!(judged(200, None, body), Ok(rejected), "{body}");
        }
        assert_eq!(judged(202, None, ""), Ok(0));
    }

    #[test]
    fn only_what_is_about_the_lines_is_never_tried_again() {
        for status in [400, 413] {
            assert!(matches!(judged(status, None, ""), Err(Failed::Never(_))));
        }
        for status in [301, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504] {
            assert!(matches!(
                judged(status, None, ""),
                Err(Failed::Later { .. })
            ));
        }
    }

    #[test]
    fn a_target_says_how_long_it_wants_to_be_left_alone() {
        for (text, seconds) in [
            (Some("7"), Some(7)),
            // 23 seconds after the time of the test.
            (Some("Sun, 06 Nov 1994 08:50:00 GMT"), Some(23)),
            (Some("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0)),
            (Some("soon"), None),
            (Some("-1"), None),
            (Some("\u{e9}"), None),
            (None, None),
        ] {
            let expected = Failed::Later {
                reason: "answered with 503 Service Unavailable".to_owned(),
                after: seconds.map(Duration::from_secs),
            };
            assert_eq!(judged(503, text, ""), Err(expected), "{text:?}");
        }
    }
}
