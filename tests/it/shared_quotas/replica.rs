//! The limits of one replica, without the server around them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use poolgate::caller::{Caller, Proof};
use poolgate::clock::Clock;
use poolgate::failure::Failure;
use poolgate::operation::Operation;
use poolgate::quota::{
    Asked, Limiter, Limits, OnStoreFailure, Redis, RedisSettings, Ruling, Shared,
};
use poolgate::telemetry::Metrics;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

/// Cheap to clone; clones are one replica.
#[derive(Clone)]
pub struct Replica {
    limiter: Arc<Limiter>,
    metrics: Arc<Metrics>,
    clock: Clock,
    _running: Arc<(DropGuard, TempDir)>,
}

impl Replica {
    /// Waits until it is connected.
    pub async fn start(
        url: &str,
        limits: &str,
        replicas: u32,
        on_failure: OnStoreFailure,
        timeout: Duration,
    ) -> Self {
        let settings = RedisSettings {
            timeout,
            ..RedisSettings::default()
        };
        let replica = Self::begin(url, limits, replicas, on_failure, settings);
        replica.until_degraded(false).await;
        replica
    }

    /// The same, without waiting.
    pub fn begin(
        url: &str,
        limits: &str,
        replicas: u32,
        on_failure: OnStoreFailure,
        settings: RedisSettings,
    ) -> Self {
        let directory = TempDir::new().unwrap();
        let url_file = directory.path().join("url");
        std::fs::write(&url_file, url).unwrap();
        let settings = RedisSettings {
            url_file: Some(url_file),
            ..settings
        };
        let (clock, metrics) = (Clock::system(), Arc::new(Metrics::new()));
        let redis = Arc::new(Redis::new(&settings, &clock, metrics.clone()));
        let shared = Shared::new(Arc::clone(&redis), replicas, on_failure, clock.now());
        let limits = Limits::parse(limits).unwrap();
        let ended = CancellationToken::new();
        let keeper = ended.clone();
        tokio::spawn(async move { keeper.run_until_cancelled(redis.keep_connected()).await });
        Self {
            limiter: Arc::new(Limiter::shared(&limits, clock.instant(), SECRET, shared)),
            metrics,
            clock,
            _running: Arc::new((ended.drop_guard(), directory)),
        }
    }

    /// A call of this caller.
    pub async fn ask(&self, name: &str, operation: Operation) -> Result<(), Failure> {
        self.rule(name, operation).await.outcome.map(drop)
    }

    pub async fn rule(&self, name: &str, operation: Operation) -> Ruling {
        let proof = Proof::StaticToken {
            name: name.to_owned(),
        };
        let id = format!("token:{name}");
        let caller = Caller::new(id, proof, Default::default(), Default::default());
        let asked = Asked {
            caller: &caller,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            operation,
            at: self.clock.instant(),
        };
        self.limiter.decide(&asked, 1).await
    }

    /// How many calls are admitted that are made one after the other.
    pub async fn ask_until(self, end: Instant) -> u32 {
        let mut admitted = 0;
        while Instant::now() < end {
            let asked = self.ask("ann", Operation::ListIdentityPools).await;
            admitted += u32::from(asked.is_ok());
        }
        admitted
    }

    pub fn is_degraded(&self) -> bool {
        self.count("poolgate_quota_store_degraded") == 1
    }

    /// The sum of a metric over its labels.
    pub fn count(&self, name: &str) -> u64 {
        let text = self.metrics.encode();
        let of_name = text.lines().filter_map(|line| line.strip_prefix(name));
        of_name
            .filter(|rest| rest.starts_with(['{', ' ']))
            .map(|rest| rest.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    pub async fn until_degraded(&self, degraded: bool) {
        self.until(|replica| replica.is_degraded() == degraded)
            .await;
    }

    /// Until a metric is at least so much.
    pub async fn until_count(&self, name: &str, least: u64) {
        self.until(|replica| replica.count(name) >= least).await;
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        // Now and then, because whoever measures is beside us.
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let waiting = async {
            while !is_so(self) {
                ticks.tick().await;
            }
        };
        let waiting = tokio::time::timeout(Duration::from_secs(60), waiting);
        waiting.await.expect("within a minute");
    }
}
