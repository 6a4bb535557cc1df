//! A small certificate authority.
//!
//! An [`Authority`] makes certificates for servers and clients, intermediates, and lists of
//! what it has revoked. [`Authority::server_files`] writes what a server needs and gives
//! back its settings.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use poolgate::server::tls::{ClientCertificates, Settings};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SanType, SerialNumber, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// The name of every server that [`Authority::server_files`] is asked for.
pub const SERVER_NAME: &str = "poolgate.example.org";

/// Who makes certificates. Those that it makes begin in 2020 and end in 2100.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Its own certificate and those above it, without the root.
    chain: Vec<String>,
    serial: u64,
}

/// A certificate with its chain and its key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate and its intermediates, in PEM.
    pub chain: String,
    /// The key, in PEM.
    pub key: String,
    serial: u64,
}

impl Authority {
    /// A root of this name.
    pub fn new(name: &str) -> Self {
        let (params, serial) = authority(name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self {
            issuer: issuer.unwrap(),
            chain: Vec::new(),
            serial,
        }
    }

    /// An intermediate below this one.
    pub fn intermediate(&self, name: &str) -> Self {
        let (params, serial) = authority(name);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(params, key, &self.issuer).unwrap();
        let mut chain = vec![issuer.pem()];
        chain.extend_from_slice(&self.chain);
        Self {
            issuer,
            chain,
            serial,
        }
    }

    /// The authority's own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server of this name.
    pub fn server(&self, name: &str) -> Identity {
        self.issue(name, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    /// A client whose alternative name is a URI, if it has `://` in it, or a DNS name.
    pub fn client(&self, name: &str) -> Identity {
        self.issue(name, |_| {})
    }

    /// A client that differs from the usual one.
    pub fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let serial = next_serial();
        let mut params = params(name, serial);
        params.subject_alt_names = vec![match name.contains("://") {
            true => SanType::URI(name.try_into().unwrap()),
            false => SanType::DnsName(name.try_into().unwrap()),
        }];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: certificate.pem() + &self.chain.concat(),
            key: key.serialize_pem(),
            serial,
        }
    }

    /// The list of what is revoked, in PEM, good until the first day of a year.
    pub fn revoked(&self, serials: &[u64], until: i32) -> String {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from(*serial),
                    revocation_time: date_time_ymd(2020, 1, 1),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// The number of an intermediate's own certificate.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Writes a certificate for [`SERVER_NAME`], its key and this authority into the folder.
    /// The settings ask for client certificates of this authority.
    pub fn server_files(&self, folder: &Path) -> Settings {
        let settings = Settings {
            certificate_file: folder.join("server.pem"),
            key_file: folder.join("server.key"),
            client_ca_file: Some(folder.join("clients.pem")),
            client_certificates: ClientCertificates::Required,
            crl_files: Vec::new(),
        };
        self.server(SERVER_NAME).write(&settings);
        fs::write(folder.join("clients.pem"), self.pem()).unwrap();
        settings
    }

    /// A TLS client that trusts this authority, speaks HTTP/2 and shows who it is.
    pub fn client_config(&self, identity: Option<&Identity>) -> ClientConfig {
        self.client_config_of(rustls::DEFAULT_VERSIONS, identity)
    }

    /// The same with these versions of TLS.
    pub fn client_config_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        identity: Option<&Identity>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(identity) => config
                .with_client_auth_cert(identity.certificates(), identity.key_der())
                .unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

impl Identity {
    /// Writes certificate and key to where the settings say.
    pub fn write(&self, settings: &Settings) {
        fs::write(&settings.certificate_file, &self.chain).unwrap();
        fs::write(&settings.key_file, &self.key).unwrap();
    }

    /// The number that it is revoked by.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        let all = CertificateDer::pem_slice_iter(self.chain.as_bytes());
        all.collect::<Result<_, _>>().unwrap()
    }

    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }

    /// One that was made elsewhere.
    pub fn from_pem(chain: &str, key: &str) -> Self {
        Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            serial: 0,
        }
    }
}

/// A client that nobody vouches for but itself.
pub fn self_signed_client(name: &str) -> Identity {
    let serial = next_serial();
    let key = KeyPair::generate().unwrap();
    Identity {
        chain: params(name, serial).self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
        serial,
    }
}

fn authority(name: &str) -> (CertificateParams, u64) {
    let serial = next_serial();
    let mut params = params(name, serial);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params, serial)
}

fn params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params.serial_number = Some(SerialNumber::from(serial));
    params.distinguished_name = Default::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn next_serial() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    1 + LAST.fetch_add(1, Ordering::Relaxed)
}
