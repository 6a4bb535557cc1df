//! Traces, exported to an OpenTelemetry collector over OTLP/gRPC.
//!
//! Spans wait in a bounded queue for a thread that exports them, and no call waits. What the
//! collector does not take is counted and told of; what finds no room in the queue meanwhile
//! is dropped by the SDK, which does not say how much that is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, ClientTlsConfig};

use crate::header_file;
use crate::settings_file;

mod told;

use told::Told;

/// How long one export may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a certificate in PEM begins.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How long the last spans may take to be exported at the end.
const LAST_EXPORT: Duration = Duration::from_millis(400);

/// What an operator sets about traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The collector, such as `http://collector:4317`; without one, nothing is traced.
    pub endpoint: Option<String>,
    /// Which part of the calls is traced, of those whose callers leave it open.
    pub sample_ratio: f64,
    /// The name of this service in traces; otherwise `OTEL_SERVICE_NAME`, or `poolgate`.
    pub service_name: Option<String>,
    /// Headers for the collector, in lines of `name: value`.
    pub headers_file: Option<PathBuf>,
    /// The authorities that the collector's certificate comes from; the system's without.
    pub ca_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: None,
            sample_ratio: 1.0,
            service_name: None,
            headers_file: None,
            ca_file: None,
        }
    }
}

/// Why traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be used.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not; no secret.
        reason: String,
    },
    /// The exporter cannot be made.
    #[error("cannot export traces: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Traces that are exported. What waits is exported when this is dropped.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Exports traces from here on; nothing where no collector is set. It has to be called
    /// inside of a runtime.
    ///
    /// # Errors
    ///
    /// A file that cannot be used, or an endpoint.
    pub fn begin(settings: &Settings) -> Result<Option<Self>, Error> {
        let Some(endpoint) = &settings.endpoint else {
            return Ok(None);
        };
        let mut exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(EXPORT_TIMEOUT);
        if let Some(path) = &settings.headers_file {
            let headers = header_file::read(path).map_err(|reason| unusable(path, reason))?;
            exporter = exporter.with_metadata(MetadataMap::from_headers(headers));
        }
        if endpoint.starts_with("https:") {
            let mut tls = ClientTlsConfig::new();
            tls = match &settings.ca_file {
                Some(path) => {
                    tls.ca_certificate(authorities(path).map_err(|reason| unusable(path, reason))?)
                }
                None => tls.with_native_roots(),
            };
            exporter = exporter.with_tls_config(tls);
        }
        let resource = resource(settings.service_name.as_deref());
        // A caller who traces or does not has decided for its whole trace.
        let sampler =
            Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Told::new(exporter.build()?))
            .with_resource(resource)
            .with_sampler(sampler)
            .build();
        Ok(Some(Self(provider)))
    }

    /// What makes spans.
    pub(super) fn tracer(&self) -> SdkTracer {
        self.0.tracer("poolgate")
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_EXPORT) {
            tracing::warn!(%error, "the last traces could not be exported");
        }
    }
}

/// Where spans come from: what OpenTelemetry's own variables say (`OTEL_SERVICE_NAME`,
/// `OTEL_RESOURCE_ATTRIBUTES`), and what is set here.
fn resource(service_name: Option<&str>) -> Resource {
    let said = Resource::builder().build();
    let name = Key::from_static_str("service.name");
    let unknown = |name: &Value| name.as_str().starts_with("unknown_service");
    let otherwise = said.get(&name).filter(|name| !unknown(name));
    let name = match service_name {
        Some(name) => Value::from(name.to_owned()),
        None => otherwise.unwrap_or(Value::from("poolgate")),
    };
    Resource::builder()
        .with_attributes([
            KeyValue::new("service.name", name),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build()
}

/// Looks for certificates in a file of authorities.
///
/// # Errors
///
/// Why there are none.
pub fn check_authorities(path: &Path) -> Result<(), String> {
    authorities(path).map(drop)
}

fn authorities(path: &Path) -> Result<Certificate, String> {
    let pem = settings_file::bytes(path)?;
    match pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
        true => Ok(Certificate::from_pem(pem)),
        false => Err("holds no certificate in PEM".to_owned()),
    }
}

fn unusable(path: &Path, reason: String) -> Error {
    Error::File {
        path: path.to_owned(),
        reason,
    }
}
