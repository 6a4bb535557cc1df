//! The counters of what goes to AWS, and of the account's quotas.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::{Metrics, add};
use super::names::upstream as names;
use crate::operation::Operation;
use crate::quota::account::{self, Decision};
use crate::upstream::{self, Assumed, Circuit, Shed};

mod sessions;

use sessions::Sessions;

/// Targets, accounts and regions are those that are configured.
type Labels = Vec<(&'static str, Cow<'static, str>)>;
type Fraction = Gauge<f64, AtomicU64>;

/// What becomes of calls on their way to AWS.
#[derive(Debug, Default)]
pub(super) struct UpstreamMetrics {
    requests: Family<Labels, Counter>,
    throttles: Family<Labels, Counter>,
    shed: Family<Labels, Counter>,
    in_flight: Family<Labels, Gauge>,
    in_flight_limit: Family<Labels, Gauge>,
    breakers: Family<Labels, Fraction>,
    probes: Family<Labels, Gauge>,
    sessions: Sessions,
    decisions: Family<Labels, Counter>,
    waiting: Family<Labels, Gauge>,
    rates: Family<Labels, Fraction>,
}

impl UpstreamMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        add(registry, &names::UPSTREAM_REQUESTS, self.requests.clone());
        add(registry, &names::UPSTREAM_THROTTLES, self.throttles.clone());
        add(registry, &names::UPSTREAM_SHED, self.shed.clone());
        add(registry, &names::UPSTREAM_IN_FLIGHT, self.in_flight.clone());
        let limit = self.in_flight_limit.clone();
        add(registry, &names::UPSTREAM_IN_FLIGHT_LIMIT, limit);
        add(registry, &names::UPSTREAM_BREAKER, self.breakers.clone());
        add(registry, &names::UPSTREAM_PROBE, self.probes.clone());
        self.sessions.register(registry);
        add(registry, &names::ACCOUNT_DECISIONS, self.decisions.clone());
        add(registry, &names::ACCOUNT_WAITING, self.waiting.clone());
        add(registry, &names::ACCOUNT_RATE, self.rates.clone());
    }
}

/// Counts all that goes to AWS, or what goes to one target or is guarded of one account.
struct Part {
    metrics: Arc<Metrics>,
    /// The target or the account, where there are several. They are configured.
    of: Option<(&'static str, Arc<str>)>,
}

impl Metrics {
    /// The counters of what goes to AWS.
    pub fn of_upstream(self: &Arc<Self>) -> Arc<dyn upstream::Meter> {
        Arc::new(self.part(None))
    }

    /// The counters of the quotas of the account, or of one among several by its number.
    pub fn of_account(self: &Arc<Self>, number: Option<&str>) -> Arc<dyn account::Meter> {
        Arc::new(self.part(number.map(|number| ("account", number.into()))))
    }

    /// A probe of a target, or of the only way to AWS, has ended.
    pub fn probed(&self, target: Option<&str>, answered: bool) {
        let target = target.map(|name| ("target", Cow::from(name.to_owned())));
        let probes = &self.upstream().probes;
        let labels = target.into_iter().collect();
        probes.get_or_create(&labels).set(i64::from(answered));
    }

    fn part(self: &Arc<Self>, of: Option<(&'static str, Arc<str>)>) -> Part {
        Part {
            metrics: Arc::clone(self),
            of,
        }
    }
}

impl upstream::Meter for Part {
    fn of_target(self: Arc<Self>, name: &Arc<str>) -> Arc<dyn upstream::Meter> {
        Arc::new(self.metrics.part(Some(("target", Arc::clone(name)))))
    }

    fn sent(&self, region: &str, operation: Operation) {
        let labels = self.of_operation(region, operation);
        self.counters().requests.get_or_create(&labels).inc();
    }

    fn throttled(&self, region: &str, operation: Operation) {
        let labels = self.of_operation(region, operation);
        self.counters().throttles.get_or_create(&labels).inc();
    }

    fn shed(&self, region: &str, operation: Operation, why: Shed) {
        let reason = match why {
            Shed::Overloaded => "overloaded",
            Shed::CircuitOpen => "circuit_open",
        };
        let mut labels = self.of_operation(region, operation);
        labels.push(("reason", Cow::from(reason)));
        self.counters().shed.get_or_create(&labels).inc();
    }

    fn in_flight(&self, region: &str, calls: usize, limit: usize) {
        let labels = self.of_region(region);
        let metrics = self.counters();
        metrics.in_flight.get_or_create(&labels).set(whole(calls));
        let limits = &metrics.in_flight_limit;
        limits.get_or_create(&labels).set(whole(limit));
    }

    fn breaker(&self, region: &str, operation: Operation, state: Circuit) {
        let open = match state {
            Circuit::Closed => 0.0,
            Circuit::HalfOpen => 0.5,
            Circuit::Open => 1.0,
        };
        let labels = self.of_operation(region, operation);
        self.counters().breakers.get_or_create(&labels).set(open);
    }

    fn assumed(&self, outcome: Assumed, took: Duration) {
        let labels = self.of_nothing_else();
        self.counters().sessions.asked(labels, outcome, took);
    }
}

impl account::Meter for Part {
    fn decided(&self, region: &str, operation: Operation, decision: Decision) {
        let decision = match decision {
            Decision::Admitted => "admitted",
            Decision::Waited => "waited",
            Decision::Refused => "refused",
        };
        let mut labels = self.of_operation(region, operation);
        labels.push(("decision", Cow::from(decision)));
        self.counters().decisions.get_or_create(&labels).inc();
    }

    fn waiting(&self, region: &str, operation: Operation, calls: usize) {
        let labels = self.of_operation(region, operation);
        let waiting = &self.counters().waiting;
        waiting.get_or_create(&labels).set(whole(calls));
    }

    fn rate(&self, region: &str, operation: Operation, rate: f64) {
        let labels = self.of_operation(region, operation);
        self.counters().rates.get_or_create(&labels).set(rate);
    }
}

impl Part {
    fn counters(&self) -> &UpstreamMetrics {
        self.metrics.upstream()
    }

    fn of_nothing_else(&self) -> Labels {
        let of = self.of.as_ref();
        of.map(|(label, name)| (*label, Cow::from(name.to_string())))
            .into_iter()
            .collect()
    }

    fn of_region(&self, region: &str) -> Labels {
        let mut labels = self.of_nothing_else();
        labels.push(("region", Cow::from(region.to_owned())));
        labels
    }

    fn of_operation(&self, region: &str, operation: Operation) -> Labels {
        let mut labels = self.of_region(region);
        labels.push(("grpc_method", Cow::from(operation.name())));
        labels
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
