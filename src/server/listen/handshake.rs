//! The TLS handshake of a connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::{Acceptor, ClientHello, ServerConnection};
use rustls::{CipherSuite, ProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::trust::Trust;
use crate::caller::{Certificate, Security};
use crate::server::tls::Sets;
use crate::server::tls::set::ALPN;

/// How long a handshake may take, from the first byte on.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the certificate of a peer is verified again.
const RECHECK: Duration = Duration::from_secs(30);

/// How long a peer that is no longer trusted has for the calls it has under way.
const GRACE: Duration = Duration::from_secs(20);

/// A fatal alert `no_application_protocol` (RFC 8446, 6 and RFC 7301, 3.2).
const NO_APPLICATION_PROTOCOL: [u8; 7] = [21, 3, 3, 0, 2, 2, 120];

/// Takes the names from a certificate in DER, or says why they cannot be told.
pub type ReadCertificate = fn(&[u8]) -> Result<Certificate, String>;

/// How a listener speaks TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Certificates, keys and authorities.
    pub sets: Sets,
    /// What reads a client's certificate. Nothing: nobody asks who the clients are.
    pub read_certificate: Option<ReadCertificate>,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How often the certificate of a peer is verified again. It also is whenever the
    /// set changes.
    pub recheck: Duration,
    /// How long a peer that is no longer trusted has for the calls it has under way.
    pub grace: Duration,
}

/// A connection whose handshake is done.
pub(super) struct Secured {
    /// In a place of its own, because whoever holds it moves it on more than once.
    pub(super) stream: Box<TlsStream<TcpStream>>,
    /// What the peer's certificate says, where it has shown one.
    pub(super) certificate: Option<Arc<Certificate>>,
    /// What was agreed on.
    pub(super) security: Option<Security>,
    pub(super) trust: Trust,
}

/// Why a connection is not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("no handshake in time")]
    Late,
    #[error("the client does not offer the protocol `h2` (ALPN)")]
    Protocol,
    #[error("{0}")]
    Handshake(io::Error),
    /// The certificate is good for TLS, and yet tells nobody's name.
    #[error("the client's certificate cannot be used: {0}")]
    Certificate(String),
}

impl Tls {
    /// TLS with the usual time limits.
    pub fn new(sets: Sets, read_certificate: Option<ReadCertificate>) -> Self {
        Self {
            sets,
            read_certificate,
            handshake: HANDSHAKE_TIMEOUT,
            recheck: RECHECK,
            grace: GRACE,
        }
    }

    /// Does the handshake with the newest set.
    pub(super) async fn accept(&self, stream: TcpStream) -> Result<Secured, Refused> {
        // What a handshake needs is given back with its end.
        let handshake = Box::pin(self.shake_hands(stream));
        tokio::time::timeout(self.handshake, handshake)
            .await
            .unwrap_or(Err(Refused::Late))
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<Secured, Refused> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream);
        let mut hello = hello.await.map_err(Refused::Handshake)?;
        if !offers_h2(&hello.client_hello()) {
            // The peer may have left; the connection is closed in any case.
            let _ = hello.io.write_all(&NO_APPLICATION_PROTOCOL).await;
            return Err(Refused::Protocol);
        }
        let mut sets = self.sets.follow();
        let set = Arc::clone(&sets.borrow_and_update());
        let stream = hello.into_stream(set.config()).await.map_err(|error| {
            if let Some(reason) = rustls_error(&error) {
                set.notice(reason);
            }
            Refused::Handshake(error)
        })?;

        let security = security(stream.get_ref().1);
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = match (chain.first(), self.read_certificate) {
            (Some(leaf), Some(read)) => Some(Arc::new(read(leaf).map_err(Refused::Certificate)?)),
            _ => None,
        };
        let trust = Trust::new(chain.to_vec(), sets, self.recheck, self.grace);
        Ok(Secured {
            stream: Box::new(stream),
            certificate,
            security,
            trust,
        })
    }
}

/// rustls also takes clients that offer no protocol at all.
fn offers_h2(hello: &ClientHello<'_>) -> bool {
    hello
        .alpn()
        .is_some_and(|mut protocols| protocols.any(|protocol| protocol == ALPN))
}

fn security(connection: &ServerConnection) -> Option<Security> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => return None,
    };
    let suite = connection.negotiated_cipher_suite()?.suite();
    let cipher_suite = match suite {
        // rustls has names of its own for these.
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        _ => suite.as_str()?,
    };
    Some(Security {
        version,
        cipher_suite,
    })
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
