//! TLS for the gRPC listener: certificate, key, the authorities of clients, and what
//! they have revoked.
//!
//! This room promises:
//!
//! * the files are one [`Set`]: they are read together, every mistake in them is told
//!   at once, and no set with a mistake comes into use;
//! * TLS 1.2 and 1.3 with authenticated ciphers alone, and HTTP/2 alone (ALPN `h2`);
//! * whoever asks for client certificates resumes no session, because a resumed one
//!   brings the certificate of the first along, which may be revoked since;
//! * no key, nor any part of one, is in an error, a log line or a `Debug`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::reload::Watch;
use crate::clock::Clock;
use crate::telemetry::Metrics;

pub(in crate::server) mod client;
mod files;
pub(in crate::server) mod set;
mod validity;

pub use set::Set;

/// What an operator sets about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The server's certificate, followed by its intermediates, in PEM.
    pub certificate_file: PathBuf,
    /// The key of the certificate, in PEM, not encrypted.
    pub key_file: PathBuf,
    /// The authorities that client certificates come from, in PEM. Without them no
    /// certificate is asked for.
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client has to show a certificate.
    pub client_certificates: ClientCertificates,
    /// What the authorities have revoked, in PEM. Without them nothing is revoked; with
    /// them, a certificate whose authority has no list here is refused.
    pub crl_files: Vec<PathBuf>,
}

/// Whether a client has to show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// It has to.
    #[default]
    Required,
    /// It may; one that it shows is verified.
    Optional,
}

impl Settings {
    /// Every file.
    pub fn paths(&self) -> Vec<PathBuf> {
        let one = [&self.certificate_file, &self.key_file];
        let all = one.into_iter().chain(&self.client_ca_file);
        all.chain(&self.crl_files).cloned().collect()
    }

    /// Whether clients are asked for certificates.
    pub fn asks_for_certificates(&self) -> bool {
        self.client_ca_file.is_some()
    }
}

/// Which of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The certificate.
    Certificate,
    /// Its key.
    Key,
    /// The authorities of clients, or of servers.
    Authorities,
    /// A list of revoked certificates.
    Revoked,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Which file it is.
    pub file: File,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Mistake {
    fn new(file: File, path: &Path, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.to_owned(), reason.into());
        Self { file, path, reason }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path.display(), self.reason)
    }
}

/// Everything that is wrong with a set of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// Each as a sentence.
    pub fn sentences(&self) -> Vec<String> {
        self.0.iter().map(Mistake::to_string).collect()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences().join("; "))
    }
}

impl std::error::Error for Mistakes {}

/// The newest good set, which everybody who holds a clone sees at the same time.
#[derive(Clone, Debug)]
pub struct Sets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    clock: Clock,
    newest: watch::Sender<Arc<Set>>,
}

impl Sets {
    /// Reads the files. Certificates are verified by the time of `clock`. Blocks.
    pub fn load(settings: Settings, clock: Clock) -> Result<Self, Mistakes> {
        let (newest, _) = watch::channel(Arc::new(Set::load(&settings, &clock)?));
        Ok(Self(Arc::new(Inner {
            settings,
            clock,
            newest,
        })))
    }

    /// Reads the files again. New connections use them, and those that are open verify
    /// their peers again; with a mistake, everything stays as it was. Blocks.
    pub fn reload(&self) -> Result<(), Mistakes> {
        let set = Set::load(&self.0.settings, &self.0.clock)?;
        self.0.newest.send_replace(Arc::new(set));
        Ok(())
    }

    /// Says until when the server's certificate is good, and whether it is.
    fn tell_validity(&self, metrics: &Metrics) {
        let set = Arc::clone(&self.0.newest.borrow());
        if let Some(expires) = set.expires() {
            metrics.certificate_expires(expires);
        }
        if let Some(warning) = set.warning() {
            let path = self.0.settings.certificate_file.display();
            tracing::warn!(file = %path, "no client takes `tls.certificate_file`: {warning}");
        }
    }

    /// The newest set, and word of each that follows.
    pub(in crate::server) fn follow(&self) -> watch::Receiver<Arc<Set>> {
        self.0.newest.subscribe()
    }
}

/// Reads the files, and reads them again whenever they change until `ended`. Blocks.
pub(super) fn open(
    settings: &Settings,
    clock: &Clock,
    metrics: &Arc<Metrics>,
    ended: &CancellationToken,
) -> Result<Sets, Mistakes> {
    let watch = Watch::begin("tls", settings.paths());
    let sets = Sets::load(settings.clone(), clock.clone())?;
    sets.tell_validity(metrics);
    let (newest, told) = (sets.clone(), Arc::clone(metrics));
    let paths = settings.paths();
    let reload = move || match newest.reload() {
        Ok(()) => {
            newest.tell_validity(&told);
            Ok(paths.clone())
        }
        Err(mistakes) => Err(mistakes.sentences()),
    };
    watch.spawn(reload, Arc::clone(metrics), ended.clone());
    Ok(sets)
}

/// Looks for mistakes in the files. Blocks.
pub fn check(settings: &Settings) -> Result<(), Mistakes> {
    Set::load(settings, &Clock::system()).map(drop)
}

/// Why no client takes the certificate at this moment, if none does; nothing where there are
/// mistakes in the files. Blocks.
pub fn warning(settings: &Settings) -> Option<String> {
    Set::load(settings, &Clock::system()).ok()?.warning()
}

/// The certificates in a file, for a client that trusts them: the file as it is, once
/// there is no mistake in it.
pub fn read_authorities(path: &Path) -> Result<Vec<u8>, Mistakes> {
    files::authorities(path).map_err(Mistakes)?;
    files::read(File::Authorities, path).map_err(|mistake| Mistakes(vec![mistake]))
}

/// A certificate and its key, for a client that shows them: both files as they are,
/// once there is no mistake in them.
pub fn read_identity(certificate: &Path, key: &Path) -> Result<(Vec<u8>, Vec<u8>), Mistakes> {
    files::identity(certificate, key, &provider()).map_err(Mistakes)?;
    let read = |file, path| files::read(file, path).map_err(|mistake| Mistakes(vec![mistake]));
    Ok((read(File::Certificate, certificate)?, read(File::Key, key)?))
}

/// The cryptography, given to whoever needs it: there is no default of the process.
/// rustls has authenticated ciphers alone.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}
