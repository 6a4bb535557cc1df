//! The counters, and their text for Prometheus.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

mod connections;

use super::caches::Caches;
use super::certificate::CertificateExpiry;
use super::forwarding::ForwardingMetrics;
use super::itself;
use super::journal::JournalMetrics;
use super::labels::{MethodLabels, OutcomeLabels, PairLabels, method_labels};
use super::names;
use super::process::ThisProcess;
use super::quotas::QuotaMetrics;
use super::upstream::UpstreamMetrics;
use crate::layers::Meter;
use crate::operation::Operation;
use crate::remembered::Remembered;
use crate::rpc::Rpc;

pub use super::labels::{Ending, Refusal};

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds. Calls that stay inside the process take well under a
/// millisecond, calls to AWS tens of milliseconds; a minute is the longest allowed.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// How long calls took, each bucket with the trace of a call in it.
type Durations = HistogramWithExemplars<[(&'static str, String); 1]>;

/// The process's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started: Family<MethodLabels, Counter>,
    handled: Family<OutcomeLabels, Counter>,
    received: Family<MethodLabels, Counter>,
    sent: Family<MethodLabels, Counter>,
    handling: Family<MethodLabels, Durations, fn() -> Durations>,
    connections: Gauge,
    refused: Family<[(&'static str, &'static str); 1], Counter>,
    ended: Family<[(&'static str, &'static str); 1], Counter>,
    admin_crowded_out: Counter,
    panics: Counter,
    authentications: Family<PairLabels, Counter>,
    decisions: Family<PairLabels, Counter>,
    shadow_decisions: Family<PairLabels, Counter>,
    reloads: Family<[(&'static str, &'static str); 2], Counter>,
    reload_failing: Family<[(&'static str, &'static str); 1], Gauge>,
    certificate_expiry: CertificateExpiry,
    journal: JournalMetrics,
    forwarding: ForwardingMetrics,
    quotas: QuotaMetrics,
    upstream: UpstreamMetrics,
    caches: Caches,
}

impl Metrics {
    /// All metrics at zero. Every method of the protocol is there from the start,
    /// so that a first call is an increase and not the birth of a series.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            started: Family::default(),
            handled: Family::default(),
            received: Family::default(),
            sent: Family::default(),
            handling: Family::new_with_constructor(|| Durations::new(BUCKETS.into_iter())),
            connections: Gauge::default(),
            refused: Family::default(),
            ended: Family::default(),
            admin_crowded_out: Counter::default(),
            panics: Counter::default(),
            authentications: Family::default(),
            decisions: Family::default(),
            shadow_decisions: Family::default(),
            reloads: Family::default(),
            reload_failing: Family::default(),
            certificate_expiry: CertificateExpiry::default(),
            journal: JournalMetrics::default(),
            forwarding: ForwardingMetrics::default(),
            quotas: QuotaMetrics::default(),
            upstream: UpstreamMetrics::default(),
            caches: Caches::default(),
        };
        metrics.register();
        for operation in Operation::ALL {
            let labels = method_labels(Rpc::of_operation(*operation));
            drop(metrics.started.get_or_create(&labels));
            drop(metrics.received.get_or_create(&labels));
            drop(metrics.sent.get_or_create(&labels));
        }
        for reason in Refusal::ALL {
            drop(metrics.refused.get_or_create(&[("reason", reason.label())]));
        }
        for reason in Ending::ALL {
            drop(metrics.ended.get_or_create(&[("reason", reason.label())]));
        }
        metrics
    }

    /// From here on, the files of `what` are watched.
    pub fn watched(&self, what: &'static str) {
        for outcome in ["ok", "failed"] {
            drop(self.reloads.get_or_create(&reload(what, outcome)));
        }
        self.reload_failing.get_or_create(&[("what", what)]).set(0);
    }

    /// The files of `what` have changed, and their content is in use if it is good.
    pub fn reloaded(&self, what: &'static str, good: bool) {
        let outcome = if good { "ok" } else { "failed" };
        self.reloads.get_or_create(&reload(what, outcome)).inc();
        self.reload_failing
            .get_or_create(&[("what", what)])
            .set(i64::from(!good));
    }

    /// The server's certificate that is in use expires then, in seconds since 1970.
    pub fn certificate_expires(&self, then: i64) {
        self.certificate_expiry.set(then);
    }

    /// So many keys have consumed something of a limit.
    pub fn quota_keys(&self, keys: usize) {
        self.quotas.keys(keys);
    }

    /// From here on these are asked what they remember.
    pub fn watch_caches(&self, ask: impl Fn() -> Vec<Remembered> + Send + Sync + 'static) {
        self.caches.add(Box::new(ask));
    }

    pub(super) fn journal(&self) -> &JournalMetrics {
        &self.journal
    }

    pub(super) fn forwarding(&self) -> &ForwardingMetrics {
        &self.forwarding
    }

    pub(super) fn quotas(&self) -> &QuotaMetrics {
        &self.quotas
    }

    pub(super) fn upstream(&self) -> &UpstreamMetrics {
        &self.upstream
    }

    /// The metrics as OpenMetrics text, see [`CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing into a `String` cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn register(&mut self) {
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        let registry = &mut self.registry;
        add(registry, &names::STARTED, self.started.clone());
        add(registry, &names::HANDLED, self.handled.clone());
        add(registry, &names::MESSAGES_RECEIVED, self.received.clone());
        add(registry, &names::MESSAGES_SENT, self.sent.clone());
        add(registry, &names::HANDLING, self.handling.clone());
        add(registry, &names::BUILD, build);
        add(registry, &names::CONNECTIONS, self.connections.clone());
        add(registry, &names::REFUSED, self.refused.clone());
        add(registry, &names::ENDED, self.ended.clone());
        let crowded_out = self.admin_crowded_out.clone();
        add(registry, &names::ADMIN_CROWDED_OUT, crowded_out);
        add(registry, &names::PANICS, self.panics.clone());
        add(
            registry,
            &names::AUTHENTICATIONS,
            self.authentications.clone(),
        );
        add(registry, &names::DECISIONS, self.decisions.clone());
        add(
            registry,
            &names::SHADOW_DECISIONS,
            self.shadow_decisions.clone(),
        );
        add(registry, &names::RELOADS, self.reloads.clone());
        let failing = self.reload_failing.clone();
        add(registry, &names::RELOAD_FAILING, failing);
        registry.register_collector(Box::new(self.certificate_expiry.clone()));
        self.journal.register(registry);
        self.forwarding.register(registry);
        self.quotas.register(registry);
        self.upstream.register(registry);
        itself::register(registry);
        registry.register_collector(Box::new(self.caches.clone()));
        registry.register_collector(Box::new(ThisProcess));
    }
}

