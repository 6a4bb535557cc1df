//! The test issuers of the emulator: a token with one call.
//!
//! Whoever reaches the admin port can sign in as anybody of a test issuer. That is
//! what it is for; tokens of other issuers cannot be had here.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::guard;
use crate::emulator::{Emulator, MintError, Wanted};

/// Who is signed out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignOut {
    issuer: Option<String>,
    subject: String,
}

pub(super) fn routes(emulator: Arc<Emulator>) -> Router {
    Router::new()
        .route("/emulator/issuers/token", post(token))
        .route("/emulator/issuers/sign-out", post(sign_out))
        .route("/emulator/issuers/jwks", get(jwks))
        .with_state(emulator)
}

async fn token(State(emulator): State<Arc<Emulator>>, headers: HeaderMap, body: Bytes) -> Response {
    let wanted: Wanted = match read(&headers, &body) {
        Ok(wanted) => wanted,
        Err(refused) => return refused.into_response(),
    };
    // The first token of an issuer waits for its key.
    match tokio::task::spawn_blocking(move || emulator.mint(wanted)).await {
        Ok(Ok(minted)) => json(&minted),
        Ok(Err(error)) => refuse(&error),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn sign_out(
    State(emulator): State<Arc<Emulator>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wanted: SignOut = match read(&headers, &body) {
        Ok(wanted) => wanted,
        Err(refused) => return refused.into_response(),
    };
    match emulator.sign_out(wanted.issuer.as_deref(), &wanted.subject) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(&error),
    }
}

async fn jwks(State(emulator): State<Arc<Emulator>>) -> Response {
    match tokio::task::spawn_blocking(move || emulator.test_issuers_jwks()).await {
        Ok(keys) => json(&keys),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Reads a body that says it is JSON.
fn read<'a, T: Deserialize<'a>>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<T, (StatusCode, String)> {
    if !guard::is_json(headers) {
        let reason = "send content-type: application/json\n".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))
}

fn refuse(error: &MintError) -> Response {
    let status = match error {
        MintError::UnknownIssuer(_) => StatusCode::NOT_FOUND,
        MintError::NotAUserPool(_) => StatusCode::BAD_REQUEST,
        MintError::KeyUnavailable => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, format!("{error}\n")).into_response()
}

pub(super) fn json(value: &impl Serialize) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    match serde_json::to_string(value) {
        Ok(text) => (headers, format!("{text}\n")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Method, Request};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::clock::Clock;
    use crate::emulator::Settings;

    const USER_POOL: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example";

    #[tokio::test]
    async fn one_call_gives_a_token_that_the_published_keys_verify() {
        let routes = issuers(&[USER_POOL]);

        let wanted = json!({"subject": "ann", "audience": "app", "claims": {"team": "blue"}});
        let (status, minted) = ask(&routes, "token", &wanted).await;
        let (_, keys) = ask(&routes, "jwks", &Value::Null).await;

        assert_eq!(status, 200);
        let minted: Value = serde_json::from_str(&minted).unwrap();
        assert_eq!(
            minted["provider"],
            "cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"
        );
        let token = minted["token"].as_str().unwrap();
        let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&keys).unwrap();
        let id = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&id).unwrap()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.set_audience(&["app"]);
        rules.set_issuer(&[USER_POOL]);
        let claims = jsonwebtoken::decode::<Value>(token, &key, &rules)
            .unwrap()
            .claims;
        assert_eq!(claims["team"], "blue");
        assert_eq!(claims["token_use"], "id");
    }

    #[tokio::test]
    async fn what_cannot_be_signed_is_refused_with_a_reason() {
        let routes = issuers(&["https://a.example", "https://b.example"]);
        let token = |issuer: Value| json!({"issuer": issuer, "subject": "ann", "audience": "app"});
        let cases = [
            (
                "token",
                token(Value::Null),
                404,
                "no such test issuer; there are https://a.example, https://b.example\n",
            ),
            (
                "token",
                token(json!("https://c.example")),
                404,
                "no such test issuer; there are https://a.example, https://b.example\n",
            ),
            (
                "token",
                json!({"audience": "app"}),
                400,
                "missing field `subject` at line 1 column 18\n",
            ),
            (
                "sign-out",
                json!({"issuer": "https://a.example", "subject": "ann"}),
                400,
                "`https://a.example` is not a user pool; only user pools know who is signed out\n",
            ),
        ];
        for (path, body, status, reason) in cases {
            let answer = ask(&routes, path, &body).await;

            assert_eq!(answer, (status, reason.to_owned()), "{body}");
        }
    }

    #[tokio::test]
    async fn a_body_of_another_type_is_refused() {
        let request = Request::post("/emulator/issuers/token").body(Body::from("{}"));

        let response = issuers(&[USER_POOL])
            .oneshot(request.unwrap())
            .await
            .unwrap();

        assert_eq!(response.status(), 415);
    }

    fn issuers(issuers: &[&str]) -> Router {
        let settings = Settings {
            test_issuers: issuers.iter().map(|&issuer| issuer.to_owned()).collect(),
            ..Settings::default()
        };
        routes(Arc::new(Emulator::new(settings, Clock::system())))
    }

    async fn ask(routes: &Router, path: &str, body: &Value) -> (u16, String) {
        let method = if body.is_null() {
            Method::GET
        } else {
            Method::POST
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/emulator/issuers/{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}
