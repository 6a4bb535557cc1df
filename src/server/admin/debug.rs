//! What operators look into while poolgate runs: the configuration in force, and how much
//! is logged. For this machine alone, since both tell how a server is set up: in a
//! cluster, `kubectl port-forward` leads here.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

use crate::telemetry::log::Level;

/// The largest text that says what is logged.
const LARGEST_LEVEL: usize = 4 * 1024;

const PLAIN: [(HeaderName, &str); 2] = [
    (CONTENT_TYPE, "text/plain; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
];

/// What can be looked into.
#[derive(Clone, Debug, Default)]
pub struct Debug {
    /// The configuration in force, without secrets, as a TOML file.
    pub configuration: String,
    /// How much is logged, where this process logs.
    pub level: Option<Level>,
}

/// The paths below `/debug`.
pub(super) fn routes(debug: &Debug) -> Router {
    let configuration: Arc<str> = Arc::from(debug.configuration.as_str());
    let level = get(show_level).put(set_level).delete(reset_level);
    Router::new()
        .route(
            "/debug/config",
            get(async move || (PLAIN, configuration.to_string())),
        )
        .route("/debug/log-level", level)
        .layer(DefaultBodyLimit::max(LARGEST_LEVEL))
        .with_state(debug.level.clone())
}

async fn show_level(State(level): State<Option<Level>>) -> Response {
    with(level, |level| Ok(level.current()))
}

async fn set_level(State(level): State<Option<Level>>, directives: String) -> Response {
    with(level, |level| {
        level.set(directives.trim()).map(|()| level.current())
    })
}

async fn reset_level(State(level): State<Option<Level>>) -> Response {
    with(level, |level| level.reset().map(|()| level.current()))
}

fn with(level: Option<Level>, act: impl FnOnce(&Level) -> Result<String, String>) -> Response {
    match level.as_ref().map(act) {
        Some(Ok(current)) => (PLAIN, format!("{current}\n")).into_response(),
        Some(Err(reason)) => (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response(),
        None => (StatusCode::NOT_FOUND, "this process does not log\n").into_response(),
    }
}
