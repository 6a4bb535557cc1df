//! poolgate with one pool, reached in three ways.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::{BehaviorVersion, Credentials, Region};
use poolgate::clock::Clock;
use poolgate::emulator::{Connector, Emulator};
use poolgate::layers::Meter;
use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::rpc::Rpc;
use poolgate::server::stack::{self, Stack};
use poolgate::server::{self, Rules, Running};
use poolgate::upstream::Upstream;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;

/// Everything on one runtime.
pub struct House {
    runtime: Runtime,
    sdk: (Client, String),
    stack: (CognitoIdentityServiceClient<Stack>, String),
    loopback: (CognitoIdentityServiceClient<Channel>, String),
    _server: Running,
}

impl House {
    /// Creates the pool of `request` three times, once for each way.
    pub fn new(request: &pb::UpdateIdentityPoolRequest) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (sdk, stack, loopback, server) = runtime.block_on(async {
            let sdk = sdk();
            let sdk_pool = sdk
                .create_identity_pool()
                .identity_pool_name("shop customers")
                .allow_unauthenticated_identities(true)
                .send()
                .await
                .expect("a pool");
            let stack = stack(&open(), upstream().await);
            let mut stack = CognitoIdentityServiceClient::new(stack);
            let server = server().await;
            let address = format!("http://{}", server.address);
            let mut loopback = CognitoIdentityServiceClient::connect(address)
                .await
                .expect("a connection");
            let in_stack = create(&mut stack, request).await;
            let in_server = create(&mut loopback, request).await;
            let sdk = (sdk, sdk_pool.identity_pool_id);
            (sdk, (stack, in_stack), (loopback, in_server), server)
        });
        Self {
            runtime,
            sdk,
            stack,
            loopback,
            _server: server,
        }
    }

    pub fn describe_with_sdk(&self) -> bool {
        let (client, pool) = &self.sdk;
        let call = client
            .describe_identity_pool()
            .identity_pool_id(pool)
            .send();
        self.runtime.block_on(call).is_ok()
    }

    pub fn describe_through_stack(&mut self) -> bool {
        let (client, pool) = &mut self.stack;
        let call = client.describe_identity_pool(describe(pool));
        self.runtime.block_on(call).is_ok()
    }

    pub fn describe_over_loopback(&mut self) -> bool {
        let (client, pool) = &mut self.loopback;
        let call = client.describe_identity_pool(describe(pool));
        self.runtime.block_on(call).is_ok()
    }
}

fn describe(pool: &str) -> pb::DescribeIdentityPoolRequest {
    pb::DescribeIdentityPoolRequest {
        identity_pool_id: pool.to_owned(),
    }
}

/// Creates a pool as `request` has it, and tells its identifier.
pub async fn create<T>(
    client: &mut CognitoIdentityServiceClient<T>,
    request: &pb::UpdateIdentityPoolRequest,
) -> String
where
    T: tonic::client::GrpcService<tonic::body::Body>,
    T::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error:
        Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let pool = request.identity_pool.clone().unwrap_or_default();
    let request = pb::CreateIdentityPoolRequest {
        identity_pool_name: pool.identity_pool_name,
        allow_unauthenticated_identities: pool.allow_unauthenticated_identities,
        allow_classic_flow: pool.allow_classic_flow,
        supported_login_providers: pool.supported_login_providers,
        developer_provider_name: pool.developer_provider_name,
        open_id_connect_provider_arns: pool.open_id_connect_provider_arns,
        cognito_identity_providers: pool.cognito_identity_providers,
        saml_provider_arns: pool.saml_provider_arns,
        identity_pool_tags: pool.identity_pool_tags,
    };
    let answer = client.create_identity_pool(request).await.expect("a pool");
    let pool = answer.into_inner().identity_pool.expect("a pool");
    pool.identity_pool_id
}

fn emulator() -> Connector {
    let emulator = Emulator::new(Default::default(), Clock::system());
    Connector::new(Arc::new(emulator))
}

fn sdk() -> Client {
    let config = aws_sdk_cognitoidentity::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIAEXAMPLE",
            "example",
            None,
            None,
            "bench",
        ))
        .http_client(emulator())
        .build();
    Client::from_conf(config)
}

/// The emulator, as upstream.
pub async fn upstream() -> Arc<Upstream> {
    let http_client = emulator().into_http_client();
    let upstream = Upstream::new(Default::default(), Some(http_client), TaskTracker::new());
    Arc::new(upstream.await)
}

/// Nobody has to say who calls, and everybody may do everything.
pub fn open() -> Rules {
    let (callers, policies) = Default::default();
    Rules::open(&callers, &policies, &Clock::system()).expect("no policies")
}

/// The whole stack of layers, without a socket.
pub fn stack(rules: &Rules, upstream: Arc<Upstream>) -> Stack {
    let clock = Clock::system();
    let meter: Arc<dyn Meter> = Arc::new(Uncounted);
    let settings = server::Settings::default();
    let routes = stack::inner(&settings, rules, None, upstream, &meter, &clock);
    stack::outer(routes, meter, &clock)
}

async fn server() -> Running {
    let parts = server::Parts {
        server: server::Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            ..Default::default()
        },
        tls: None,
        admin: server::admin::Settings { listen: None },
        ..Default::default()
    };
    server::start(parts).await.expect("a server")
}

struct Uncounted;

impl Meter for Uncounted {
    fn started(&self, _: Rpc) {}
    fn handled(&self, _: Rpc, _: &'static str, _: Duration, _: Option<String>) {}
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
