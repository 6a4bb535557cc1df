use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::*;
use crate::server::signals::Signal;

#[tokio::test]
async fn a_started_server_says_serving_and_ends_at_a_signal() {
    let running = start(parts()).await.unwrap();
    let (sender, signals) = Signals::by_hand();
    let mut client = HealthClient::new(testing::connect(running.address).await);

    for service in ["", crate::pb::SERVICE_NAME] {
        let service = service.to_owned();
        let answer = client.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    drop(client);
    sender.send(Signal::Interrupt).unwrap();
    let outcome = running.until(signals).await;

    assert!(outcome.is_clean());
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_key() {
    let first = start(parts()).await.unwrap();
    let mut second = parts();
    second.admin.listen = first.admin_address;

    let error = start(second).await.unwrap_err().to_string();

    let address = first.admin_address.unwrap();
    let expected = format!("cannot listen on {address}, set by `admin.listen`");
    assert!(error.starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_data_directory_in_use_stops_the_start() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut parts = parts();
    parts.emulator.data_dir = Some(directory.path().to_owned());
    let _first = start(parts.clone()).await.unwrap();

    let error = start(parts).await.unwrap_err().to_string();

    assert!(error.ends_with("is in use by another process"), "{error}");
}

#[tokio::test]
async fn reflection_is_served_unless_it_is_switched_off() {
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    for (reflection, refusal) in [(true, None), (false, Some("12"))] {
        let mut parts = parts();
        parts.server.reflection = reflection;
        let metrics = Arc::new(Metrics::new());
        let health = Health::new().await;
        let clock = Clock::system();
        let upstream = upstream(&parts, None, &TaskTracker::new(), &clock, &metrics).await;
        let rules = Rules::open(&parts.authn, &parts.policy, &clock).unwrap();
        let service = stack::whole(
            &parts.server,
            &rules,
            None,
            Arc::new(upstream),
            &health,
            &metrics,
            &clock,
        )
        .unwrap();

        let request = http::Request::post(path)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let request = request.body(tonic::body::Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(service, request).await.unwrap();

        let status = response.headers().get("grpc-status");
        assert_eq!(status.map(|code| code.to_str().unwrap()), refusal);
    }
}

fn parts() -> Parts {
    let free = "127.0.0.1:0".parse().unwrap();
    Parts {
        server: Settings {
            listen: free,
            ..Settings::default()
        },
        tls: None,
        admin: admin::Settings { listen: Some(free) },
        ..Parts::default()
    }
}
