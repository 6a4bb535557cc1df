//! Who may look after the emulator: tools, and no web page.
//!
//! Any page that somebody has open can make a browser send requests to this machine, or,
//! by a name of its own that leads here, read the answers as well. Browsers say where a
//! request comes from, and under which name it was made.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, StatusCode};

const FETCH_SITE: &str = "sec-fetch-site";

/// Refuses what a web page sends or may read.
pub(super) async fn refuse_pages(request: Request, next: Next) -> Response {
    let refused = |reason: &'static str| (StatusCode::FORBIDDEN, reason).into_response();
    if comes_from_a_page(request.headers()) {
        return refused("web pages may not use this\n");
    }
    if !is_for_this_machine(&request) {
        return refused(
            "the host has to be `localhost` or an IP address here: \
             by another name a web page could be asking\n",
        );
    }
    next.run(request).await
}

/// Whether the body says that it is JSON, which a page cannot send to another origin
/// unasked.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    media_type.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

/// No page is served here, so every origin is another one. `none` is what a person typed.
fn comes_from_a_page(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(FETCH_SITE).iter();
    headers.contains_key(ORIGIN) || sites.any(|site| site != "none" && site != "same-origin")
}

/// Whether every name that the request gives us is one that nobody else can point here.
/// Browsers always give one.
fn is_for_this_machine(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    request.uri().authority().is_none_or(is_local)
        && hosts.all(|host| Authority::try_from(host.as_bytes()).is_ok_and(|host| is_local(&host)))
}

fn is_local(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware;
    use http::HeaderValue;
    use tower::ServiceExt;

    use super::*;

    /// Why, the headers, and the status.
    type Case = (&'static str, &'static [(&'static str, &'static str)], u16);

    #[tokio::test]
    async fn a_request_of_a_page_is_refused_and_one_of_a_tool_is_not() {
        let cases: [Case; 16] = [
            ("a tool", &[("host", "127.0.0.1:9464")], 404),
            ("a tool of before hosts", &[], 404),
            ("by the usual name", &[("host", "LocalHost:9464")], 404),
            ("by version 6", &[("host", "[::1]:9464")], 404),
            ("from another machine", &[("host", "192.0.2.7")], 404),
            ("typed by a person", &[("sec-fetch-site", "none")], 404),
            (
                "of our own, if we had one",
                &[("sec-fetch-site", "same-origin")],
                404,
            ),
            ("of a page", &[("origin", "https://example.com")], 403),
            ("of a page in a frame", &[("origin", "null")], 403),
            (
                "of a page without origin",
                &[("sec-fetch-site", "cross-site")],
                403,
            ),
            (
                "of a page next door",
                &[("sec-fetch-site", "same-site")],
                403,
            ),
            (
                "by a name of the page's",
                &[("host", "example.com:9464")],
                403,
            ),
            (
                "by a name that looks like ours",
                &[("host", "localhost.example.com")],
                403,
            ),
            (
                "by one that looks like an address",
                &[("host", "127.0.0.1.example.com")],
                403,
            ),
            (
                "by two names",
                &[("host", "localhost"), ("host", "example.com")],
                403,
            ),
            ("by no name", &[("host", "")], 403),
        ];
        for (why, headers, status) in cases {
            let mut request = Request::get("/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }

            assert_eq!(ask(request).await, status, "{why}");
        }
        let elsewhere = Request::get("http://example.com/");
        assert_eq!(ask(elsewhere).await, 403, "by an address in full");
    }

    #[test]
    fn json_is_called_by_its_whole_name() {
        for (text, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/jsonevil", false),
            ("text/plain; application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]);

            assert_eq!(is_json(&headers), expected, "{text}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    async fn ask(request: http::request::Builder) -> u16 {
        let routes = Router::new().layer(middleware::from_fn(refuse_pages));
        let request = request.body(Body::empty()).unwrap();
        routes.oneshot(request).await.unwrap().status().as_u16()
    }
}
