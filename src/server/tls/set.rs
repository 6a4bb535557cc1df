//! One set of files, ready for use.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, Error, RootCertStore, ServerConfig};

use super::validity::Validity;
use super::{ClientCertificates, File, Mistake, Mistakes, Settings, files, provider};
use crate::clock::Clock;

/// The one protocol that is spoken over TLS.
pub(in crate::server) const ALPN: &[u8] = b"h2";

/// One set of files, ready for use.
pub struct Set {
    config: Arc<ServerConfig>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    clock: Clock,
    validity: Option<Validity>,
    said_expired: AtomicBool,
}

impl Set {
    /// Reads the files; all mistakes, or a set without any. Blocks.
    pub(super) fn load(settings: &Settings, clock: &Clock) -> Result<Self, Mistakes> {
        let provider = Arc::new(provider());
        let mut mistakes = Vec::new();
        let (certificate, key) = (&settings.certificate_file, &settings.key_file);
        let identity = files::identity(certificate, key, &provider);
        let identity = identity.map_err(|wrong| mistakes.extend(wrong)).ok();
        let authorities = settings.client_ca_file.as_deref().and_then(|path| {
            let read = files::authorities(path);
            read.map_err(|wrong| mistakes.extend(wrong)).ok()
        });
        let mut revoked = Vec::new();
        for path in &settings.crl_files {
            match files::revoked(path, &provider) {
                Ok(lists) => revoked.extend(lists),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let (Some(identity), true) = (identity, mistakes.is_empty()) else {
            return Err(Mistakes(mistakes));
        };

        let wrong = |file, path, error: &dyn fmt::Display| {
            Mistakes(vec![Mistake::new(file, path, error.to_string())])
        };
        let clients = match (&settings.client_ca_file, authorities) {
            (Some(path), Some(authorities)) => {
                let wanted = settings.client_certificates;
                let verifier = verifier(authorities, revoked, wanted, &provider);
                Some(verifier.map_err(|error| wrong(File::Authorities, path, &error))?)
            }
            _ => None,
        };
        let time = Arc::new(Time(clock.clone()));
        let config = ServerConfig::builder_with_details(provider, time)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| wrong(File::Certificate, certificate, &error))?;
        let config = match &clients {
            Some(clients) => config.with_client_cert_verifier(Arc::clone(clients)),
            None => config.with_no_client_auth(),
        };
        let validity = Validity::of(&identity.cert);
        let mut config = config.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        if clients.is_some() {
            config.send_tls13_tickets = 0;
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        Ok(Self {
            config: Arc::new(config),
            clients,
            clock: clock.clone(),
            validity,
            said_expired: AtomicBool::new(false),
        })
    }

    /// When the server's certificate expires, in seconds since 1970.
    pub(super) fn expires(&self) -> Option<i64> {
        self.validity.map(|validity| validity.until)
    }

    /// Why no client takes the server's certificate at this moment, if none does.
    pub(super) fn warning(&self) -> Option<String> {
        self.validity?.warning(self.clock.epoch_seconds())
    }

    /// What a handshake needs.
    pub(in crate::server) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Whether a peer with this chain, its own certificate first, would be let in at
    /// this moment.
    pub(in crate::server) fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let (Some(clients), Some((leaf, rest))) = (&self.clients, chain.split_first()) else {
            return Ok(());
        };
        let verified = clients.verify_client_cert(leaf, rest, now(&self.clock));
        verified.map(drop).inspect_err(|error| self.notice(error))
    }

    /// An expired list of revoked certificates locks out every client of its authority,
    /// and only the operator can mend it: it is told once for each set.
    pub(in crate::server) fn notice(&self, error: &Error) {
        let expired = matches!(
            error,
            Error::InvalidCertificate(
                CertificateError::ExpiredRevocationList
                    | CertificateError::ExpiredRevocationListContext { .. }
            )
        );
        if expired && !self.said_expired.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %error,
                "a list in `tls.crl_files` has expired: \
                 clients of its authority are refused until there is a newer one"
            );
        }
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Set").finish_non_exhaustive()
    }
}

/// Verifies whole chains, by the time of each handshake. With lists of revoked
/// certificates, what no list speaks of is refused, and so is an expired list.
fn verifier(
    authorities: RootCertStore,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    wanted: ClientCertificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, rustls::server::VerifierBuilderError> {
    let authorities = Arc::new(authorities);
    let provider = Arc::clone(provider);
    let mut builder = WebPkiClientVerifier::builder_with_provider(authorities, provider);
    if !revoked.is_empty() {
        builder = builder.with_crls(revoked).enforce_revocation_expiration();
    }
    if wanted == ClientCertificates::Optional {
        builder = builder.allow_unauthenticated();
    }
    builder.build()
}

/// The clock, as rustls asks for it.
#[derive(Debug)]
struct Time(Clock);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        Some(now(&self.0))
    }
}

fn now(clock: &Clock) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(clock.epoch_seconds()))
}
