//! The call's name, and the refusal of what is not gRPC at all.

use std::sync::Arc;

use futures_util::FutureExt;
use http::header::{ALLOW, CONTENT_TYPE, HOST, TE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tonic::body::Body;

use super::{Answer, Next, Request, Response, Wrap};
use crate::call::RequestId;
use crate::notes::Notes;

/// The header that carries a call's name, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Fills the slot [`RequestId`], notes it, and answers 400, 405 and 415.
///
/// A request without `te: trailers` came through something that cannot carry gRPC (the
/// protocol has the header for that), and one with two names of this server is meant to
/// confuse somebody. Neither name is ever used for a decision.
///
/// A caller's own `x-request-id` is taken over if it is 1 to 128 visible ASCII
/// characters; otherwise the call gets a new one. Every answer carries it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context;

impl Wrap for Context {
    fn around(self: Arc<Self>, mut request: Request, next: Next) -> Answer {
        let request_id = request_id(&request);
        let header = HeaderValue::from_str(request_id.as_str());
        if let Some(notes) = request.extensions().get::<Notes>() {
            notes.set_request_id(&request_id);
        }
        async move {
            let mut response = match not_grpc(&request) {
                Some(refusal) => refusal,
                None => {
                    request.extensions_mut().insert(request_id);
                    next(request).await
                }
            };
            if let Ok(header) = header {
                response.headers_mut().insert(REQUEST_ID, header);
            }
            response
        }
        .boxed()
    }
}

fn request_id(request: &Request) -> RequestId {
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|header| header.to_str().ok())
        .and_then(RequestId::from_caller)
        .unwrap_or_else(RequestId::generate)
}

fn not_grpc(request: &Request) -> Option<Response> {
    if request.method() != Method::POST {
        let message = match *request.method() {
            Method::HEAD => "",
            _ => "gRPC calls are POST requests over HTTP/2; try grpcurl or `poolgate call`\n",
        };
        let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, message);
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return Some(response);
    }
    let content_type = request.headers().get(CONTENT_TYPE);
    if !content_type.is_some_and(is_grpc) {
        return Some(refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content type of gRPC calls is application/grpc or application/grpc+proto\n",
        ));
    }
    if !carries_trailers(request) {
        return Some(refuse(
            StatusCode::BAD_REQUEST,
            "gRPC calls carry `te: trailers`; something between us has taken it out\n",
        ));
    }
    if names_two_servers(request) {
        return Some(refuse(
            StatusCode::BAD_REQUEST,
            "`:authority` and `host` are not the same\n",
        ));
    }
    None
}

fn carries_trailers(request: &Request) -> bool {
    let mut values = request.headers().get_all(TE).iter();
    values.any(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"))
}

fn names_two_servers(request: &Request) -> bool {
    let authority = request.uri().authority().map(|name| name.as_str());
    let mut hosts = request.headers().get_all(HOST).iter();
    let first = hosts.next().map(HeaderValue::as_bytes);
    hosts.next().is_some()
        || first.is_some_and(|host| {
            authority.is_some_and(|name| !host.eq_ignore_ascii_case(name.as_bytes()))
        })
}

fn is_grpc(content_type: &HeaderValue) -> bool {
    let media_type = content_type.as_bytes().split(|&byte| byte == b';').next();
    let media_type = media_type.unwrap_or_default().trim_ascii();
    media_type.eq_ignore_ascii_case(b"application/grpc")
        || media_type.eq_ignore_ascii_case(b"application/grpc+proto")
}

fn refuse(status: StatusCode, message: &'static str) -> Response {
    let mut response = http::Response::new(Body::new(http_body_util::Full::from(message)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grpc_with_protobuf_is_grpc() {
        let cases = [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=utf-8", true),
            ("application/grpc+json", false),
            ("application/grpc-web", false),
            ("application/json", false),
            ("", false),
        ];
        for (content_type, expected) in cases {
            let header = HeaderValue::from_static(content_type);
            assert_eq!(is_grpc(&header), expected, "{content_type}");
        }
    }
}
