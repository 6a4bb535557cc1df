//! The listener for probes and metrics, apart from the one for calls: load on one
//! does not starve the other, and it can stay closed to the outside. Where the emulator
//! is the upstream, its state is looked after here.

mod debug;
mod emulator;
mod guard;
mod issuers;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Router, middleware};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::health::{Health, State, Unfit};
use super::listen;
use crate::caller::network;
use crate::emulator::Emulator;
use crate::telemetry::{Metrics, metrics};

pub use debug::Debug;

/// Probes and scrapers are few.
const MAX_CONNECTIONS: usize = 64;
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// What an operator sets about the admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens; nothing when it is closed.
    pub listen: Option<SocketAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))),
        }
    }
}

/// What is served.
#[derive(Debug)]
pub struct Served {
    /// The life of the process, for probes.
    pub health: Health,
    /// What scrapers read.
    pub metrics: Arc<Metrics>,
    /// The emulator, where there is one: its state and its test issuers.
    pub emulator: Option<Arc<Emulator>>,
    /// What can be looked into from this machine.
    pub debug: Debug,
}

/// Serves probes and metrics on `listener` until `ended`.
pub async fn serve(listener: TcpListener, served: Served, ended: CancellationToken) {
    let Served {
        health,
        metrics,
        emulator,
        debug,
    } = served;
    let mut routes = routes(health, Arc::clone(&metrics), emulator.clone());
    if let Some(emulator) = emulator {
        routes = routes.merge(emulator_routes(emulator));
    }
    let for_this_machine = routes.clone().merge(debug_routes(&debug));
    let mut open = Vec::new();
    loop {
        let stream = tokio::select! {
            () = ended.cancelled() => return,
            stream = listen::accept(&listener, &metrics) => stream,
        };
        let peer = stream.peer_addr();
        let routes = match peer.as_ref().is_ok_and(|peer| is_here(peer.ip())) {
            true => &for_this_machine,
            false => &routes,
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(routes.clone()),
            );
        let ended = ended.clone();
        let serving = tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                // A probe that hangs up half-way is its own affair.
                _ = connection => {}
            }
        });
        let from = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| network(peer.ip()));
        open.push((from, serving.abort_handle()));
        if make_room(&mut open) {
            metrics.admin_connection_crowded_out();
        }
    }
}

