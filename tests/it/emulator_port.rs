//! The emulator on a socket, under the SDK that applications use.

use aws_sdk_cognitoidentity::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cognitoidentity::{Client, Config};
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::{pb, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::support::house::LONG;

#[tokio::test]
async fn the_socket_and_grpc_show_the_same_pools() {
    let server = server::start(parts()).await.unwrap();
    let sdk = client(&format!("http://{}", server.aws_address.unwrap()));
    let channel = Channel::from_shared(format!("http://{}", server.address)).unwrap();
    let mut grpc = CognitoIdentityServiceClient::new(channel.connect().await.unwrap());

    let created = sdk
        .create_identity_pool()
        .identity_pool_name("seen from both sides")
        .allow_unauthenticated_identities(false)
        .send()
        .await
        .unwrap();

    let request = pb::DescribeIdentityPoolRequest {
        identity_pool_id: created.identity_pool_id().to_owned(),
    };
    let described = grpc.describe_identity_pool(request).await.unwrap();
    let pool = described.into_inner().identity_pool.unwrap();
    assert_eq!(pool.identity_pool_name, "seen from both sides");
}

#[tokio::test]
async fn what_came_over_the_socket_is_there_after_a_restart() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut parts = parts();
    parts.emulator.data_dir = Some(directory.path().to_owned());
    let emulating = server::start_emulating(parts.clone()).await.unwrap();
    let sdk = client(&format!("http://{}", emulating.address));
    let created = sdk
        .create_identity_pool()
        .identity_pool_name("kept")
        .allow_unauthenticated_identities(false)
        .send()
        .await
        .unwrap();
    drop(sdk);
    let (signals, received) = server::signals::Signals::by_hand();
    signals.send(server::signals::Signal::Interrupt).unwrap();
    assert!(emulating.until(received).await);

    let server = server::start(parts).await.unwrap();

    let sdk = client(&format!("http://{}", server.aws_address.unwrap()));
    let described = sdk.describe_identity_pool();
    let id = created.identity_pool_id();
    let described = described.identity_pool_id(id).send().await.unwrap();
    assert_eq!(described.identity_pool_name(), "kept");
}

#[tokio::test]
async fn a_silent_client_does_not_hold_the_end() {
    let emulating = server::start_emulating(parts()).await.unwrap();
    let mut silent = TcpStream::connect(emulating.address).await.unwrap();
    silent.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
    let (signals, received) = server::signals::Signals::by_hand();

    signals.send(server::signals::Signal::Interrupt).unwrap();
    signals.send(server::signals::Signal::Interrupt).unwrap();
    emulating.until(received).await;

    let mut rest = Vec::new();
    // Both an orderly end and a reset are an end.
    let _ = silent.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn bodies_that_do_not_end_leave_memory_for_others() {
    let emulating = server::start_emulating(parts()).await.unwrap();
    let begin =
        |length: usize| format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    let largest = 2 * 1024 * 1024;
    let mut unfinished = Vec::new();
    for _ in 0..16 {
        let mut peer = TcpStream::connect(emulating.address).await.unwrap();
        peer.write_all(begin(largest).as_bytes()).await.unwrap();
        peer.write_all(&vec![b' '; largest - 1]).await.unwrap();
        unfinished.push(peer);
    }
    let ask = async || {
        let mut peer = TcpStream::connect(emulating.address).await.unwrap();
        peer.write_all(begin(99).as_bytes()).await.unwrap();
        peer.write_all(&[b' '; 99]).await.unwrap();
        let mut status = [0; 12];
        peer.read_exact(&mut status).await.unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    let until = async |wanted: &str| while ask().await != wanted {};

    // Once all of them have been read.
    let there = timeout(LONG, until("HTTP/1.1 503")).await;
    drop(unfinished);
    let gone = timeout(LONG, until("HTTP/1.1 400")).await;

    assert!(there.is_ok() && gone.is_ok(), "{there:?} {gone:?}");
}

fn parts() -> server::Parts {
    let free = "127.0.0.1:0".parse().unwrap();
    server::Parts {
        server: server::Settings {
            listen: free,
            ..Default::default()
        },
        tls: None,
        admin: server::admin::Settings { listen: None },
        aws_port: server::aws_port::Settings { listen: Some(free) },
        ..Default::default()
    }
}

fn client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "secret",
            None,
            None,
            "test",
        ))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}
