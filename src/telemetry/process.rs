//! What the process takes of its machine, under the names that Prometheus's own clients use
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>). It is
//! read when somebody asks.

use std::fmt::Error;

use procfs::WithCurrentSystemInfo;
use procfs::process::{LimitValue, Limits, Process};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Metric;

use super::names::{Name, process as names};

/// Reads what the system says of this process.
#[derive(Debug)]
pub(super) struct ThisProcess;

/// What it says.
struct Seen {
    cpu_seconds: f64,
    /// Nothing where the system hides when it was booted, as `ProcSubset=pid` of systemd does.
    started: Option<f64>,
    resident: u64,
    virtual_memory: u64,
    open_files: usize,
    most_files: Option<u64>,
}

impl Seen {
    /// `booted` is when the system was, in seconds since 1970.
    fn now(booted: Option<u64>) -> Option<Self> {
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = procfs::ticks_per_second() as f64;
        let limits = process.limits().ok()?;
        Some(Self {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            started: booted.map(|booted| booted as f64 + stat.starttime as f64 / ticks),
            resident: stat.rss_bytes().get(),
            virtual_memory: stat.vsize,
            open_files: process.fd_count().ok()?,
            most_files: soft(&limits),
        })
    }
}

/// How many file descriptors the process may have open; nothing where there is no limit, or
/// the system does not say.
pub fn most_files() -> Option<u64> {
    soft(&Process::myself().ok()?.limits().ok()?)
}

fn soft(limits: &Limits) -> Option<u64> {
    match limits.max_open_files.soft_limit {
        LimitValue::Value(most) => Some(most),
        LimitValue::Unlimited => None,
    }
}

impl Collector for ThisProcess {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut gauge = |name, value| put(&mut encoder, name, &ConstGauge::<f64>::new(value));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            gauge(&names::TASKS, runtime.metrics().num_alive_tasks() as f64)?;
        }
        // Where the system says nothing, nothing is told.
        let Some(seen) = Seen::now(procfs::boot_time_secs().ok()) else {
            return Ok(());
        };
        if let Some(started) = seen.started {
            gauge(&names::STARTED, started)?;
        }
        gauge(&names::RESIDENT, seen.resident as f64)?;
        gauge(&names::VIRTUAL, seen.virtual_memory as f64)?;
        gauge(&names::OPEN_FILES, seen.open_files as f64)?;
        if let Some(most) = seen.most_files {
            gauge(&names::MOST_FILES, most as f64)?;
        }
        let cpu = ConstCounter::<f64>::new(seen.cpu_seconds);
        put(&mut encoder, &names::CPU, &cpu)
    }
}

pub(super) fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &Name,
    metric: &impl Metric,
) -> Result<(), Error> {
    let (kind, help) = (metric.metric_type(), format!("{}.", name.help()));
    let encoder = encoder.encode_descriptor(name.registered(), &help, None, kind)?;
    metric.encode(encoder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_system_hides_its_start_everything_else_is_told() {
        let seen = Seen::now(None).unwrap();

        assert_eq!(seen.started, None);
        assert!(seen.resident > 0 && seen.open_files > 0);
        assert!(Seen::now(Some(1)).unwrap().started.unwrap() >= 1.0);
    }
}
