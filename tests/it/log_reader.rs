//! Whoever reads the log may stall; calls, probes and the end do not wait for it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use serde_json::Value;
use tonic::Request;

use crate::support::admin;
use crate::support::metrics;

/// More than fits into a pipe, which takes 64 KiB, and a line has some hundred bytes.
const CALLS: usize = 500;

#[tokio::test]
async fn a_reader_of_the_log_that_stalls_holds_neither_calls_nor_probes_nor_the_end() {
    let (mut child, stalled, listening) = start();
    let url = format!("http://{}", listening["address"].as_str().unwrap());
    let port: SocketAddr = listening["admin"].as_str().unwrap().parse().unwrap();
    let mut client = CognitoIdentityServiceClient::connect(url).await.unwrap();

    for _ in 0..CALLS {
        let mut request = Request::new(pb::ListIdentityPoolsRequest {
            max_results: 1,
            ..Default::default()
        });
        request.set_timeout(Duration::from_secs(20));
        client.list_identity_pools(request).await.unwrap();
    }

    assert!(admin::get(port, "/readyz").await.contains(" 200 "));
    let metrics = metrics::read(port).await;
    assert_eq!(metrics.handled(), CALLS);
    assert_eq!(metrics.sum("grpc_server_msg_received_total"), CALLS);
    assert_eq!(metrics.sum("grpc_server_msg_sent_total"), CALLS);
    drop(client);
    let status = Command::new("kill").arg(child.id().to_string()).status();
    assert!(status.unwrap().success());
    // Also with whoever reads still there.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(stalled);
}

#[tokio::test]
async fn a_reader_of_the_log_that_has_gone_does_not_either() {
    let (mut child, gone, listening) = start();
    drop(gone);
    let url = format!("http://{}", listening["address"].as_str().unwrap());
    let port: SocketAddr = listening["admin"].as_str().unwrap().parse().unwrap();
    let mut client = CognitoIdentityServiceClient::connect(url).await.unwrap();

    let mut lost = 0;
    for _ in 0..10 {
        let request = pb::ListIdentityPoolsRequest {
            max_results: 1,
            ..Default::default()
        };
        client.list_identity_pools(request).await.unwrap();
        let before = lost;
        metrics::until(port, |metrics| {
            metrics.sum("poolgate_log_lines_lost_total") > before
        })
        .await;
        let metrics = metrics::read(port).await;
        lost = metrics.sum("poolgate_log_lines_lost_total");
    }
    child.kill().unwrap();
    child.wait().unwrap();

    // That a line was lost is nothing to be told of where it would be lost as well.
    assert!(lost < 20, "{lost}");
}

/// The real binary, whose log is read until it serves, and no further.
fn start() -> (Child, BufReader<ChildStderr>, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("serve")
        .env_clear()
        .env("POOLGATE_SERVER__LISTEN", "127.0.0.1:0")
        .env("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0")
        .env("POOLGATE_SERVER__DRAIN_NOTICE", "0s")
        .env("POOLGATE_LOG__FORMAT", "json")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut listening = Value::Null;
    while !listening["address"].is_string() {
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        listening = serde_json::from_str(&line).unwrap();
    }
    (child, log, listening)
}
