//! poolgate on a real socket, with limits, and with time in a test's hands.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use poolgate::authn;
use poolgate::clock::Clock;
use poolgate::layers::Meter;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::policy;
use poolgate::quota::{self, InForce, Limits};
use poolgate::server::listen::{self, Limits as Connections};
use poolgate::server::{self, stack};
use poolgate::telemetry::Metrics;
use tempfile::TempDir;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;

use super::app::App;
use super::guarded::{Bearer, Channel, EVERYTHING};
use super::house::{Rules, token};

const CALLERS: &str = r#"
[[tokens]]
name = "ann"
sha256 = "{ann}"
roles = ["admin"]

[[tokens]]
name = "bob"
sha256 = "{bob}"
roles = ["batch"]
"#;

/// poolgate for `ann`, an admin, and for `bob` with the role `batch`; both may do everything.
pub struct Turnstile {
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub address: SocketAddr,
    _directory: TempDir,
}

impl Turnstile {
    pub async fn with(limits: &str) -> Self {
        Self::ruled(Rules::new(CALLERS, &["ann", "bob"], EVERYTHING), limits).await
    }

    /// With callers and policies of a test's own.
    pub async fn ruled(rules: Rules, limits: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let engines = rules.engines(&directory);
        Self::open(engines, limits, directory).await
    }

    /// Nobody has to say who calls.
    pub async fn open_to_all(limits: &str) -> Self {
        Self::open(Default::default(), limits, TempDir::new().unwrap()).await
    }

    async fn open(
        (callers, policies): (authn::Settings, policy::Settings),
        limits: &str,
        directory: TempDir,
    ) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let limits = quota::Settings {
            limits: Limits::parse(limits).unwrap(),
            in_force: InForce::Always,
            ..Default::default()
        };
        let rules = server::Rules::open(&callers, &policies, &clock).unwrap();
        let rules = rules.limited(&limits, &clock);
        let app = App::emulator().await;
        let metrics = Arc::new(Metrics::new());
        let meter: Arc<dyn Meter> = metrics.clone();
        let settings = Default::default();
        let upstream = app.upstream;
        let routes = stack::inner(&settings, &rules, None, upstream.clone(), &meter, &clock);
        let routes = stack::add_reflection(routes, &settings, &rules, &upstream, &meter, &clock);
        let stack = stack::outer(routes.unwrap(), meter, &clock);
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Connections {
            preface: Duration::from_secs(60),
            connections_of_address: 1000,
            ..Connections::default()
        };
        listen::serve(listener, stack, connections, None, metrics.clone());
        Self {
            clock,
            metrics,
            address,
            _directory: directory,
        }
    }

    /// A client with the token of this caller; `nobody` has none.
    pub async fn client(&self, caller: &str) -> CognitoIdentityServiceClient<Channel> {
        self.client_at(caller, "127.0.0.1").await
    }

    /// The same from an address of this machine.
    pub async fn client_at(
        &self,
        caller: &str,
        from: &str,
    ) -> CognitoIdentityServiceClient<Channel> {
        let bearer = match caller {
            "nobody" => Bearer::none(),
            caller => Bearer::new(&format!("Bearer {}", token(caller))),
        };
        let channel = self.channel_at(from).await;
        CognitoIdentityServiceClient::new(InterceptedService::new(channel, bearer))
    }

    /// A connection from an address of this machine.
    pub async fn channel_at(&self, from: &str) -> tonic::transport::Channel {
        let from: IpAddr = from.parse().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.local_address(Some(from)).connect().await.unwrap()
    }

    /// Whether the metrics have this line.
    pub fn counts(&self, line: &str) -> bool {
        self.metrics.encode().lines().any(|one| one == line)
    }
}
