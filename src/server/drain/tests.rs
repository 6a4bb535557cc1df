use std::sync::Arc;

use http::Request;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

use super::*;
use crate::server::testing::{LIMITS, RawPeer, call, connect, read_all, says, serve, until};

const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(50);
#[tokio::test]
async fn silent_half_open_and_idle_peers_cannot_hold_the_process() {
    let (address, serving, _) = serve(service_fn(read_all), LIMITS);
    let _silent = RawPeer::silent(address).await;
    let _idle = RawPeer::greet(address).await;
    let mut half_open = RawPeer::greet(address).await;
    half_open.begin_request().await;
    until(|| serving.open_connections() == 3 && serving.open_calls() == 1).await;

    let outcome = end(Signal::Interrupt, NEVER, SOON, &serving).await;

    assert_eq!(outcome.calls_cut, 1);
    assert_eq!(outcome.connections_cut, 2);
    assert!(!outcome.is_clean());
    assert_eq!(outcome.grace_left, Duration::ZERO);
    assert_eq!(serving.open_connections(), 0);
}

#[tokio::test]
async fn a_peer_without_calls_that_never_says_goodbye_counts_as_nothing_lost() {
    let (address, serving, _) = serve(service_fn(read_all), LIMITS);
    let mut idle = RawPeer::greet(address).await;
    idle.receive().await.unwrap();

    let outcome = end(Signal::Interrupt, NEVER, SOON, &serving).await;

    assert!(outcome.is_clean());
    assert_eq!(outcome.connections_cut, 1);
}

#[tokio::test]
async fn a_call_under_way_is_answered_before_the_end() {
    let gate = Arc::new(Semaphore::new(0));
    let (address, serving, _) = serve(waits_for(&gate), LIMITS);
    let calling = tokio::spawn(call(address));
    until(|| serving.open_calls() == 1).await;

    let ending = end(Signal::Interrupt, NEVER, NEVER, &serving);
    let (outcome, answer) = tokio::join!(ending, async {
        gate.add_permits(1);
        calling.await.unwrap()
    });

    assert_eq!(answer, "waited");
    assert!(outcome.is_clean());
    assert_eq!(outcome.connections_cut, 0);
    assert!(outcome.grace_left > Duration::ZERO);
}

#[tokio::test]
async fn calls_are_still_taken_during_the_notice() {
    let health = Health::new().await;
    health.set(State::Ready).await;
    let (address, serving, _) = serve(health.service(), LIMITS);
    let (sender, mut signals) = Signals::by_hand();
    let settings = Settings {
        notice: NEVER,
        grace: NEVER,
    };
    let writes = TaskTracker::new();
    let ending = drain(
        &settings,
        Signal::Terminate,
        &mut signals,
        &health,
        &serving,
        &writes,
    );

    let (_, status) = tokio::join!(ending, async {
        until(|| health.state() == State::Draining).await;
        let mut client = HealthClient::new(connect(address).await);
        let answer = client.check(HealthCheckRequest::default()).await.unwrap();
        sender.send(Signal::Terminate).unwrap();
        answer.into_inner().status()
    });

    let not_serving = tonic_health::pb::health_check_response::ServingStatus::NotServing;
    assert_eq!(status, not_serving);
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_counts_what_is_cut() {
    let gate = Arc::new(Semaphore::new(0));
    let (address, serving, _) = serve(waits_for(&gate), LIMITS);
    let calling = tokio::spawn(call(address));
    until(|| serving.open_calls() == 1).await;
    let (sender, mut signals) = Signals::by_hand();
    sender.send(Signal::Interrupt).unwrap();
    let settings = Settings {
        notice: NEVER,
        grace: NEVER,
    };

    let outcome = drain(
        &settings,
        Signal::Terminate,
        &mut signals,
        &Health::new().await,
        &serving,
        &TaskTracker::new(),
    )
    .await;

    assert_eq!(outcome.calls_cut, 1);
    assert_eq!(outcome.grace_left, Duration::ZERO);
    assert_ne!(calling.await.unwrap(), "waited");
    until(|| serving.open_calls() == 0).await;
}

#[tokio::test]
async fn a_probe_that_never_ends_is_no_call_that_is_cut() {
    let arrived = Arc::new(Semaphore::new(0));
    let arrival = Arc::clone(&arrived);
    let service = service_fn(move |_: Request<Body>| {
        arrival.add_permits(1);
        std::future::pending()
    });
    let (address, serving, _) = serve(service, LIMITS);
    let _probing = tokio::spawn(async move {
        let mut client = HealthClient::new(connect(address).await);
        client.check(HealthCheckRequest::default()).await
    });
    let _arrived = arrived.acquire().await.unwrap();

    let outcome = end(Signal::Interrupt, NEVER, NEVER, &serving).await;

    assert!(outcome.is_clean());
    assert_eq!(outcome.connections_cut, 1);
}

#[tokio::test]
async fn who_watches_health_does_not_hold_the_process() {
    let health = Health::new().await;
    let (address, serving, _) = serve(health.service(), LIMITS);
    let mut client = HealthClient::new(connect(address).await);
    let mut statuses = client
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let (_sender, mut signals) = Signals::by_hand();
    let settings = Settings {
        notice: NEVER,
        grace: NEVER,
    };

    let writes = TaskTracker::new();
    let ending = drain(
        &settings,
        Signal::Interrupt,
        &mut signals,
        &health,
        &serving,
        &writes,
    );
    let (outcome, ()) = tokio::join!(ending, async {
        while statuses.message().await.unwrap().is_some() {}
    });

    assert!(outcome.is_clean());
    assert_eq!(outcome.connections_cut, 0);
}

#[tokio::test]
async fn a_write_upstream_is_waited_for_and_counted_when_it_does_not_end() {
    let (_, serving, _) = serve(service_fn(read_all), LIMITS);
    let (_sender, mut signals) = Signals::by_hand();
    let health = Health::new().await;
    for (write_ends, writes_cut) in [(true, 0), (false, 1)] {
        let writes = TaskTracker::new();
        writes.spawn(async move {
            if !write_ends {
                std::future::pending::<()>().await;
            }
        });
        let settings = Settings {
            notice: NEVER,
            grace: SOON,
        };

        let outcome = drain(
            &settings,
            Signal::Interrupt,
            &mut signals,
            &health,
            &serving,
            &writes,
        )
        .await;

        assert_eq!(outcome.writes_cut, writes_cut);
        assert_eq!(outcome.is_clean(), write_ends);
    }
}

async fn end(first: Signal, notice: Duration, grace: Duration, serving: &Serving) -> Outcome {
    let (_sender, mut signals) = Signals::by_hand();
    let health = Health::new().await;
    let settings = Settings { notice, grace };
    let writes = TaskTracker::new();
    drain(&settings, first, &mut signals, &health, serving, &writes).await
}

fn waits_for(gate: &Arc<Semaphore>) -> impl crate::server::listen::Grpc + Sync {
    let gate = Arc::clone(gate);
    service_fn(move |_: Request<Body>| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            says("waited")
        }
    })
}
