//! What caches say of themselves, when somebody asks.

use std::fmt::{self, Debug, Error};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::names::{self, Name};
use crate::remembered::Remembered;

type Ask = Box<dyn Fn() -> Vec<Remembered> + Send + Sync>;

/// Who is asked. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Caches(Arc<Mutex<Vec<Ask>>>);

impl Caches {
    pub(super) fn add(&self, ask: Ask) {
        let mut caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caches.push(ask);
    }

    fn ask(&self) -> Vec<Remembered> {
        let caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().flat_map(|ask| ask()).collect()
    }
}

impl Debug for Caches {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Caches").finish()
    }
}

impl Collector for Caches {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let all = self.ask();
        let mut put = |name: &Name, values: &[(Labels, u64)], kind: MetricType| {
            let help = format!("{}.", name.help());
            let mut family = encoder.encode_descriptor(name.registered(), &help, None, kind)?;
            for (labels, value) in values {
                let metric = family.encode_family(labels)?;
                match kind {
                    MetricType::Counter => ConstCounter::new(*value).encode(metric)?,
                    _ => ConstGauge::new(*value).encode(metric)?,
                }
            }
            Ok::<_, Error>(())
        };
        let requests: Vec<(Labels, u64)> = all
            .iter()
            .flat_map(|one| {
                [("hit", one.hits), ("miss", one.misses)].map(|found| (one.cache, found))
            })
            .map(|(cache, (outcome, count))| (vec![("cache", cache), ("outcome", outcome)], count))
            .collect();
        put(&names::CACHE_REQUESTS, &requests, MetricType::Counter)?;
        let entries: Vec<(Labels, u64)> = all
            .iter()
            .map(|one| {
                let entries = u64::try_from(one.entries).unwrap_or(u64::MAX);
                (vec![("cache", one.cache)], entries)
            })
            .collect();
        put(&names::CACHE_ENTRIES, &entries, MetricType::Gauge)
    }
}

type Labels = Vec<(&'static str, &'static str)>;
