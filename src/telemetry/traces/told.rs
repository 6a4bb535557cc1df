//! An exporter that tells whether a collector takes what is sent to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::telemetry::itself;

/// Exports by another, and says in the log when that begins to fail and when it ends to.
#[derive(Debug)]
pub(super) struct Told<E> {
    exporter: E,
    fails: AtomicBool,
}

impl<E> Told<E> {
    pub(super) fn new(exporter: E) -> Self {
        Self {
            exporter,
            fails: AtomicBool::new(false),
        }
    }
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let exported = self.exporter.export(batch).await;
        let counts = itself::counts();
        match &exported {
            Ok(()) => counts.spans_exported.inc_by(spans),
            Err(_) => counts.spans_lost.inc_by(spans),
        };
        let failed = self.fails.swap(exported.is_err(), Ordering::Relaxed);
        match (failed, &exported) {
            (false, Err(error)) => tracing::warn!(%error, "the collector does not take traces"),
            (true, Ok(())) => tracing::info!("the collector takes traces again"),
            (_, _) => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
