//! When the server's certificate expires, for whoever watches over it.

use std::fmt::Error;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::gauge::Gauge;

use super::names;
use super::process::put;

/// The gauge; nothing as long as there is no certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct CertificateExpiry(Arc<OnceLock<Gauge>>);

impl CertificateExpiry {
    /// In seconds since 1970.
    pub(super) fn set(&self, then: i64) {
        self.0.get_or_init(Gauge::default).set(then);
    }
}

impl Collector for CertificateExpiry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        match self.0.get() {
            Some(gauge) => put(&mut encoder, &names::CERTIFICATE_EXPIRY, gauge),
            None => Ok(()),
        }
    }
}
