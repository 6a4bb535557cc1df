//! Who calls, who may, and how often: the engines that say so, opened before anything is served.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::health::{Health, Unfit};
use super::http_fetch::HttpFetch;
use super::limits::Bounds;
use super::lookup::UpstreamLookup;
use super::reload::{Reloaded, Watch};
use super::tls::Settings as TlsSettings;
use super::{Parts, StartError};
use crate::authn::{self, Authenticator, Callers, Proofs};
use crate::clock::Clock;
use crate::layers::{
    Around, Authenticate, Authorize, Brakes, Flows, Gated, Judged, Limits, Meter, Weights,
};
use crate::policy::{self, Engine, Policies};
use crate::quota;
use crate::telemetry::Metrics;
use crate::upstream::Upstream;

/// How long an issuer may take to send its keys (reference: security, T-J4).
const KEYS_TIMEOUT: Duration = Duration::from_secs(3);

/// The engines that every call has to pass.
#[derive(Clone)]
pub struct Rules {
    /// Who calls. Where nothing is here, nobody is asked, and every caller is
    /// [anonymous](crate::caller::Caller::anonymous).
    pub authenticator: Option<Arc<Authenticator>>,
    /// Who may do what. Where nothing is here, every caller may do everything: that is
    /// the emulator without any setting.
    pub policies: Option<Arc<Engine>>,
    /// How often callers may do what.
    pub bounds: Bounds,
}

impl Rules {
    /// Opens the engines, without limits. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// Every mistake in the policies.
    pub fn open(
        callers: &authn::Settings,
        policies: &policy::Settings,
        clock: &Clock,
    ) -> Result<Self, Vec<String>> {
        let authenticator = callers.callers_file.as_ref().map(|_| {
            let fetch = Arc::new(HttpFetch::new(KEYS_TIMEOUT));
            Arc::new(Authenticator::new(callers, clock.clone(), fetch))
        });
        let policies = match policies.is_on() {
            true => Some(Policies::load(policies).map_err(sentences)?),
            false => None,
        };
        Ok(Self {
            authenticator,
            policies: policies.map(|policies| Arc::new(Engine::new(policies))),
            bounds: Bounds::default(),
        })
    }

    /// The same with limits, which count from this time on.
    #[must_use]
    pub fn limited(mut self, limits: &quota::Settings, clock: &Clock) -> Self {
        self.bounds = Bounds::new(limits, self.authenticator.is_some(), clock);
        self
    }

    /// Opens the engines, and reads their files again whenever they change until `ended`.
    pub(super) fn watched(
        parts: &Parts,
        clock: &Clock,
        metrics: &Arc<Metrics>,
        ended: &CancellationToken,
    ) -> Result<Self, StartError> {
        let (callers, policies) = (&parts.authn, &parts.policy);
        let watch_callers = Watch::begin("callers", callers.callers.files().to_vec());
        let watch_policies = Watch::begin("policies", policies.paths());
        // Read once more, so that no change since the configuration was read is missed.
        let mut read = callers.clone();
        if let Some(file) = &callers.callers_file {
            read.callers = Callers::read(file).map_err(StartError::Rules)?;
        }
        let mut rules = Self::open(&read, policies, clock).map_err(StartError::Rules)?;
        let asks_callers = rules.authenticator.is_some();
        let targets = parts.upstream.targets.iter();
        let accounts = targets.map(|target| target.account_id.clone()).collect();
        rules.bounds =
            Bounds::watched(&parts.quota, accounts, asks_callers, clock, metrics, ended)?;
        if let (Some(authenticator), Some(file)) = (&rules.authenticator, &callers.callers_file) {
            let reload = reload_callers(Arc::clone(authenticator), file.clone());
            watch_callers.spawn(reload, Arc::clone(metrics), ended.clone());
        }
        if let Some(engine) = rules.policies.clone() {
            let reload = reload_policies(engine, policies.clone());
            watch_policies.spawn(reload, Arc::clone(metrics), ended.clone());
        }
        Ok(rules)
    }

