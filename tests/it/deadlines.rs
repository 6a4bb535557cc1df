//! A deadline bounds the call upstream, and a write that passes it is not lost.

use std::time::Duration;

use poolgate::{pb, server, upstream};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::app::App;
use crate::support::wire::Wire;

#[tokio::test(start_paused = true)]
async fn a_read_ends_with_its_callers_deadline() {
    let wire = Wire::silent();
    let mut app = app(&wire).await;
    let mut request = tonic::Request::new(pb::ListIdentityPoolsRequest::default());
    request
        .metadata_mut()
        .insert("grpc-timeout", "300m".parse().unwrap());
    let begun = tokio::time::Instant::now();

    let status = app.client.list_identity_pools(request).await.err().unwrap();

    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "DEADLINE_EXCEEDED"
    );
    let took = begun.elapsed();
    assert!(
        took <= Duration::from_millis(300),
        "paused time, so exact: {took:?}"
    );
    assert_eq!(wire.sent().len(), 1);
    assert_eq!(wire.abandoned(), 1, "the call upstream was dropped");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_reads_that_are_given_up_leave_nothing_upstream() {
    let wire = Wire::silent();
    let app = app(&wire).await;
    for begun_before in 0..1000 {
        let mut client = app.client.clone();
        let read = client.list_identity_pools(pb::ListIdentityPoolsRequest::default());
        let mut read = std::pin::pin!(read);
        while wire.sent().len() == begun_before {
            assert!(futures_util::poll!(read.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    // The last of them may still be on its way out.
    while wire.abandoned() < 1000 {
        tokio::task::yield_now().await;
    }

    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!(wire.sent().len(), 1000, "none is tried again");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_has_ours() {
    let wire = Wire::silent();
    let settings = server::Settings {
        default_deadline: Duration::from_secs(1),
        ..Default::default()
    };
    let mut app = App::with(settings, upstream::Settings::default(), wire.client()).await;
    let begun = tokio::time::Instant::now();

    let status = app
        .client
        .list_identity_pools(pb::ListIdentityPoolsRequest::default())
        .await
        .err()
        .unwrap();

    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(begun.elapsed() <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn too_little_time_is_not_started() {
    let wire = Wire::silent();
    let mut app = app(&wire).await;
    let mut request = tonic::Request::new(pb::ListIdentityPoolsRequest::default());
    request
        .metadata_mut()
        .insert("grpc-timeout", "1n".parse().unwrap());

    let status = app.client.list_identity_pools(request).await.err().unwrap();

    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(wire.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_write_goes_on_when_its_caller_has_gone_and_says_that_its_outcome_is_unknown() {
    let wire = Wire::silent();
    let mut app = app(&wire).await;
    let mut request = tonic::Request::new(pb::CreateIdentityPoolRequest {
        identity_pool_name: "p".to_owned(),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    });
    request
        .metadata_mut()
        .insert("grpc-timeout", "300m".parse().unwrap());

    let status = app
        .client
        .create_identity_pool(request)
        .await
        .err()
        .unwrap();

    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "OUTCOME_UNKNOWN"
    );
    assert_eq!(wire.abandoned(), 0, "the call upstream goes on");
    assert_eq!(app.writes.len(), 1, "and a drain would wait for it");

    // It ends with its own time-out at the latest.
    app.writes.close();
    app.writes.wait().await;
    assert_eq!(wire.sent().len(), 1);
    assert_eq!(wire.abandoned(), 1);
}

async fn app(wire: &Wire) -> App {
    App::wire(wire).await
}
