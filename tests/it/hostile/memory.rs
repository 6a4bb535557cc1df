//! Memory, of which there is enough whoever connects.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use poolgate::pb::ListIdentityPoolsRequest;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::slow::{announce, refused};
use crate::support::certificates::{Authority, SERVER_NAME};
use crate::support::memory_limit::MemoryLimit;
use crate::support::process::Process;
use crate::support::raw::{ACK, RawPeer, SETTINGS};
use crate::support::siege::soon;
use crate::support::told::told;

/// As many connections as there may be.
const MOST_CONNECTIONS: usize = 2_000;
/// What each may take, in KiB: all of them are to fit into 150 MiB beside the 28 MiB of a
/// release binary that is idle.
const EACH: usize = (150 - 28) * 1024 / MOST_CONNECTIONS;
/// What all may take together with calls and with an attack, in KiB, and what the kernel
/// kills above.
const MOST: usize = 220 * 1024;
const KILLED_ABOVE: usize = 256 * 1024 * 1024;

const CALLERS: usize = 8;
const ATTACKERS: usize = 20;

/// For as many as there may be: `POOLGATE_TEST_CONNECTIONS=2000`.
#[tokio::test(flavor = "multi_thread")]
async fn connections_with_certificates_take_no_more_memory_than_there_is_for_them() {
    let count = told("POOLGATE_TEST_CONNECTIONS").unwrap_or(400);
    let secured = Secured::start(None);
    // What the process needs for any of them.
    let mut idle = secured.idle(100).await;
    let (before, _) = secured.process.usage();
    idle.extend(secured.idle(count).await);

    let growth = secured.process.usage().0 - before;
    println!("T-C7 certificates: {count} connections, {before} KiB and {growth} KiB more");
    assert!(growth <= count * EACH, "{before} KiB and {growth} more");
}

/// Idle connections, announced messages of 4 GiB and calls at once, within a limit of the
/// kernel's where the test may set one. Whole, with 2,000 connections and 1,000 calls in a
/// second, for as many seconds as it says: `POOLGATE_TEST_MEMORY=60`.
#[tokio::test(flavor = "multi_thread")]
async fn all_at_once_fit_into_256_mib() {
    let whole: Option<u64> = told("POOLGATE_TEST_MEMORY");
    let (count, rate) = match whole {
        Some(_) => (MOST_CONNECTIONS, 1_000),
        None => (400, 80),
    };
    let span = Duration::from_secs(whole.unwrap_or(3));
    let limit = MemoryLimit::new(KILLED_ABOVE);
    let secured = Secured::start(limit.as_ref().ok());
    let _idle = secured.idle(count - CALLERS - ATTACKERS).await;

    let until = Instant::now() + span;
    let mut calls = JoinSet::new();
    for _ in 0..CALLERS {
        calls.spawn(call(secured.channel().await, rate / CALLERS, until));
    }
    let mut attacks = 0;
    while Instant::now() < until {
        let mut attackers = secured.idle(ATTACKERS).await;
        for attacker in &mut attackers {
            announce(attacker).await;
        }
        for attacker in &mut attackers {
            refused(attacker).await;
        }
        attacks += 1;
    }
    let called: usize = calls.join_all().await.into_iter().sum();

    let peak = secured.process.peak();
    println!(
        "R19: {count} connections, {called} calls, {attacks} attacks in {span:?}: {peak} KiB at \
         most, limit {:?}",
        limit.as_ref().map(|_| KILLED_ABOVE)
    );
    let most = MOST - (MOST_CONNECTIONS - count) * EACH;
    assert!(peak <= most, "{peak} KiB of {most}");
}

/// The real binary with TLS, and somebody with a certificate.
struct Secured {
    process: Process,
    connector: TlsConnector,
    _directory: TempDir,
}

impl Secured {
    fn start(limit: Option<&MemoryLimit>) -> Self {
        let directory = TempDir::new().unwrap();
        let authority = Authority::new("callers");
        let settings = authority.server_files(directory.path());
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let [certificate, key, clients] = [
            path(&settings.certificate_file),
            path(&settings.key_file),
            path(settings.client_ca_file.as_ref().unwrap()),
        ];
        let most = (MOST_CONNECTIONS + 1_000).to_string();
        let environment = [
            ("POOLGATE_TLS__CERTIFICATE_FILE", certificate.as_str()),
            ("POOLGATE_TLS__KEY_FILE", &key),
            ("POOLGATE_TLS__CLIENT_CA_FILE", &clients),
            ("POOLGATE_SERVER__MAX_CONNECTIONS_PER_ADDRESS", &most),
            ("POOLGATE_SERVER__MAX_CONNECTIONS", &most),
        ];
        let process = match limit {
            Some(limit) => Process::start_within(limit, &environment),
            None => Process::start(&environment),
        };
        let identity = authority.client("spiffe://example.org/shop");
        Self {
            process,
            connector: TlsConnector::from(Arc::new(authority.client_config(Some(&identity)))),
            _directory: directory,
        }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(&self.process.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        soon(self.connector.connect(name, stream)).await.unwrap()
    }

    /// So many that have greeted.
    async fn idle(&self, count: usize) -> Vec<RawPeer<TlsStream<TcpStream>>> {
        let mut idle = Vec::new();
        for _ in 0..count {
            let mut peer = RawPeer::greet(self.connect().await).await;
            assert_eq!(soon(peer.receive()).await.unwrap().kind, SETTINGS);
            peer.send(SETTINGS, ACK, 0, &[]).await;
            idle.push(peer);
        }
        idle
    }

    async fn channel(&self) -> Channel {
        let mut stream = Some(TokioIo::new(self.connect().await));
        let connector = service_fn(move |_| {
            let stream = stream.take().ok_or(io::ErrorKind::NotConnected);
            async move { stream.map_err(io::Error::from) }
        });
        let endpoint = Endpoint::from_static("http://poolgate");
        endpoint.connect_with_connector(connector).await.unwrap()
    }
}

/// Calls so often in a second; how many calls were made?
async fn call(channel: Channel, rate: usize, until: Instant) -> usize {
    let mut client = CognitoIdentityServiceClient::new(channel);
    let mut pace = interval(Duration::from_secs(1) / rate as u32);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut calls = 0;
    while Instant::now() < until {
        pace.tick().await;
        let request = ListIdentityPoolsRequest::default();
        client.list_identity_pools(request).await.unwrap();
        calls += 1;
    }
    calls
}