    /// Fetches keys of issuers from here on until `ended`; health is told when calls are in
    /// vain for want of them.
    pub(super) async fn fetch_keys(
        &self,
        parts: &Parts,
        health: &Health,
        ended: &CancellationToken,
    ) {
        let Some(authenticator) = self.authenticator.clone() else {
            return;
        };
        let proofs = Proofs {
            by_certificate: parts
                .tls
                .as_ref()
                .is_some_and(TlsSettings::asks_for_certificates),
            by_process: parts.server.unix_socket.is_some(),
        };
        let (asked, health) = (Arc::clone(&authenticator), health.clone());
        let looked = move || {
            let (authenticator, health) = (Arc::clone(&asked), health.clone());
            async move {
                let lacks = authenticator.lacks_keys(proofs);
                health.note(Unfit::Keys, lacks).await;
            }
        };
        looked().await;
        let ended = ended.clone();
        tokio::spawn(async move {
            let fetching = authenticator.keep_keys_fresh(looked);
            ended.run_until_cancelled(fetching).await
        });
    }

    /// The layer that tells who calls.
    pub(super) fn authenticate(&self, meter: &Arc<dyn Meter>) -> Around<Gated<Authenticate>> {
        let gate = Authenticate::new(self.authenticator.clone(), Arc::clone(meter));
        Around::new(Gated(gate))
    }

    /// The layer that refuses addresses that failed too often, if callers are asked who
    /// they are.
    pub(super) fn brake(&self, meter: &Arc<dyn Meter>, clock: &Clock) -> Option<Around<Brakes>> {
        let brake = Arc::clone(self.bounds.brake.as_ref()?);
        Some(Around::new(Brakes::new(
            brake,
            Arc::clone(meter),
            clock.clone(),
        )))
    }

    /// The layers that ask the limits, if there are any: before the message is read, and
    /// after it.
    pub(super) fn limit(
        &self,
        meter: &Arc<dyn Meter>,
        clock: &Clock,
    ) -> Option<(Around<Limits>, Around<Gated<Weights>>)> {
        let limiter = self.bounds.limiter.as_ref()?;
        let limits = Limits::new(Arc::clone(limiter), Arc::clone(meter), clock.clone());
        let weights = Weights(limits.clone());
        Some((Around::new(limits), Around::new(Gated(weights))))
    }

    /// The layer that says by which flow a call takes its turn.
    pub(super) fn flow(&self) -> Around<Gated<Flows>> {
        Around::new(Gated(Flows::new(self.bounds.guard.clone())))
    }

    /// The layer that asks the policies about what is `judged`, if there are any. `upstream` is asked for what
    /// they want to know.
    pub(super) fn authorize(
        &self,
        upstream: &Arc<Upstream>,
        meter: &Arc<dyn Meter>,
        clock: &Clock,
        judged: Judged,
    ) -> Option<Around<Gated<Authorize>>> {
        let lookup = UpstreamLookup {
            upstream: Arc::clone(upstream),
            clock: clock.clone(),
        };
        let engine = self.policies.as_ref()?;
        let gate = Authorize::new(
            Arc::clone(engine),
            Arc::new(lookup),
            Arc::clone(meter),
            clock.clone(),
            judged,
        );
        Some(Around::new(Gated(gate)))
    }
}

fn reload_callers(authenticator: Arc<Authenticator>, file: PathBuf) -> impl Fn() -> Reloaded {
    move || {
        let callers = Callers::read(&file)?;
        let files = callers.files().to_vec();
        authenticator.reload(callers);
        Ok(files)
    }
}

fn reload_policies(engine: Arc<Engine>, settings: policy::Settings) -> impl Fn() -> Reloaded {
    move || match engine.reload(&settings) {
        Ok(()) => Ok(settings.paths()),
        Err(mistakes) => Err(sentences(mistakes)),
    }
}

fn sentences(mistakes: Vec<policy::Mistake>) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}
