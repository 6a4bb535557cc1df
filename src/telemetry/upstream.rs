//! The counters of what goes to AWS, and of the account's quotas.

use std::borrow::Cow;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::{Metrics, add};
use super::names::upstream as names;
use crate::operation::Operation;
use crate::quota::account::{self, Decision};
use crate::upstream::{self, Circuit, Shed};

/// The regions that are configured.
type OfRegion = [(&'static str, Cow<'static, str>); 1];
type OfOperation = [(&'static str, Cow<'static, str>); 2];
type OfOutcome = [(&'static str, Cow<'static, str>); 3];
type Fraction = Gauge<f64, AtomicU64>;

/// What becomes of calls on their way to AWS.
#[derive(Debug, Default)]
pub(super) struct UpstreamMetrics {
    requests: Family<OfOperation, Counter>,
    throttles: Family<OfOperation, Counter>,
    shed: Family<OfOutcome, Counter>,
    in_flight: Family<OfRegion, Gauge>,
    in_flight_limit: Family<OfRegion, Gauge>,
    breakers: Family<OfOperation, Fraction>,
    decisions: Family<OfOutcome, Counter>,
    waiting: Family<OfOperation, Gauge>,
    rates: Family<OfOperation, Fraction>,
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
        add(registry, &names::ACCOUNT_DECISIONS, self.decisions.clone());
        add(registry, &names::ACCOUNT_WAITING, self.waiting.clone());
        add(registry, &names::ACCOUNT_RATE, self.rates.clone());
    }
}

impl upstream::Meter for Metrics {
    fn sent(&self, region: &str, operation: Operation) {
        let labels = of_operation(region, operation);
        self.upstream().requests.get_or_create(&labels).inc();
    }

    fn throttled(&self, region: &str, operation: Operation) {
        let labels = of_operation(region, operation);
        self.upstream().throttles.get_or_create(&labels).inc();
    }

    fn shed(&self, region: &str, operation: Operation, why: Shed) {
        let reason = match why {
            Shed::Overloaded => "overloaded",
            Shed::CircuitOpen => "circuit_open",
        };
        let [region, method] = of_operation(region, operation);
        let labels = [region, method, ("reason", Cow::from(reason))];
        self.upstream().shed.get_or_create(&labels).inc();
    }

    fn in_flight(&self, region: &str, calls: usize, limit: usize) {
        let labels = of_region(region);
        let metrics = self.upstream();
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
        let labels = of_operation(region, operation);
        self.upstream().breakers.get_or_create(&labels).set(open);
    }
}

impl account::Meter for Metrics {
    fn decided(&self, region: &str, operation: Operation, decision: Decision) {
        let decision = match decision {
            Decision::Admitted => "admitted",
            Decision::Waited => "waited",
            Decision::Refused => "refused",
        };
        let [region, method] = of_operation(region, operation);
        let labels = [region, method, ("decision", Cow::from(decision))];
        self.upstream().decisions.get_or_create(&labels).inc();
    }

    fn waiting(&self, region: &str, operation: Operation, calls: usize) {
        let labels = of_operation(region, operation);
        let waiting = &self.upstream().waiting;
        waiting.get_or_create(&labels).set(whole(calls));
    }

    fn rate(&self, region: &str, operation: Operation, rate: f64) {
        let labels = of_operation(region, operation);
        self.upstream().rates.get_or_create(&labels).set(rate);
    }
}

fn of_region(region: &str) -> OfRegion {
    [("region", Cow::from(region.to_owned()))]
}

fn of_operation(region: &str, operation: Operation) -> OfOperation {
    let [region] = of_region(region);
    [region, ("grpc_method", Cow::from(operation.name()))]
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
