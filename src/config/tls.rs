//! What is set about TLS: keys, and the files they name.

use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::server::tls::{self, ClientCertificates, File, Settings};

/// Reads the section; nothing when TLS is not set up, or not without mistakes.
pub(super) fn read(reader: &mut Reader) -> Option<Settings> {
    let (mut certificate_file, mut key_file, mut client_ca_file) = (None, None, None);
    let mut client_certificates = ClientCertificates::default();
    let mut crl_files = Vec::new();
    reader.read(&keys::TLS_CERTIFICATE_FILE, &mut certificate_file);
    reader.read(&keys::TLS_KEY_FILE, &mut key_file);
    reader.read(&keys::TLS_CLIENT_CA_FILE, &mut client_ca_file);
    reader.read(&keys::TLS_CLIENT_CERTIFICATES, &mut client_certificates);
    reader.read(&keys::TLS_CRL_FILES, &mut crl_files);
    lonely(reader);

    let settings = Settings {
        certificate_file: certificate_file?,
        key_file: key_file?,
        client_ca_file,
        client_certificates,
        crl_files,
    };
    let Err(mistakes) = tls::check(&settings) else {
        return Some(settings);
    };
    for mistake in mistakes.0 {
        let key: &dyn AnyKey = match mistake.file {
            File::Certificate => &keys::TLS_CERTIFICATE_FILE,
            File::Key => &keys::TLS_KEY_FILE,
            File::Authorities => &keys::TLS_CLIENT_CA_FILE,
            File::Revoked => &keys::TLS_CRL_FILES,
        };
        reader.contradiction(key, mistake.to_string());
    }
    Some(settings)
}

/// A certificate that no client takes starts all the same: it may be renewed while poolgate
/// runs.
pub(super) fn warnings(settings: Option<&Settings>) -> Vec<String> {
    let told = settings.and_then(tls::warning);
    let key = keys::TLS_CERTIFICATE_FILE.path;
    told.map(|told| format!("{key}: {told}"))
        .into_iter()
        .collect()
}

/// Reports keys that mean nothing without others. A value that is the default, as the
/// printed configuration has it, says nothing.
fn lonely(reader: &mut Reader) {
    let is_set = |reader: &Reader, key: &dyn AnyKey| {
        let text = reader.found(key).map(|found| found.text.as_str());
        text.is_some() && text != key.default()
    };
    let wants: [(&dyn AnyKey, &dyn AnyKey); 5] = [
        (&keys::TLS_CERTIFICATE_FILE, &keys::TLS_KEY_FILE),
        (&keys::TLS_KEY_FILE, &keys::TLS_CERTIFICATE_FILE),
        (&keys::TLS_CLIENT_CA_FILE, &keys::TLS_CERTIFICATE_FILE),
        (&keys::TLS_CLIENT_CERTIFICATES, &keys::TLS_CLIENT_CA_FILE),
        (&keys::TLS_CRL_FILES, &keys::TLS_CLIENT_CA_FILE),
    ];
    for (key, wanted) in wants {
        if is_set(reader, key) && !is_set(reader, wanted) {
            reader.contradiction(key, format!("wants {}", wanted.path()));
        }
    }
}
