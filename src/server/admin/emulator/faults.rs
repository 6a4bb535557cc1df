//! What goes wrong on purpose: the rules in force, other ones, none.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::super::issuers::json;
use super::refused;
use crate::emulator::{Emulator, Rules};

pub(super) async fn show(State(emulator): State<Arc<Emulator>>) -> Response {
    json(&emulator.faults())
}

/// All mistakes, one a line, or the rules in force from here on.
pub(super) async fn set(State(emulator): State<Arc<Emulator>>, body: Bytes) -> Response {
    let document = match serde_json::from_slice(&body) {
        Ok(document) => document,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error),
    };
    match Rules::of_json(&document) {
        Ok(rules) => {
            emulator.set_faults(rules);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(mistakes) => {
            let text = mistakes.join("\n") + "\n";
            (StatusCode::BAD_REQUEST, text).into_response()
        }
    }
}

pub(super) async fn clear(State(emulator): State<Arc<Emulator>>) -> StatusCode {
    emulator.set_faults(Rules::default());
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{ask, emulator};

    const PATH: &str = "/emulator/faults";

    #[tokio::test]
    async fn rules_are_set_shown_and_cleared() {
        let emulator = emulator();
        let rules = json!({"rules": [{"operations": ["GetId"], "fault": "cut-answer"}]});
        assert_eq!(ask(&emulator, "PUT", PATH, &rules.to_string()).await.0, 204);

        let (status, shown) = ask(&emulator, "GET", PATH, "").await;

        assert_eq!(status, 200);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let expected = json!([{
            "operations": ["GetId"], "fault": "cut-answer", "seen": 0, "hit": 0,
        }]);
        assert_eq!(shown["rules"], expected);
        assert_eq!(ask(&emulator, "DELETE", PATH, "").await.0, 204);
        let (_, shown) = ask(&emulator, "GET", PATH, "").await;
        assert_eq!(shown, "{\"rules\":[]}\n");
    }

    #[tokio::test]
    async fn there_can_be_a_thousand_rules_and_no_more() {
        let emulator = emulator();
        let rules = |count: usize| {
            let rule = json!({"fault": "delay", "delay": "1ms"});
            json!({"rules": vec![rule; count]}).to_string()
        };

        let most = ask(&emulator, "PUT", PATH, &rules(1000)).await;
        let one_more = ask(&emulator, "PUT", PATH, &rules(1001)).await;

        assert_eq!(most.0, 204);
        assert_eq!(one_more, (400, "rules: more than 1000\n".to_owned()));
    }

    #[tokio::test]
    async fn mistakes_are_told_and_change_nothing() {
        let emulator = emulator();
        let rules = r#"{"rules": [{"fault": "throttle"}]}"#;
        ask(&emulator, "PUT", PATH, rules).await;
        for (body, told) in [
            (
                r#"{"rules": [1, 2]}"#,
                "rules[0]: not a table\nrules[1]: not a table\n",
            ),
            ("{", "EOF while parsing an object at line 1 column 1\n"),
        ] {
            let answer = ask(&emulator, "PUT", PATH, body).await;

            assert_eq!(answer, (400, told.to_owned()));
            let (_, shown) = ask(&emulator, "GET", PATH, "").await;
            assert!(shown.contains("TooManyRequestsException"), "{shown}");
        }
    }
}