impl Meter for Metrics {
    fn started(&self, rpc: Rpc) {
        self.started.get_or_create(&method_labels(rpc)).inc();
    }

    fn handled(&self, rpc: Rpc, code: &'static str, took: Duration, trace: Option<String>) {
        let labels = method_labels(rpc);
        let [kind, service, method] = labels;
        self.handled
            .get_or_create(&[kind, service, method, ("grpc_code", code)])
            .inc();
        let exemplar = trace.map(|trace| [("trace_id", trace)]);
        self.handling
            .get_or_create(&labels)
            .observe(took.as_secs_f64(), exemplar, None);
    }

    fn received(&self, rpc: Rpc, messages: u64) {
        let received = &self.received;
        received.get_or_create(&method_labels(rpc)).inc_by(messages);
    }

    fn sent(&self, rpc: Rpc, messages: u64) {
        let sent = &self.sent;
        sent.get_or_create(&method_labels(rpc)).inc_by(messages);
    }

    fn panicked(&self) {
        self.panics.inc();
    }

    fn authenticated(&self, method: &'static str, outcome: &'static str) {
        let labels = [("method", method), ("outcome", outcome)];
        self.authentications.get_or_create(&labels).inc();
    }

    fn authorized(&self, rpc: Rpc, decision: &'static str) {
        let labels = [("grpc_method", rpc.method), ("decision", decision)];
        self.decisions.get_or_create(&labels).inc();
    }

    fn shadowed(&self, rpc: Rpc, outcome: &'static str) {
        let labels = [("grpc_method", rpc.method), ("outcome", outcome)];
        self.shadow_decisions.get_or_create(&labels).inc();
    }

    fn limited(&self, rpc: Rpc, limit: &str, decision: &'static str) {
        self.quotas.decided(rpc, limit, decision);
    }

    fn crowded(&self) {
        self.quotas.crowded();
    }

