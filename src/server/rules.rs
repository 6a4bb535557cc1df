//! Who calls and who may: the engines that say so, opened before anything is served.

use std::sync::Arc;
use std::time::Duration;

use super::http_fetch::HttpFetch;
use super::lookup::UpstreamLookup;
use crate::authn::{self, Anonymous, Authenticator};
use crate::clock::Clock;
use crate::layers::{Around, Authenticate, Authorize, Gated, Meter};
use crate::policy::{self, Engine, Policies};
use crate::upstream::Upstream;

/// How long an issuer may take to send its keys (reference: security, T-J4).
const KEYS_TIMEOUT: Duration = Duration::from_secs(3);

/// The engines that every call has to pass.
#[derive(Clone)]
pub struct Rules {
    /// Who calls.
    pub authenticator: Arc<Authenticator>,
    /// Who may do what. Where nothing is here, every caller may do everything: that is
    /// the emulator without any setting.
    pub policies: Option<Arc<Engine>>,
}

impl Rules {
    /// Opens the engines. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// Every mistake in the policies.
    pub fn open(
        callers: &authn::Settings,
        policies: &policy::Settings,
        clock: &Clock,
    ) -> Result<Self, Vec<policy::Mistake>> {
        let callers = authn::Settings {
            // A callers file that is there says of everybody who may come in.
            anonymous: match callers.callers_file {
                Some(_) => Anonymous::Refused,
                None => Anonymous::Allowed,
            },
            ..callers.clone()
        };
        let fetch = Arc::new(HttpFetch::new(KEYS_TIMEOUT));
        let policies = match policies.is_on() {
            true => Some(Arc::new(Engine::new(Policies::load(policies)?))),
            false => None,
        };
        Ok(Self {
            authenticator: Arc::new(Authenticator::new(&callers, clock.clone(), fetch)),
            policies,
        })
    }

    /// The layer that tells who calls.
    pub(super) fn authenticate(&self, meter: &Arc<dyn Meter>) -> Around<Gated<Authenticate>> {
        let gate = Authenticate::new(Arc::clone(&self.authenticator), Arc::clone(meter));
        Around::new(Gated(gate))
    }

    /// The layer that asks the policies, if there are any. `upstream` is asked for what
    /// they want to know.
    pub(super) fn authorize(
        &self,
        upstream: &Arc<Upstream>,
        meter: &Arc<dyn Meter>,
        clock: &Clock,
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
        );
        Some(Around::new(Gated(gate)))
    }
}
