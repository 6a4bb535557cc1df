//! poolgate without a socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use poolgate::audit::Recorder;
use poolgate::clock::Clock;
use poolgate::emulator::{Connector, Emulator};
use poolgate::layers::Meter;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::rpc::Rpc;
use poolgate::server::{Rules, Settings, stack};
use poolgate::upstream::{self, Upstream};
use poolgate::{authn, policy, quota};
use tokio_util::task::TaskTracker;

use super::wire::Wire;

pub type Client = CognitoIdentityServiceClient<stack::Stack>;

/// poolgate with all its layers, and what stands below it.
pub struct App {
    pub client: Client,
    pub stack: stack::Stack,
    pub meter: Arc<Counts>,
    pub upstream: Arc<Upstream>,
    pub writes: TaskTracker,
}

impl App {
    /// Over the emulator.
    pub async fn emulator() -> Self {
        let emulator = Emulator::new(Default::default(), Clock::system());
        let connector = Connector::new(Arc::new(emulator));
        Self::over(SharedHttpClient::new(connector)).await
    }

    /// Over a wire in the test's hands.
    pub async fn wire(wire: &Wire) -> Self {
        Self::over(wire.client()).await
    }

    pub async fn over(http_client: SharedHttpClient) -> Self {
        Self::with(
            Settings::default(),
            upstream::Settings::default(),
            http_client,
        )
        .await
    }

    pub async fn with(
        settings: Settings,
        upstream: upstream::Settings,
        http_client: SharedHttpClient,
    ) -> Self {
        let nobody_is_asked = (Default::default(), Default::default());
        Self::ruled(settings, upstream, http_client, nobody_is_asked).await
    }

    /// With callers and policies.
    pub async fn ruled(
        settings: Settings,
        upstream: upstream::Settings,
        http_client: SharedHttpClient,
        engines: (authn::Settings, policy::Settings),
    ) -> Self {
        let unlimited = quota::Settings::default();
        Self::limited(settings, upstream, http_client, engines, unlimited).await
    }

    /// With limits as well.
    pub async fn limited(
        settings: Settings,
        upstream: upstream::Settings,
        http_client: SharedHttpClient,
        (callers, policies): (authn::Settings, policy::Settings),
        limits: quota::Settings,
    ) -> Self {
        let engines = (callers, policies, limits);
        Self::open((settings, upstream), http_client, engines, None).await
    }

    /// Over a wire in the test's hands, with a journal.
    pub async fn recorded(wire: &Wire, recorder: Arc<Recorder>) -> Self {
        let (settings, engines) = Default::default();
        Self::open(settings, wire.client(), engines, Some(recorder)).await
    }

    async fn open(
        (settings, upstream): (Settings, upstream::Settings),
        http_client: SharedHttpClient,
        (callers, policies, limits): (authn::Settings, policy::Settings, quota::Settings),
        recorder: Option<Arc<Recorder>>,
    ) -> Self {
        let writes = TaskTracker::new();
        let clock = Clock::system();
        let rules = Rules::open(&callers, &policies, &clock).unwrap();
        let rules = rules.limited(&limits, &clock);
        let upstream = Upstream::new(upstream, Some(http_client), writes.clone()).await;
        let upstream = Arc::new(upstream.admitted_by(rules.bounds.admission()));
        let meter = Arc::new(Counts::default());
        let counted: Arc<dyn Meter> = meter.clone();
        let routes = stack::inner(
            &settings,
            &rules,
            recorder,
            Arc::clone(&upstream),
            &counted,
            &clock,
        );
        let stack = stack::outer(routes, counted, &clock);
        Self {
            client: CognitoIdentityServiceClient::new(stack.clone()),
            stack,
            meter,
            upstream,
            writes,
        }
    }
}

/// What the stack counted.
#[derive(Default)]
pub struct Counts(Mutex<Vec<(&'static str, &'static str)>>);

impl Counts {
    /// Methods and codes of the calls that ended, in their order.
    pub fn handled(&self) -> Vec<(&'static str, &'static str)> {
        self.0.lock().unwrap().clone()
    }
}

impl Meter for Counts {
    fn started(&self, _: Rpc) {}

    fn handled(&self, rpc: Rpc, code: &'static str, _: Duration, _: Option<String>) {
        self.0.lock().unwrap().push((rpc.method, code));
    }

    fn received(&self, _: Rpc, _: u64) {}

    fn sent(&self, _: Rpc, _: u64) {}

    fn panicked(&self) {}

    fn authenticated(&self, _: &'static str, _: &'static str) {}

    fn authorized(&self, _: Rpc, _: &'static str) {}

    fn shadowed(&self, _: Rpc, _: &'static str) {}

    fn limited(&self, _: Rpc, _: &str, _: &'static str) {}

    fn crowded(&self) {}

    fn braked(&self) {}
}