    fn braked(&self) {
        self.quotas.braked();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn reload(what: &'static str, outcome: &'static str) -> [(&'static str, &'static str); 2] {
    [("what", what), ("outcome", outcome)]
}

pub(super) fn add(registry: &mut Registry, name: &names::Name, metric: impl Metric) {
    registry.register(name.registered(), name.help(), metric);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audit::forward;
    use crate::quota::{self, account};
    use crate::upstream;

    #[test]
    fn a_call_is_counted_under_its_method_and_code() {
        let metrics = Metrics::new();

        let rpc = Rpc::of_operation(Operation::GetId);
        metrics.started(rpc);
        metrics.handled(rpc, "NotFound", Duration::from_millis(3), None);

        let labels = r#"grpc_type="unary",grpc_service="cognito.identity.v1.CognitoIdentityService",grpc_method="GetId""#;
        let text = metrics.encode();
        for line in [
            format!("grpc_server_started_total{{{labels}}} 1"),
            format!("grpc_server_handled_total{{{labels},grpc_code=\"NotFound\"}} 1"),
            format!("grpc_server_handling_seconds_count{{{labels}}} 1"),
        ] {
            assert!(text.contains(&line), "{line} is not in:\n{text}");
        }
    }

    /// In a runtime, of which there are metrics too.
    #[tokio::test]
    async fn every_metric_of_the_reference_is_exposed_under_its_name() {
        let metrics = Arc::new(Metrics::new());
        let rpc = Rpc::of_operation(Operation::GetId);
        metrics.started(rpc);
        metrics.handled(rpc, "OK", Duration::ZERO, None);
        metrics.authenticated("jwt", "ok");
        metrics.authorized(rpc, "allowed");
        metrics.shadowed(rpc, "same");
        metrics.limited(rpc, "default-issue", "admitted");
        metrics.watched("tls");
        metrics.certificate_expires(4_102_444_800);
        forward::Meter::target(metrics.as_ref(), "syslog+unix:///dev/log");
        quota::StoreMeter::store(metrics.as_ref(), &["timeout"]);
        let (here, operation) = ("eu-west-1", Operation::GetId);
        let aws = metrics.of_upstream();
        aws.sent(here, operation);
        aws.throttled(here, operation);
        aws.shed(here, operation, upstream::Shed::Overloaded);
        aws.in_flight(here, 1, 256);
        aws.breaker(here, operation, upstream::Circuit::Open);
        metrics.probed(None, true);
        let remembered = |cache| Remembered {
            cache,
            hits: 1,
            misses: 2,
            entries: 3,
        };
        metrics.watch_caches(move || vec![remembered("pool_tags")]);
        aws.assumed(upstream::Assumed::Given, Duration::ZERO);
        let account = metrics.of_account(None);
        account.decided(here, operation, account::Decision::Waited);
        account.waiting(here, operation, 1);
        account.rate(here, operation, 24.5);

        let text = metrics.encode();

        for metric in names::all() {
            let exposed = text
                .lines()
                .any(|line| !line.starts_with('#') && line.starts_with(metric.name));
            assert!(exposed, "{} is not in:\n{text}", metric.name);
            assert!(names::reference().contains(metric.name), "{}", metric.name);
        }
    }

    #[test]
    fn what_goes_to_one_target_or_account_is_counted_apart() {
        let metrics = Arc::new(Metrics::new());
        let (here, operation) = ("eu-west-1", Operation::GetId);
        let meter = metrics.of_upstream();
        let shop = Arc::clone(&meter).of_target(&"shop".into());
        let bank = Arc::clone(&shop).of_target(&"bank".into());

        shop.in_flight(here, 1, 256);
        bank.in_flight(here, 2, 256);
        meter.in_flight(here, 3, 256);
        metrics
            .of_account(Some("111111111111"))
            .waiting(here, operation, 4);

        let text = metrics.encode();
        for line in [
            "poolgate_upstream_in_flight{target=\"shop\",region=\"eu-west-1\"} 1",
            "poolgate_upstream_in_flight{target=\"bank\",region=\"eu-west-1\"} 2",
            "poolgate_upstream_in_flight{region=\"eu-west-1\"} 3",
            "poolgate_account_waiting{account=\"111111111111\",region=\"eu-west-1\",grpc_method=\"GetId\"} 4",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn connections_go_up_and_down() {
        let metrics = Metrics::new();

        metrics.connection_opened();
        metrics.connection_opened();
        metrics.connection_closed();
        metrics.connection_refused(Refusal::Limit);

        let text = metrics.encode();
        assert!(text.contains("\npoolgate_connections 1\n"), "{text}");
        assert!(
            text.contains("poolgate_connections_refused_total{reason=\"limit\"} 1"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
    }
}