/// Ends a connection when there are too many: of the address that has most, the one that is
/// open for longest. Probes take milliseconds, so that whoever holds on to connections only
/// ever pushes out itself, unless it connects faster than that from a probe's own address.
fn make_room(open: &mut Vec<(IpAddr, AbortHandle)>) -> bool {
    open.retain(|(_, connection)| !connection.is_finished());
    if open.len() <= MAX_CONNECTIONS {
        return false;
    }
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for (from, _) in &*open {
        *counts.entry(*from).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    let oldest = most.and_then(|(most, _)| open.iter().position(|(from, _)| *from == most));
    let Some(oldest) = oldest else {
        return false;
    };
    open.remove(oldest).1.abort();
    true
}

fn is_here(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

fn routes(health: Health, metrics: Arc<Metrics>, emulator: Option<Arc<Emulator>>) -> Router {
    let is_broken = move || emulator.as_ref().is_some_and(|one| one.has_lost_a_change());
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route(
            "/readyz",
            get(async move || readiness(health.state(), is_broken())),
        )
        .route(
            "/metrics",
            get(async move || {
                let headers = [
                    (CONTENT_TYPE, metrics::CONTENT_TYPE),
                    (CACHE_CONTROL, "no-store"),
                ];
                (headers, metrics.encode())
            }),
        )
}

/// Everything below `/emulator`, which is not for web pages.
fn emulator_routes(emulator: Arc<Emulator>) -> Router {
    issuers::routes(Arc::clone(&emulator))
        .merge(emulator::routes(emulator))
        .layer(middleware::from_fn(guard::refuse_pages))
}

/// Everything below `/debug`, which is not for web pages either.
fn debug_routes(debug: &Debug) -> Router {
    debug::routes(debug).layer(middleware::from_fn(guard::refuse_pages))
}

fn readiness(state: State, is_broken: bool) -> (StatusCode, String) {
    let mut reasons = match state {
        State::Ready => Vec::new(),
        State::Unfit(unfit) => unfit.into_iter().map(Unfit::reason).collect(),
        State::Starting => vec!["starting"],
        State::Draining => vec!["draining"],
    };
    if is_broken {
        reasons.push("the emulator lost a change on its way to the data directory");
    }
    match reasons.as_slice() {
        [] => (StatusCode::OK, "ready\n".to_owned()),
        reasons => {
            let answer = format!("not ready: {}\n", reasons.join("; "));
            (StatusCode::SERVICE_UNAVAILABLE, answer)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Method, Request};
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tower::ServiceExt;

    use super::*;
    use crate::telemetry::log::Level;

    #[tokio::test]
    async fn readiness_follows_the_life_of_the_process_and_liveness_does_not() {
        let health = Health::new().await;
        for (state, status, reason) in [
            (State::Starting, 503, "not ready: starting\n"),
            (State::Ready, 200, "ready\n"),
            (State::Draining, 503, "not ready: draining\n"),
        ] {
            health.set(state).await;

            let ready = ask(&health, Method::GET, "/readyz").await;
            let alive = ask(&health, Method::GET, "/livez").await;

            assert_eq!((ready.0, ready.2.as_str()), (status, reason));
            assert_eq!(alive.0, 200);
        }
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let unfit = State::Unfit([Unfit::Journal, Unfit::Keys].into());
        for (state, is_broken, reasons) in [
            (
                unfit,
                false,
                "the audit journal cannot be written; the keys of no issuer of tokens are at hand",
            ),
            (
                State::Ready,
                true,
                "the emulator lost a change on its way to the data directory",
            ),
        ] {
            let (status, text) = readiness(state, is_broken);

            assert_eq!(status, 503);
            assert_eq!(text, format!("not ready: {reasons}\n"));
        }
    }

    #[tokio::test]
    async fn metrics_come_as_openmetrics_text() {
        let health = Health::new().await;

        let (status, content_type, text) = ask(&health, Method::GET, "/metrics").await;

        assert_eq!(status, 200);
        assert_eq!(
            content_type,
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        assert!(text.contains("poolgate_build_info{version="), "{text}");
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        let health = Health::new().await;

        assert_eq!(ask(&health, Method::GET, "/").await.0, 404);
        assert_eq!(ask(&health, Method::POST, "/metrics").await.0, 405);
    }

    #[tokio::test]
    async fn whoever_holds_on_to_connections_does_not_keep_probes_out() {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Arc::new(Metrics::new());
        let served = Served {
            health: Health::new().await,
            metrics: Arc::clone(&metrics),
            emulator: None,
            debug: Debug::default(),
        };
        let _serving = tokio::spawn(serve(listener, served, CancellationToken::new()));
        let mut held = Vec::new();
        for _ in 0..MAX_CONNECTIONS + 1 {
            let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
            let never_ends =
                b"PUT /debug/log-level HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n";
            peer.write_all(never_ends).await.unwrap();
            held.push(peer);
        }

        let mut probe = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        probe.write_all(request).await.unwrap();
        let mut answer = String::new();
        probe.read_to_string(&mut answer).await.unwrap();

        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let text = metrics.encode();
        let counted = "poolgate_admin_connections_crowded_out_total 2\n";
        assert!(text.contains(counted), "{text}");
        assert_eq!(held[0].read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn probes_are_answered_over_a_socket_until_the_end() {
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let ended = CancellationToken::new();
        let health = Health::new().await;
        let metrics = Arc::new(Metrics::new());
        let served = Served {
            health,
            metrics,
            emulator: None,
            debug: Debug::default(),
        };
        let serving = tokio::spawn(serve(listener, served, ended.clone()));

        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();

        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        ended.cancel();
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn no_path_of_the_emulator_is_for_web_pages() {
        let settings = crate::emulator::Settings::default();
        let emulator = Arc::new(Emulator::new(settings, crate::clock::Clock::system()));
        for (method, path) in [
            ("GET", "snapshot"),
            ("PUT", "snapshot"),
            ("POST", "reset"),
            ("GET", "faults"),
            ("PUT", "faults"),
            ("DELETE", "faults"),
            ("GET", "clock"),
            ("POST", "clock"),
            ("POST", "issuers/token"),
            ("POST", "issuers/sign-out"),
            ("GET", "issuers/jwks"),
        ] {
            for (name, value) in [
                ("host", "example.com:9464"),
                ("origin", "https://example.com"),
                ("sec-fetch-site", "cross-site"),
            ] {
                let request = Request::builder()
                    .method(method)
                    .uri(format!("/emulator/{path}"))
                    .header("content-type", "application/json")
                    .header(name, value)
                    .body(Body::from("{}"))
                    .unwrap();

                let routes = emulator_routes(Arc::clone(&emulator));
                let response = routes.oneshot(request).await.unwrap();

                assert_eq!(response.status(), 403, "{method} {path}, {name}: {value}");
            }
        }
    }

    #[tokio::test]
    async fn the_log_level_is_changed_by_what_is_one_and_by_nothing_else() {
        let (level, _filter) = Level::new("info").unwrap();
        let debug = Debug {
            configuration: "[server]\n".to_owned(),
            level: Some(level),
            ..Default::default()
        };
        for (method, body, status, answer, why) in [
            ("GET", "", 200, "info\n", "the level of the configuration"),
            (
                "PUT",
                "warn,poolgate::server=debug\n",
                200,
                "warn,poolgate::server=debug\n",
                "a level",
            ),
            (
                "PUT",
                "lout",
                400,
                "`lout` is not one of off, error, warn, info, debug, trace\n",
                "no level",
            ),
            (
                "GET",
                "",
                200,
                "warn,poolgate::server=debug\n",
                "what is wrong changes nothing",
            ),
            ("DELETE", "", 200, "info\n", "back to the configuration"),
        ] {
            let request = Request::builder()
                .method(method)
                .uri("http://127.0.0.1/debug/log-level")
                .header("host", "127.0.0.1:9464")
                .body(Body::from(body))
                .unwrap();

            let response = debug_routes(&debug).oneshot(request).await.unwrap();

            assert_eq!(response.status(), status, "{why}");
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(bytes, answer.as_bytes(), "{why}");
        }
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.0.2.1", false),
            ("::ffff:192.0.2.1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_here(address.parse().unwrap()), expected, "{address}");
        }
    }

    async fn ask(health: &Health, method: Method, path: &str) -> (u16, String, String) {
        let routes = routes(health.clone(), Arc::new(Metrics::new()), None);
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let response = routes.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (status, content_type, text)
    }
}
