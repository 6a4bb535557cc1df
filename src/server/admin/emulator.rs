//! Looking after the emulator: showing its state, bringing it back, forgetting it, setting
//! its faults and its clock.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::sync::Semaphore;

use crate::emulator::{Emulator, RestoreError};

mod clock;
mod faults;

/// The largest snapshot that is taken back: about a million identities.
const LARGEST_SNAPSHOT: usize = 512 * 1024 * 1024;

/// The largest body that any other path takes.
const LARGEST_SETTING: usize = 1024 * 1024;

/// The paths below `/emulator`.
pub(super) fn routes(emulator: Arc<Emulator>) -> Router {
    let one = Arc::new(Semaphore::new(1));
    let state = Router::new()
        .route("/emulator/snapshot", get(snapshot).put(restore))
        .layer(DefaultBodyLimit::max(LARGEST_SNAPSHOT))
        .layer(from_fn(move |request, next| {
            one_at_a_time(Arc::clone(&one), request, next)
        }));
    Router::new()
        .route("/emulator/reset", post(reset))
        .route(
            "/emulator/faults",
            get(faults::show).put(faults::set).delete(faults::clear),
        )
        .route("/emulator/clock", get(clock::show).post(clock::turn))
        .layer(DefaultBodyLimit::max(LARGEST_SETTING))
        .merge(state)
        .with_state(emulator)
}

/// Each may take as much memory as a snapshot has.
async fn one_at_a_time(one: Arc<Semaphore>, request: Request, next: Next) -> Response {
    match one.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            let reason = "another snapshot is under way\n";
            (StatusCode::SERVICE_UNAVAILABLE, reason).into_response()
        }
    }
}

async fn snapshot(State(emulator): State<Arc<Emulator>>) -> Response {
    apart(move || {
        let json = emulator
            .snapshot()
            .and_then(|snapshot| Ok(serde_json::to_vec(&snapshot)?));
        match json {
            Ok(json) => {
                let headers = [
                    (CONTENT_TYPE, "application/json"),
                    (CACHE_CONTROL, "no-store"),
                ];
                (headers, json).into_response()
            }
            Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error),
        }
    })
    .await
}

async fn restore(State(emulator): State<Arc<Emulator>>, body: Bytes) -> Response {
    apart(move || match serde_json::from_slice(&body) {
        Ok(snapshot) => answer(emulator.restore(snapshot)),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error),
    })
    .await
}

async fn reset(State(emulator): State<Arc<Emulator>>) -> Response {
    apart(move || answer(emulator.reset())).await
}

/// Away from threads that serve others: a large state takes seconds, a disk its time.
async fn apart(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(response) => response,
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

fn answer(result: Result<(), RestoreError>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error @ (RestoreError::NotASnapshot(_) | RestoreError::Newer(_))) => {
            refused(StatusCode::BAD_REQUEST, &error)
        }
        Err(error @ RestoreError::NotKept) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

fn refused(status: StatusCode, error: &dyn std::error::Error) -> Response {
    (status, format!("{error}\n")).into_response()
}

#[cfg(test)]
pub(super) mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::clock::Clock;
    use crate::emulator::Settings;

    #[tokio::test]
    async fn a_snapshot_is_shown_and_brought_back_after_a_reset() {
        let emulator = emulator();
        create_pool(&emulator);
        let (status, before) = ask(&emulator, "GET", "/emulator/snapshot", "").await;
        assert_eq!(status, 200);

        assert_eq!(ask(&emulator, "POST", "/emulator/reset", "").await.0, 204);
        assert_eq!(pools(&emulator).await, 0);
        let restored = ask(&emulator, "PUT", "/emulator/snapshot", &before).await;

        assert_eq!(restored.0, 204);
        assert_eq!(pools(&emulator).await, 1);
    }

    #[tokio::test]
    async fn one_snapshot_is_taken_at_a_time() {
        let routes = routes(emulator());
        let put = |body| {
            let request = Request::put("/emulator/snapshot").body(body).unwrap();
            routes.clone().oneshot(request)
        };
        let endless =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>());
        let another = async || put(Body::from("{")).await.unwrap().status();

        let mut first = Box::pin(put(endless));
        assert!(first.as_mut().now_or_never().is_none());
        assert_eq!(another().await, StatusCode::SERVICE_UNAVAILABLE);
        drop(first);

        assert_eq!(another().await, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn what_is_not_a_snapshot_is_refused_and_changes_nothing() {
        let emulator = emulator();
        create_pool(&emulator);
        let cases = [
            ("{", "EOF while parsing an object at line 1 column 1\n"),
            (
                "{}",
                "not a snapshot of the emulator: `kind` is not `poolgate-emulator-snapshot`\n",
            ),
        ];
        for (body, text) in cases {
            let answer = ask(&emulator, "PUT", "/emulator/snapshot", body).await;

            assert_eq!(answer, (400, text.to_owned()));
            assert_eq!(pools(&emulator).await, 1);
        }
    }

    #[tokio::test]
    async fn only_a_snapshot_may_be_large() {
        let emulator = emulator();
        let large = " ".repeat(LARGEST_SETTING + 1);
        for (method, path, status) in [
            ("PUT", "/emulator/faults", 413),
            ("POST", "/emulator/clock", 413),
            ("PUT", "/emulator/snapshot", 400),
        ] {
            assert_eq!(
                ask(&emulator, method, path, &large).await.0,
                status,
                "{path}"
            );
        }
    }

    pub(super) fn emulator() -> Arc<Emulator> {
        emulator_with(Settings::default())
    }

    pub(super) fn emulator_with(settings: Settings) -> Arc<Emulator> {
        Arc::new(Emulator::new(settings, Clock::system()))
    }

    fn create_pool(emulator: &Emulator) {
        let body = json!({"IdentityPoolName": "pool", "AllowUnauthenticatedIdentities": true});
        let request = http::Request::post("/")
            .header("authorization", "AWS4-HMAC-SHA256 x")
            .header(
                "x-amz-target",
                "AWSCognitoIdentityService.CreateIdentityPool",
            )
            .body(Bytes::from(body.to_string()))
            .unwrap();
        assert_eq!(emulator.handle(&request).status(), 200);
    }

    async fn pools(emulator: &Arc<Emulator>) -> usize {
        let (_, snapshot) = ask(emulator, "GET", "/emulator/snapshot", "").await;
        let snapshot: Value = serde_json::from_str(&snapshot).unwrap();
        snapshot["pools"].as_array().unwrap().len()
    }

    pub(super) async fn ask(
        emulator: &Arc<Emulator>,
        method: &str,
        path: &str,
        body: &str,
    ) -> (u16, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = routes(Arc::clone(emulator)).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }
}
