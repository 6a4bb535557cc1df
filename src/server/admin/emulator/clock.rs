//! The emulator's clock: what it shows, and turning it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::super::issuers;
use super::refused;
use crate::emulator::Emulator;

/// Where to: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    advance: Option<String>,
    set: Option<String>,
}

pub(super) async fn show(State(emulator): State<Arc<Emulator>>) -> Response {
    let now = humantime::format_rfc3339_millis(emulator.time()).to_string();
    issuers::json(&json!({"now": now}))
}

/// Turns the clock and shows it.
pub(super) async fn turn(State(emulator): State<Arc<Emulator>>, body: Bytes) -> Response {
    let wanted: Turn = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error),
    };
    let turned = match (wanted.advance, wanted.set) {
        (Some(span), None) => advance(&emulator, &span),
        (None, Some(time)) => set(&emulator, &time),
        _ => Err("wants one of `advance` and `set`".to_owned()),
    };
    match turned {
        Ok(()) => show(State(emulator)).await,
        Err(reason) => (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response(),
    }
}

fn advance(emulator: &Emulator, span: &str) -> Result<(), String> {
    let by: Duration = humantime::parse_duration(span)
        .map_err(|error| format!("`advance` wants a duration such as `1h`: {error}"))?;
    emulator.advance_time(by).map_err(|error| error.to_string())
}

fn set(emulator: &Emulator, time: &str) -> Result<(), String> {
    let to = humantime::parse_rfc3339(time)
        .map_err(|error| format!("`set` wants a time such as `2027-01-15T08:00:00Z`: {error}"))?;
    emulator.set_time(to).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, emulator_with};
    use crate::emulator::{Pace, Settings};

    const PATH: &str = "/emulator/clock";

    #[tokio::test]
    async fn the_clock_is_set_and_advanced_and_says_where_it_stands() {
        let emulator = emulator_with(Settings {
            pace: Pace::Manual,
            ..Settings::default()
        });
        for (body, now) in [
            (
                r#"{"set": "2027-01-15T08:00:00Z"}"#,
                "2027-01-15T08:00:00.000Z",
            ),
            (r#"{"advance": "1h 30s"}"#, "2027-01-15T09:00:30.000Z"),
            (
                r#"{"set": "1999-12-31T23:59:59.5Z"}"#,
                "1999-12-31T23:59:59.500Z",
            ),
        ] {
            let turned = ask(&emulator, "POST", PATH, body).await;

            let expected = (200, format!("{{\"now\":\"{now}\"}}\n"));
            assert_eq!(turned, expected);
            assert_eq!(ask(&emulator, "GET", PATH, "").await, expected);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_and_the_clock_stays() {
        let emulator = emulator_with(Settings {
            pace: Pace::Manual,
            ..Settings::default()
        });
        let before = ask(&emulator, "GET", PATH, "").await;
        for (body, told) in [
            ("{}", "wants one of `advance` and `set`\n"),
            (
                r#"{"advance": "1h", "set": "2027-01-15T08:00:00Z"}"#,
                "wants one of `advance` and `set`\n",
            ),
            (
                r#"{"advance": "soon"}"#,
                "`advance` wants a duration such as `1h`: ",
            ),
            (
                r#"{"set": "noon"}"#,
                "`set` wants a time such as `2027-01-15T08:00:00Z`: ",
            ),
            (
                r#"{"set": "9999-12-31T00:00:00Z"}"#,
                "the clock goes from 1970 to 9998\n",
            ),
            (
                r#"{"advance": "9000y"}"#,
                "the clock goes from 1970 to 9998\n",
            ),
            (r#"{"wind": "1h"}"#, "unknown field `wind`"),
        ] {
            let (status, answer) = ask(&emulator, "POST", PATH, body).await;

            assert_eq!(status, 400, "{body}");
            assert!(answer.starts_with(told), "{answer}");
        }
        assert_eq!(ask(&emulator, "GET", PATH, "").await, before);
    }
}
