//! Many callers at once in front of an emulator that has AWS's quotas, by the clock of the
//! runtime: a test that pauses it has minutes pass in moments.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use poolgate::clock::Clock;
use poolgate::emulator::{self, Connector, Emulator, Overrides, Quotas};
use poolgate::layers::Meter;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::pb::{CreateIdentityPoolRequest, GetIdRequest};
use poolgate::quota::{self, Guard, InForce, Limits};
use poolgate::server::{self, stack};
use poolgate::telemetry::Metrics;
use poolgate::upstream::{self, Upstream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tonic::service::interceptor::InterceptedService;
use tonic_types::StatusExt;

use super::guarded::{Bearer, EVERYTHING};
use super::house::{Rules, token};

/// Callers have no limit of their own that matters.
pub const OPEN: &str = "[[limits]]\nname = \"open\"\nwindows = [\"10000/s\"]\nin_flight = 100000\n";

/// The callers' names, of whom the last has the role `batch`.
pub const CALLERS: usize = 40;

pub type Client = CognitoIdentityServiceClient<InterceptedService<stack::Stack, Bearer>>;

/// poolgate without a socket.
pub struct Rush {
    pub emulator: Arc<Emulator>,
    pub metrics: Arc<Metrics>,
    stack: stack::Stack,
    _directory: TempDir,
}

/// What becomes of the calls of one caller.
#[derive(Clone, Default)]
pub struct Fates {
    /// How long those took that were answered.
    pub answered: Vec<Duration>,
    /// How many failed for which reason.
    pub failed: BTreeMap<String, usize>,
}

impl Rush {
    /// With limits, and with AWS's quotas but for these overrides (`GetId=10`).
    pub async fn with(limits: &str, quotas: &str, upstream: upstream::Settings) -> Self {
        let directory = TempDir::new().unwrap();
        let clock = Clock::of_runtime();
        let overrides = match quotas {
            "" => Overrides::default(),
            quotas => Overrides::parse(quotas).unwrap(),
        };
        let settings = emulator::Settings {
            quotas: Quotas {
                enforced: true,
                overrides,
            },
            ..Default::default()
        };
        let emulator = Arc::new(Emulator::new(settings, clock.clone()));
        let names: Vec<String> = (0..CALLERS).map(caller).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (callers, policies) = Rules::new(&callers(), &names, EVERYTHING).engines(&directory);
        let limits = quota::Settings {
            limits: Limits::parse(limits).unwrap(),
            limits_file: Some("limits.toml".into()),
            in_force: InForce::Aws,
            ..Default::default()
        };
        let metrics = Arc::new(Metrics::new());
        let rules = server::Rules::open(&callers, &policies, &clock).unwrap();
        let mut rules = rules.limited(&limits, &clock);
        if let Some(guard) = &mut rules.bounds.guard {
            let account = limits.limits.account();
            let meter = metrics.of_account(None);
            *guard = Arc::new(Guard::metered(account, 1, clock.clone(), meter));
        }
        let http_client = Connector::new(Arc::clone(&emulator)).into_http_client();
        let upstream = Upstream::metered(
            upstream,
            Some(http_client),
            TaskTracker::new(),
            clock.clone(),
            metrics.of_upstream(),
        );
        let upstream = upstream.await.admitted_by(rules.bounds.admission());
        let meter: Arc<dyn Meter> = metrics.clone();
        let (settings, upstream) = (Default::default(), Arc::new(upstream));
        let routes = stack::inner(&settings, &rules, None, upstream, &meter, &clock);
        Self {
            emulator,
            metrics,
            stack: stack::outer(routes, meter, &clock),
            _directory: directory,
        }
    }

    /// From here on, every call of AWS takes so long.
    pub fn delay(&self, delay: &str) {
        self.go_wrong(json!([{"fault": "delay", "delay": delay}]));
    }

    /// From here on, AWS goes by these rules.
    pub fn go_wrong(&self, rules: Value) {
        let rules = emulator::Rules::of_json(&json!({"rules": rules}));
        self.emulator.set_faults(rules.unwrap());
    }

    pub fn client(&self, number: usize) -> Client {
        let bearer = Bearer::new(&format!("Bearer {}", token(&caller(number))));
        CognitoIdentityServiceClient::new(InterceptedService::new(self.stack.clone(), bearer))
    }

    /// A pool that takes guests.
    pub async fn pool(&self) -> String {
        let create = CreateIdentityPoolRequest {
            identity_pool_name: "shop".to_owned(),
            allow_unauthenticated_identities: Some(true),
            ..Default::default()
        };
        let pool = self.client(0).create_identity_pool(create).await.unwrap();
        pool.into_inner().identity_pool.unwrap().identity_pool_id
    }

    /// Callers ask for identities for so long, each as often in a second as it says, at times
    /// that chance chooses the same way each time.
    pub async fn get_ids(&self, rates: &[f64], span: Duration) -> Vec<Fates> {
        let pool = self.pool().await;
        let began = Instant::now();
        let fates = Arc::new(Mutex::new(vec![Fates::default(); rates.len()]));
        let mut calls = JoinSet::new();
        for (number, at) in arrivals(rates, span) {
            tokio::time::sleep_until(began + at).await;
            let (mut client, fates) = (self.client(number), Arc::clone(&fates));
            let request = GetIdRequest {
                identity_pool_id: pool.clone(),
                ..Default::default()
            };
            calls.spawn(async move {
                let began = Instant::now();
                let answer = client.get_id(request).await;
                let fate = &mut fates.lock().unwrap()[number];
                match answer {
                    Ok(_) => fate.answered.push(began.elapsed()),
                    Err(status) => {
                        let reason = status.get_details_error_info().unwrap().reason;
                        *fate.failed.entry(reason).or_default() += 1;
                    }
                }
            });
        }
        while calls.join_next().await.is_some() {}
        let fates = fates.lock().unwrap();
        fates.clone()
    }

    /// How many calls wait for their turn.
    pub fn waiting(&self) -> f64 {
        self.sum("poolgate_account_waiting")
    }

    /// The sum over all labels of a metric.
    pub fn sum(&self, name: &str) -> f64 {
        let text = self.metrics.encode();
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    }
}

impl Fates {
    /// The time within which so many of a hundred were answered.
    pub fn percentile(fates: &[Fates], percent: usize) -> Duration {
        let mut all: Vec<Duration> = fates
            .iter()
            .flat_map(|fate| fate.answered.iter().copied())
            .collect();
        all.sort();
        all[(all.len() * percent / 100).min(all.len() - 1)]
    }

    /// How many were answered.
    pub fn answered(fates: &[Fates]) -> usize {
        fates.iter().map(|fate| fate.answered.len()).sum()
    }

    /// How many failed for this reason.
    pub fn failed(fates: &[Fates], reason: &str) -> usize {
        let failed = fates.iter().filter_map(|fate| fate.failed.get(reason));
        failed.sum()
    }

    /// Jain's index of fairness: 1 where all had the same, and 1/n where one had it all.
    pub fn jain(fates: &[Fates]) -> f64 {
        let had: Vec<f64> = fates
            .iter()
            .map(|fate| fate.answered.len() as f64)
            .collect();
        let sum: f64 = had.iter().sum();
        let squares: f64 = had.iter().map(|had| had * had).sum();
        sum * sum / (had.len() as f64 * squares)
    }
}

/// Who calls when: each caller by chance, independent of its calls before.
fn arrivals(rates: &[f64], span: Duration) -> Vec<(usize, Duration)> {
    let mut all = Vec::new();
    for (number, rate) in rates.iter().enumerate() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1);
        let mut at = 0.0;
        loop {
            // xorshift64*
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
            let chance = (bits as f64 + 1.0) / (1_u64 << 53) as f64;
            at += -chance.ln() / rate;
            if at >= span.as_secs_f64() {
                break;
            }
            all.push((number, Duration::from_secs_f64(at)));
        }
    }
    all.sort_by_key(|(_, at)| *at);
    all
}

/// The callers file.
pub fn callers() -> String {
    let one = |number| {
        let name = caller(number);
        let role = if number + 1 == CALLERS {
            "batch"
        } else {
            "admin"
        };
        format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{{{name}}}\"\nroles = [\"{role}\"]\n")
    };
    (0..CALLERS).map(one).collect()
}

/// The name of a caller.
pub fn caller(number: usize) -> String {
    format!("service-{number}")
}
