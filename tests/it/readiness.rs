//! What load balancers are told of a process that is set up and cannot serve as it should.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tempfile::TempDir;
use tonic::transport::Endpoint;
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt;

use crate::support::admin;
use crate::support::fake_aws::{FakeAws, good, refusal};
use crate::support::guarded::{Bearer, EVERYTHING, Guarded, sha256};
use crate::support::metrics;
use crate::support::process::Process;
use crate::support::tokens::Issuer;

const SERVING: ServingStatus = ServingStatus::Serving;
const NOT_SERVING: ServingStatus = ServingStatus::NotServing;
const ADMIN: (&str, &str) = ("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0");
const PROBED: [(&str, &str); 2] = [ADMIN, ("POOLGATE_UPSTREAM__PROBE_INTERVAL", "1s")];

/// AWS as it is at the moment.
const WELL: usize = 0;
const BROKEN: usize = 1;
const STRANGER: usize = 2;
const NOT_ALLOWED: usize = 3;

/// An AWS whose state can be changed.
async fn aws(state: usize) -> (FakeAws, Arc<AtomicUsize>) {
    let state = Arc::new(AtomicUsize::new(state));
    let told = Arc::clone(&state);
    let aws = FakeAws::answering(move |operation, _| {
        assert_eq!(operation, "ListIdentityPools");
        match told.load(Ordering::SeqCst) {
            WELL => good(r#"{"IdentityPools":[]}"#),
            BROKEN => refusal("500 Internal Server Error", "InternalErrorException"),
            STRANGER => refusal("400 Bad Request", "UnrecognizedClientException"),
            _ => refusal("400 Bad Request", "AccessDeniedException"),
        }
        .into_bytes()
    });
    (aws.await, state)
}

#[tokio::test]
async fn a_process_whose_upstream_is_probed_is_ready_while_it_answers() {
    let (aws, state) = aws(WELL).await;
    let house = Guarded::start_with(&aws.url, EVERYTHING, &PROBED);
    let mut watched = watch(house.address()).await;

    until(&mut watched, SERVING).await;
    assert!(ready(house.admin()).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(succeeded(house.admin()).await, 1);

    state.store(BROKEN, Ordering::SeqCst);
    until(&mut watched, NOT_SERVING).await;
    let answer = ready(house.admin()).await;
    let reason = "not ready: no target of the upstream answers its probe";
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains(reason), "{answer}");
    assert_eq!(succeeded(house.admin()).await, 0);
    let alive = admin::get(house.admin(), "/livez").await;
    assert!(alive.starts_with("HTTP/1.1 200 "), "{alive}");

    state.store(WELL, Ordering::SeqCst);
    until(&mut watched, SERVING).await;
}

#[tokio::test]
async fn credentials_that_aws_does_not_know_are_found_before_the_first_call() {
    let (aws, state) = aws(STRANGER).await;
    let house = Guarded::start_with(&aws.url, EVERYTHING, &PROBED);
    let mut watched = watch(house.address()).await;
    metrics::until(house.admin(), |metrics| {
        metrics
            .text()
            .contains("poolgate_upstream_probe_success{} 0")
    })
    .await;
    assert_eq!(next(&mut watched).await, NOT_SERVING);

    // Good ones that may not list pools are good ones.
    state.store(NOT_ALLOWED, Ordering::SeqCst);
    until(&mut watched, SERVING).await;
}

#[tokio::test]
async fn without_a_probe_nothing_is_asked_and_an_outage_is_no_reason_to_leave_service() {
    let (aws, _) = aws(BROKEN).await;
    let house = Guarded::start_with(&aws.url, EVERYTHING, &[ADMIN]);

    let mut watched = watch(house.address()).await;

    assert_eq!(next(&mut watched).await, SERVING);
    assert_eq!(aws.requests(), 0);
    let metrics = metrics::read(house.admin()).await;
    assert!(!metrics.text().contains("poolgate_upstream_probe_success{"));
}

#[tokio::test]
async fn who_knows_callers_by_their_issuer_alone_is_not_ready_without_its_keys() {
    // Nobody listens there.
    let issuer = Issuer::new("http://127.0.0.1:9");
    let folder = TempDir::new().unwrap();
    let callers = folder.path().join("callers.toml");
    std::fs::write(&callers, issuer.row("")).unwrap();
    let policies = folder.path().join("house.cedar");
    std::fs::write(&policies, EVERYTHING).unwrap();
    let house = Process::start(&[
        ("POOLGATE_AUTHN__CALLERS_FILE", callers.to_str().unwrap()),
        ("POOLGATE_POLICY__FILES", policies.to_str().unwrap()),
        ("POOLGATE_AUDIT__UNRECORDED", "everywhere"),
        ADMIN,
    ]);
    let mut watched = watch(house.address.parse().unwrap()).await;

    assert_eq!(next(&mut watched).await, NOT_SERVING);
    let answer = ready(house.admin().unwrap()).await;
    let reason = "the keys of no issuer of tokens are at hand";
    assert!(answer.contains(&format!("not ready: {reason}")), "{answer}");
    let told = |line: &String| line.contains("health: not ready") && line.contains(reason);
    assert_eq!(house.log().iter().filter(|line| told(line)).count(), 1);

    // A good token is not called a bad one, however often it comes.
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    let bearer = Bearer::new(&format!("Bearer {}", issuer.token("shop", now)));
    let mut client = CognitoIdentityServiceClient::with_interceptor(house.channel().await, bearer);
    for _ in 0..200 {
        let request = pb::ListIdentityPoolsRequest::default();
        let status = client.list_identity_pools(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "KEYS_UNAVAILABLE");
    }

    // Others can be told who they are, so that it serves them.
    let others = format!(
        "{}[[tokens]]\nname = \"shop\"\nsha256 = \"{}\"\nroles = []\n",
        issuer.row(""),
        sha256("a-token-of-this-test-with-enough-bits")
    );
    std::fs::write(&callers, others).unwrap();
    until(&mut watched, SERVING).await;
}

async fn watch(address: SocketAddr) -> Streaming<HealthCheckResponse> {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    let watched = client.watch(HealthCheckRequest::default()).await.unwrap();
    watched.into_inner()
}

async fn next(watched: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    watched.message().await.unwrap().unwrap().status()
}

async fn until(watched: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
    while next(watched).await != status {}
}

async fn ready(admin: SocketAddr) -> String {
    admin::get(admin, "/readyz").await
}

async fn succeeded(admin: SocketAddr) -> usize {
    let metrics = metrics::read(admin).await;
    metrics.sum("poolgate_upstream_probe_success")
}
