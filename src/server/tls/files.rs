//! Reads single files, and tells what is wrong with them without showing what is in
//! them.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, Der, PrivateKeyDer, TrustAnchor,
};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys, RootCertStore};

use super::{File, Mistake};
use crate::settings_file;

/// What a file holds.
pub(super) fn read(file: File, path: &Path) -> Result<Vec<u8>, Mistake> {
    settings_file::bytes(path).map_err(|reason| Mistake::new(file, path, reason))
}

/// A certificate with its intermediates, and the key that fits it.
pub(super) fn identity(
    certificate_path: &Path,
    key_path: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Vec<Mistake>> {
    let chain = certificates(File::Certificate, certificate_path);
    let key = key(key_path, provider);
    let (chain, key) = match (chain, key) {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
    };
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        // A key that does not tell its public half fits what it signs for.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(identity),
        Err(Error::InconsistentKeys(_)) => {
            let certificate = certificate_path.display();
            let reason = format!("the key does not fit the certificate in `{certificate}`");
            Err(vec![Mistake::new(File::Key, key_path, reason)])
        }
        Err(error) => {
            let reason = format!("the first certificate cannot be used: {error}");
            let mistake = Mistake::new(File::Certificate, certificate_path, reason);
            Err(vec![mistake])
        }
    }
}

/// The certificates that others are verified with.
pub(super) fn authorities(path: &Path) -> Result<RootCertStore, Vec<Mistake>> {
    let certificates = certificates(File::Authorities, path).map_err(|mistake| vec![mistake])?;
    let mut store = RootCertStore::empty();
    let mut mistakes = Vec::new();
    for (number, certificate) in (1..).zip(certificates) {
        if let Err(error) = store.add(certificate) {
            let reason = format!("certificate {number} cannot be used: {error}");
            mistakes.push(Mistake::new(File::Authorities, path, reason));
        }
    }
    match mistakes.is_empty() {
        true => Ok(store),
        false => Err(mistakes),
    }
}

/// Lists of revoked certificates.
pub(super) fn revoked(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Mistake> {
    let wrong = |reason: String| Mistake::new(File::Revoked, path, reason);
    let content = read(File::Revoked, path)?;
    let lists = CertificateRevocationListDer::pem_slice_iter(&content).collect::<Result<_, _>>();
    let lists: Vec<CertificateRevocationListDer<'static>> =
        lists.map_err(|error| wrong(malformed(&error)))?;
    if lists.is_empty() {
        return Err(wrong(nothing(&content, "list of revoked certificates")));
    }
    // Lists are parsed where a verifier is built, and that wants a root, whichever.
    let root = TrustAnchor {
        subject: Der::from_slice(&[]),
        subject_public_key_info: Der::from_slice(&[]),
        name_constraints: None,
    };
    let roots = RootCertStore { roots: vec![root] };
    let trial = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
    match trial.with_crls(lists.clone()).build() {
        Ok(_) => Ok(lists),
        Err(VerifierBuilderError::InvalidCrl(error)) => {
            Err(wrong(format!("the list cannot be used: {error:?}")))
        }
        Err(error) => Err(wrong(format!("the list cannot be used: {error}"))),
    }
}

fn certificates(file: File, path: &Path) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let content = read(file, path)?;
    let found = CertificateDer::pem_slice_iter(&content).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| Mistake::new(file, path, malformed(&error)))?;
    if found.is_empty() {
        return Err(Mistake::new(file, path, nothing(&content, "certificate")));
    }
    Ok(found)
}

fn key(path: &Path, provider: &CryptoProvider) -> Result<Arc<dyn SigningKey>, Mistake> {
    let wrong = |reason: &str| Mistake::new(File::Key, path, reason);
    let content = read(File::Key, path)?;
    if is_encrypted(&content) {
        return Err(wrong(
            "the key is encrypted, and poolgate knows no passphrase; \
             write it in clear with `openssl pkey` and let nobody else read the file",
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(&content).map_err(|error| match error {
        pem::Error::NoItemsFound => wrong(&nothing(&content, "private key")),
        error => wrong(&malformed(&error)),
    })?;
    let key = provider.key_provider.load_private_key(key);
    key.map_err(|_| wrong("the key is damaged, or of a kind that TLS does not use"))
}

fn is_encrypted(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
}

fn nothing(content: &[u8], wanted: &str) -> String {
    match String::from_utf8_lossy(content).contains("-----BEGIN ") {
        true => format!("no {wanted} in the file"),
        false => "not PEM".to_owned(),
    }
}

/// What the parser says may hold lines of the file; this does not.
fn malformed(error: &pem::Error) -> String {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => "a section without its end",
        pem::Error::IllegalSectionStart { .. } => "a section that does not begin well",
        pem::Error::Base64Decode(_) => "a section that is not base64",
        _ => "it cannot be parsed",
    };
    format!("damaged PEM: {what}")
}
