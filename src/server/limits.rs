//! How often callers may do what: the engine that says so, and its file, which is read
//! again when it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::account::{AccountAdmission, report};
use super::reload::{Reloaded, Watch};
use crate::clock::Clock;
use crate::quota::{Brake, Guard, Limiter, Redis, Settings, Shared, Store};
use crate::telemetry::Metrics;
use crate::upstream::Admission;

/// How often keys that owe nothing are forgotten, and counted.
const SWEEP: Duration = Duration::from_secs(10);

/// What limits callers, as far as it is in force.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// How often each caller may do what.
    pub limiter: Option<Arc<Limiter>>,
    /// How often an address may fail to say who calls.
    pub brake: Option<Arc<Brake>>,
    /// What AWS admits of the account, shared among callers.
    pub guard: Option<Arc<Guard>>,
    /// The same of each account of targets, where there are any.
    pub guards: BTreeMap<String, Arc<Guard>>,
}

impl Bounds {
    /// Counts in this process, from this time on. Addresses are braked where callers have
    /// to say who they are.
    pub fn new(settings: &Settings, asks_callers: bool, clock: &Clock) -> Self {
        let guard = || Guard::new(settings.limits.account(), settings.replicas, clock.clone());
        let limiter = || Limiter::new(&settings.limits, clock.instant());
        Self {
            limiter: settings.is_on().then(|| Arc::new(limiter())),
            brake: brake(settings, asks_callers, clock),
            guard: settings.guards_account().then(|| Arc::new(guard())),
            guards: BTreeMap::new(),
        }
    }

    /// What says when a call to AWS may be made, where anything does.
    pub fn admission(&self) -> Option<Arc<dyn Admission>> {
        Some(Arc::new(AccountAdmission {
            only: Arc::clone(self.guard.as_ref()?),
            by_account: self.guards.clone(),
        }))
    }

    /// The same, or in Redis as it is set, and the file is read again whenever it changes,
    /// until `ended`. Each of `accounts` has quotas of its own.
    pub(super) fn watched(
        settings: &Settings,
        accounts: BTreeSet<String>,
        asks_callers: bool,
        clock: &Clock,
        metrics: &Arc<Metrics>,
        ended: &CancellationToken,
    ) -> Result<Self, StartError> {
        let file = settings.limits_file.clone();
        let watch = Watch::begin("limits", file.iter().cloned().collect());
        // Read once more, so that no change since the configuration was read is missed.
        let mut read = settings.clone();
        if let Some(file) = &file {
            read.limits = settings.read_limits(file).map_err(StartError::Rules)?;
        }
        let mut bounds = match read.store {
            Store::Redis if read.is_on() => Self {
                limiter: Some(Arc::new(shared(&read, clock, metrics, ended)?)),
                ..Self::new(&read, asks_callers, clock)
            },
            _ => Self::new(&read, asks_callers, clock),
        };
        if bounds.guard.is_some() {
            let guard = |meter| {
                let account = read.limits.account();
                Arc::new(Guard::metered(account, read.replicas, clock.clone(), meter))
            };
            bounds.guard = Some(guard(metrics.of_account(None)));
            let of_account = |account: String| {
                let meter = metrics.of_account(Some(&account));
                (account, guard(meter))
            };
            bounds.guards = accounts.into_iter().map(of_account).collect();
            let all = bounds.all_guards();
            let (reporting, ended) = (report(all), ended.clone());
            tokio::spawn(async move { ended.run_until_cancelled(reporting).await });
        }
        let Some(limiter) = &bounds.limiter else {
            return Ok(bounds);
        };
        if let Some(file) = file {
            let reload = reload(
                settings.clone(),
                Arc::clone(limiter),
                bounds.all_guards(),
                file,
            );
            watch.spawn(reload, Arc::clone(metrics), ended.clone());
        }
        let sweeping = sweep(Arc::clone(limiter), clock.clone(), Arc::clone(metrics));
        let ended = ended.clone();
        tokio::spawn(async move { ended.run_until_cancelled(sweeping).await });
        Ok(bounds)
    }

    fn all_guards(&self) -> Vec<Arc<Guard>> {
        let all = self.guard.iter().chain(self.guards.values());
        all.map(Arc::clone).collect()
    }
}

fn brake(settings: &Settings, asks_callers: bool, clock: &Clock) -> Option<Arc<Brake>> {
    let window = || settings.failed_authentications.clone();
    asks_callers.then(|| Arc::new(Brake::new(window(), clock.instant())))
}

/// Counts with other replicas, and with none of them until Redis is there: a start does
/// not wait for it.
fn shared(
    settings: &Settings,
    clock: &Clock,
    metrics: &Arc<Metrics>,
    ended: &CancellationToken,
) -> Result<Limiter, StartError> {
    let wrong = |reason| StartError::Rules(vec![format!("quota.redis_key_file: {reason}")]);
    let secret = settings.redis.secret().map_err(wrong)?;
    let redis = Arc::new(Redis::new(&settings.redis, clock, metrics.clone()));
    let (replicas, on_failure) = (settings.replicas, settings.on_store_failure);
    let shared = Shared::new(Arc::clone(&redis), replicas, on_failure, clock.now());
    let ended = ended.clone();
    tokio::spawn(async move { ended.run_until_cancelled(redis.keep_connected()).await });
    let origin = clock.instant();
    Ok(Limiter::shared(&settings.limits, origin, &secret, shared))
}

fn reload(
    settings: Settings,
    limiter: Arc<Limiter>,
    guards: Vec<Arc<Guard>>,
    file: PathBuf,
) -> impl Fn() -> Reloaded {
    move || {
        let limits = settings.read_limits(&file)?;
        if limits.account().is_written && guards.is_empty() {
            let file = file.display();
            tracing::warn!(%file, "[account] of {file} is in force after a restart");
        }
        limiter.reload(&limits);
        for guard in &guards {
            guard.reload(limits.account());
        }
        Ok(vec![file.clone()])
    }
}

async fn sweep(limiter: Arc<Limiter>, clock: Clock, metrics: Arc<Metrics>) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        metrics.quota_keys(limiter.sweep(clock.instant()));
    }
}
