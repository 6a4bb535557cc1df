//! A listener with TLS in front of the whole of poolgate, and peers for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use poolgate::caller::Certificate;
use poolgate::clock::Clock;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::server::listen::{self, Limits, Serving, Tls};
use poolgate::server::tls::{Sets, Settings};
use poolgate::telemetry::Metrics;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Certificate as Pem, Channel, ClientTlsConfig, Endpoint};

use crate::support::app::App;
use crate::support::certificates::{Authority, Identity, SERVER_NAME};

pub(super) const GOAWAY: u8 = 7;

/// When the server thinks it is. Clients have the system's time.
const IN_2030: Duration = Duration::from_secs(1_900_000_000);

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) authority: Authority,
    pub(super) settings: Settings,
    pub(super) sets: Sets,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) serving: Serving,
    _folder: TempDir,
}

impl Server {
    /// Asks for client certificates of its authority.
    pub(super) async fn start() -> Self {
        Self::with(|_, _| {}, |_| {}).await
    }

    /// With other settings, files or time limits.
    pub(super) async fn with(
        settings: impl FnOnce(&mut Settings, &Authority),
        tls: impl FnOnce(&mut Tls),
    ) -> Self {
        let authority = Authority::new("authority");
        let folder = TempDir::new().unwrap();
        let mut set = authority.server_files(folder.path());
        settings(&mut set, &authority);
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + IN_2030);
        let sets = Sets::load(set.clone(), clock.clone()).unwrap();
        let mut with_tls = Tls::new(sets.clone(), Some(read_certificate));
        tls(&mut with_tls);

        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Arc::new(Metrics::new());
        let limits = Limits {
            preface: Duration::from_secs(3600),
            connections_of_address: 1000,
            ..Limits::default()
        };
        let stack = App::emulator().await.stack;
        let counted = Arc::clone(&metrics);
        let serving = listen::serve(listener, stack, limits, Some(with_tls), counted);
        Self {
            address,
            authority,
            settings: set,
            sets,
            clock,
            metrics,
            serving,
            _folder: folder,
        }
    }

    /// Speaks HTTP/2 over TLS as this client, until the server has answered.
    pub(super) async fn greet(&self, config: ClientConfig) -> Result<Peer, String> {
        Peer::greet(self.address, config).await
    }

    /// The same as whoever this certificate says.
    pub(super) async fn greet_as(&self, identity: &Identity) -> Result<Peer, String> {
        self.greet(self.authority.client_config(Some(identity)))
            .await
    }

    /// A generated client that shows this certificate.
    pub(super) async fn client(
        &self,
        identity: &Identity,
    ) -> Result<CognitoIdentityServiceClient<Channel>, tonic::transport::Error> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Pem::from_pem(self.authority.pem()))
            .domain_name(SERVER_NAME)
            .identity(tonic::transport::Identity::from_pem(
                &identity.chain,
                &identity.key,
            ));
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await?;
        Ok(CognitoIdentityServiceClient::new(channel))
    }

    /// How many connections were refused because of TLS.
    pub(super) fn refused(&self) -> u64 {
        self.refused_for("tls")
    }

    /// How many had to make room for others before they had greeted.
    pub(super) fn crowded_out(&self) -> usize {
        usize::try_from(self.refused_for("handshakes")).unwrap()
    }

    fn refused_for(&self, reason: &str) -> u64 {
        let text = self.metrics.encode();
        let name = format!("poolgate_connections_refused_total{{reason=\"{reason}\"}} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap().parse().unwrap()
    }
}

/// A client by hand.
#[derive(Debug)]
pub(super) struct Peer(TlsStream<TcpStream>);

impl Peer {
    pub(super) async fn greet(address: SocketAddr, config: ClientConfig) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let mut peer = Self(connecting.await.map_err(|error| error.to_string())?);
        let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        // A server that refuses may be gone already; reading says why.
        let _ = peer.0.write_all(greeting).await;
        peer.frame().await?;
        Ok(peer)
    }

    /// The type of the next frame.
    pub(super) async fn frame(&mut self) -> Result<u8, String> {
        let mut head = [0; 9];
        let read = self.0.read_exact(&mut head).await;
        read.map_err(|error| error.to_string())?;
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        let read = self.0.read_exact(&mut payload).await;
        read.map_err(|error| error.to_string())?;
        Ok(head[3])
    }

    /// Waits until it is told to go away.
    pub(super) async fn told_to_go(&mut self) {
        while self.frame().await.unwrap() != GOAWAY {}
    }

    /// Waits until the connection is closed.
    pub(super) async fn closed(mut self) {
        while self.frame().await.is_ok() {}
    }

    pub(super) fn handshake(&self) -> HandshakeKind {
        self.0.get_ref().1.handshake_kind().unwrap()
    }

    /// The certificate that the server has shown.
    pub(super) fn server_certificate(&self) -> Vec<u8> {
        self.0.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }
}

/// Waits until `condition` holds, letting other tasks work meanwhile.
pub(super) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Knows who it is by what the certificate holds, like a reader of names would.
fn read_certificate(der: &[u8]) -> Result<Certificate, String> {
    let has = |text: &str| der.windows(text.len()).any(|part| part == text.as_bytes());
    match has("nameless.example.org") {
        true => Err("it has no name".to_owned()),
        false => Ok(Certificate::default()),
    }
}
