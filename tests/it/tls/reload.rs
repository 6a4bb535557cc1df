//! Files that change while calls are made.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use poolgate::pb::ListIdentityPoolsRequest;
use poolgate::server::{self, admin};
use tempfile::TempDir;

use super::server::{Peer, Server, until};
use crate::support::certificates::{Authority, SERVER_NAME};

const NAME: &str = "spiffe://example.org/shop";
const RELOADS: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_the_files_change() {
    let server = Arc::new(Server::start().await);
    let identity = server.authority.client(NAME);
    let ended = Arc::new(AtomicBool::new(false));
    let (kept, fresh) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let request = ListIdentityPoolsRequest {
        max_results: 1,
        ..Default::default()
    };

    let mut callers = Vec::new();
    for keeps in [true, true, false, false] {
        let (server, ended, identity) = (server.clone(), ended.clone(), identity.clone());
        let (count, request) = (if keeps { &kept } else { &fresh }.clone(), request.clone());
        callers.push(tokio::spawn(async move {
            let mut client = server.client(&identity).await.unwrap();
            while !ended.load(Ordering::SeqCst) {
                if !keeps {
                    client = server.client(&identity).await.unwrap();
                }
                client.list_identity_pools(request.clone()).await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }

    for round in 0..RELOADS {
        // A new certificate beside the old key fits nothing, until the key is there, too.
        let next = server.authority.server(SERVER_NAME);
        fs::write(&server.settings.certificate_file, &next.chain).unwrap();
        let half = server.sets.reload().unwrap_err().to_string();
        assert!(half.contains("does not fit"), "{half}");
        next.write(&server.settings);
        server.sets.reload().unwrap();

        let peer = server.greet_as(&identity).await.unwrap();
        assert_eq!(peer.server_certificate(), next.certificates()[0].to_vec());
        // Whatever the speed of this machine, calls are made in each round.
        until(|| kept.load(Ordering::SeqCst) > round && fresh.load(Ordering::SeqCst) > round).await;
    }
    ended.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(server.refused(), 0);
}

#[tokio::test]
async fn a_peer_of_an_authority_that_is_removed_is_told_to_go() {
    let server = Server::start().await;
    let other = Authority::new("other");
    let clients = server.settings.client_ca_file.clone().unwrap();
    fs::write(&clients, server.authority.pem() + &other.pem()).unwrap();
    server.sets.reload().unwrap();
    let stranger = other.client(NAME);
    let mut goes = server.greet_as(&stranger).await.unwrap();
    let mut stays = server.client(&server.authority.client(NAME)).await.unwrap();

    fs::write(&clients, server.authority.pem()).unwrap();
    server.sets.reload().unwrap();

    goes.told_to_go().await;
    assert!(server.greet_as(&stranger).await.is_err());
    let request = ListIdentityPoolsRequest {
        max_results: 1,
        ..Default::default()
    };
    stays.list_identity_pools(request).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_lingers_when_told_to_go_is_cut() {
    let server = Server::with(|_, _| {}, |tls| tls.grace = Duration::from_millis(1)).await;
    let goes = server
        .greet_as(&server.authority.client(NAME))
        .await
        .unwrap();

    let clients = server.settings.client_ca_file.clone().unwrap();
    fs::write(&clients, Authority::new("other").pem()).unwrap();
    server.sets.reload().unwrap();

    // By itself it would not go: it answers nothing.
    goes.closed().await;
    until(|| server.serving.open_connections() == 0).await;
}

#[tokio::test]
async fn a_started_server_takes_new_files_by_itself() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("authority");
    let settings = authority.server_files(folder.path());
    let free = "127.0.0.1:0".parse().unwrap();
    let running = server::start(server::Parts {
        server: server::Settings {
            listen: free,
            ..Default::default()
        },
        tls: Some(settings.clone()),
        admin: admin::Settings { listen: None },
        ..Default::default()
    });
    let running = running.await.unwrap();
    let identity = authority.client(NAME);
    let config = authority.client_config(Some(&identity));
    Peer::greet(running.address, config.clone()).await.unwrap();

    let next = authority.server(SERVER_NAME);
    next.write(&settings);

    let wanted = next.certificates()[0].to_vec();
    loop {
        let peer = Peer::greet(running.address, config.clone()).await.unwrap();
        if peer.server_certificate() == wanted {
            break;
        }
    }
}

#[tokio::test]
async fn a_server_does_not_start_with_a_mistake_in_its_files() {
    let folder = TempDir::new().unwrap();
    let settings = Authority::new("authority").server_files(folder.path());
    fs::write(&settings.key_file, "garbage").unwrap();
    let error = server::start(server::Parts {
        tls: Some(settings),
        admin: admin::Settings { listen: None },
        ..Default::default()
    });

    let error = error.await.unwrap_err().to_string();

    assert!(
        error.starts_with("cannot use the files for TLS: `"),
        "{error}"
    );
    assert!(error.ends_with("server.key`: not PEM"), "{error}");
}
