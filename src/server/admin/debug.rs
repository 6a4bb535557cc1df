//! What operators look into while poolgate runs: the configuration and the limits in force,
//! and how much is logged. For this machine alone, since they tell how a server is set up: in a
//! cluster, `kubectl port-forward` leads here.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

use crate::server::limits::Bounds;
use crate::telemetry::log::{self, Level};

/// The largest text that says what is logged.
const LARGEST_LEVEL: usize = 4 * 1024;

const PLAIN: [(HeaderName, &str); 2] = [
    (CONTENT_TYPE, "text/plain; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
];

/// What can be looked into.
#[derive(Clone, Debug, Default)]
pub struct Debug {
    /// What limits callers, as soon as that is known.
    pub bounds: Arc<OnceLock<Bounds>>,
    /// The configuration in force, without secrets, as a TOML file.
    pub configuration: String,
    /// How much is logged, where this process logs.
    pub level: Option<Level>,
}

/// The paths below `/debug`.
pub(super) fn routes(debug: &Debug) -> Router {
    let configuration: Arc<str> = Arc::from(debug.configuration.as_str());
    let bounds = Arc::clone(&debug.bounds);
    let level = get(show_level).put(set_level).delete(reset_level);
    Router::new()
        .route(
            "/debug/config",
            get(async move || (PLAIN, configuration.to_string())),
        )
        .route("/debug/limits", get(async move || limits(bounds.get())))
        .route("/debug/log-level", level)
        .layer(DefaultBodyLimit::max(LARGEST_LEVEL))
        .with_state(debug.level.clone())
}

/// The limits in force, which are not those of the start when their file has changed.
fn limits(bounds: Option<&Bounds>) -> Response {
    let limiter = bounds.and_then(|bounds| bounds.limiter.as_ref());
    let guard = bounds.and_then(|bounds| bounds.guard.as_ref());
    let of_callers = limiter.map(|limiter| limiter.in_force());
    let of_account = guard.map(|guard| guard.in_force());
    let text = [
        of_callers.unwrap_or_else(|| "callers are not limited".to_owned()),
        of_account.unwrap_or_else(|| "the account's quotas are not guarded".to_owned()),
    ];
    (PLAIN, format!("{}\n", text.join("\n"))).into_response()
}

async fn show_level(State(level): State<Option<Level>>) -> Response {
    with(level, |level| Ok(level.current()))
}

async fn set_level(State(level): State<Option<Level>>, directives: String) -> Response {
    with(level, |level| {
        log::check(directives.trim())?;
        changed(level, |level| level.set(directives.trim()))
    })
}

async fn reset_level(State(level): State<Option<Level>>) -> Response {
    with(level, |level| changed(level, Level::reset))
}

/// Changes the level, and leaves a line of it where one can be read: before it, lest the
/// change is what silences the log, and after it.
fn changed(
    level: &Level,
    change: impl FnOnce(&Level) -> Result<(), String>,
) -> Result<String, String> {
    let before = level.current();
    tracing::warn!(
        directives = before,
        "admin: what is logged is about to be changed"
    );
    change(level)?;
    let now = level.current();
    tracing::warn!(directives = now, "admin: what is logged has been changed");
    Ok(now)
}

fn with(level: Option<Level>, act: impl FnOnce(&Level) -> Result<String, String>) -> Response {
    match level.as_ref().map(act) {
        Some(Ok(current)) => (PLAIN, format!("{current}\n")).into_response(),
        Some(Err(reason)) => (StatusCode::BAD_REQUEST, format!("{reason}\n")).into_response(),
        None => (StatusCode::NOT_FOUND, "this process does not log\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::clock::Clock;
    use crate::quota::{InForce, Limits, Settings};

    async fn limits_of(debug: &Debug) -> String {
        let request = Request::get("/debug/limits").body(Body::empty()).unwrap();
        let response = routes(debug).oneshot(request).await.unwrap();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn limits_are_shown_as_they_are_in_force_and_not_as_they_were_at_the_start() {
        let nothing = "callers are not limited\nthe account's quotas are not guarded\n";
        let debug = Debug::default();
        assert_eq!(limits_of(&debug).await, nothing, "it starts");
        let clock = Clock::manual(std::time::SystemTime::UNIX_EPOCH);
        let settings = Settings {
            in_force: InForce::Always,
            ..Settings::default()
        };
        debug
            .bounds
            .set(Bounds::new(&settings, true, &clock))
            .unwrap();
        assert!(limits_of(&debug).await.starts_with("default-read: "));

        let limits = "[[limits]]\nname = \"few\"\nin_flight = 2\n[account]\nshare = 50\n";
        let limits = Limits::parse(limits).unwrap();
        let bounds = debug.bounds.get().unwrap();
        bounds.limiter.as_ref().unwrap().reload(&limits);
        let guard = bounds.guard.as_ref().unwrap();
        guard.reload(limits.account());
        let wanted = crate::quota::Wanted {
            operation: crate::operation::Operation::GetId,
            region: "eu-west-1",
            flow: Default::default(),
            left: std::time::Duration::from_secs(1),
        };
        guard.admit(wanted).await.unwrap();

        let shown = limits_of(&debug).await;
        assert!(
            shown.starts_with("few: all of each caller: 2 in flight\n"),
            "{shown}"
        );
        let of_account = shown.split_once("default-in-flight").unwrap().1;
        assert_eq!(
            of_account.split_once('\n').unwrap().1,
            "50 % of AWS's quotas; 1024 wait up to 2s, 64 of each caller\n\
             GetId in eu-west-1: 12.5/s, 0 wait\n"
        );
    }
}
