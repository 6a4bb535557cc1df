//! Certificates, keys and policies that change while calls are made.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use poolgate::authn::{self, Callers};
use poolgate::clock::Clock;
use poolgate::operation::Operation;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::pb::{CreateIdentityPoolRequest, ListIdentityPoolsRequest};
use poolgate::policy;
use poolgate::server::listen::{self, Limits, Tls};
use poolgate::server::tls::{Sets, Settings};
use poolgate::server::{Rules, stack};
use poolgate::telemetry::Metrics;
use tempfile::TempDir;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tonic::{Code, Request};

use crate::support::app::App;
use crate::support::certificates::{Authority, Identity, SERVER_NAME};
use crate::support::examples::{call_on, request};
use crate::support::guarded::{Bearer, Channel};
use crate::support::house::{House, token};
use crate::support::process::Process;
use crate::support::tokens::Issuer;

const SHOP: &str = "spiffe://example.org/shop";
const RELOADS: u64 = 100;

#[tokio::test]
async fn a_hangup_ends_no_process() {
    let process = Process::start(&[]);
    let mut client = process.client().await;
    for _ in 0..3 {
        process.signal("HUP");
        let listed = client.list_identity_pools(ListIdentityPoolsRequest::default());
        assert!(listed.await.is_ok());
    }
    assert_eq!(process.terminate().0, Some(0));
}

/// Two sets that say the same about what the test asks, in other words. Without its
/// `permit` a set would refuse the list, without its `forbid` it would let the pool be
/// created: half a set, or a mix, shows.
const ONE: &str = r#"
@id("shop-does-everything")
permit (principal in Poolgate::Role::"shop", action, resource);
@id("shop-creates-nothing")
forbid (
  principal in Poolgate::Role::"shop",
  action == Poolgate::Action::"CreateIdentityPool",
  resource
);
"#;
const OTHER: &str = r#"
@id("shop-reads-and-writes")
permit (
  principal == Poolgate::Caller::"spiffe://example.org/shop",
  action in [Poolgate::Action::"read", Poolgate::Action::"write"],
  resource
);
@id("nobody-creates")
forbid (principal, action == Poolgate::Action::"CreateIdentityPool", resource);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_and_none_is_decided_wrongly_while_everything_changes() {
    // Given a caller who shows a certificate and a token, which both name it.
    let mut house = Moving::start().await;
    let ended = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicU64::new(0));
    let mut callers = Vec::new();
    for keeps in [true, true, false] {
        let (door, ended, calls) = (house.door.clone(), ended.clone(), calls.clone());
        callers.push(tokio::spawn(async move {
            let mut client = door.client().await;
            while !ended.load(Ordering::SeqCst) {
                if !keeps {
                    client = door.client().await;
                }
                let list = ListIdentityPoolsRequest::default();
                client
                    .list_identity_pools(door.request(list))
                    .await
                    .unwrap();
                let create = CreateIdentityPoolRequest {
                    identity_pool_name: "nobody".to_owned(),
                    allow_unauthenticated_identities: Some(false),
                    allow_classic_flow: Some(false),
                    ..Default::default()
                };
                let refused = client.create_identity_pool(door.request(create)).await;
                assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
                calls.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }

    // When everything is replaced over and over, now and then by garbage first.
    for round in 0..RELOADS {
        house.change(round);
        let before = calls.load(Ordering::SeqCst);
        while calls.load(Ordering::SeqCst) == before {
            assert!(callers.iter().all(|caller| !caller.is_finished()));
            tokio::task::yield_now().await;
        }
    }

    // Then every call was answered as the policies say.
    ended.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_server_takes_new_callers_and_policies_by_itself() {
    use crate::support::house::Rules;
    let callers = "[[tokens]]\nname = \"ann\"\nsha256 = \"{ann}\"\n";
    let with_bob = format!("{callers}[[tokens]]\nname = \"bob\"\nsha256 = \"{{bob}}\"\n");
    let house = House::start(Rules::new(callers, &["ann"], ONE)).await;
    let lists = async |caller| {
        let operation = Operation::ListIdentityPools;
        let answer = call_on(house.channel(caller).await, operation, &request(operation)).await;
        answer.map_or_else(|status| status.code(), |_| Code::Ok)
    };
    assert_eq!(lists("ann").await, Code::PermissionDenied);
    assert_eq!(lists("bob").await, Code::Unauthenticated);

    // A set with a mistake changes nothing, and a good one is in use within seconds.
    fs::write(house.path("house.cedar"), "permit everything").unwrap();
    let filled = Rules::new(&with_bob, &["ann", "bob"], "");
    fs::write(house.path("callers.toml"), filled.content("callers.toml")).unwrap();
    until(async || lists("bob").await == Code::PermissionDenied).await;
    assert_eq!(lists("ann").await, Code::PermissionDenied);
    let all = r#"@id("all") permit (principal, action, resource);"#;
    fs::write(house.path("house.cedar"), all).unwrap();

    until(async || lists("bob").await == Code::Ok && lists("ann").await == Code::Ok).await;
    assert!(token("bob") != token("ann"));
}

async fn until(condition: impl AsyncFn() -> bool) {
    let holds = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    let holds = tokio::time::timeout(Duration::from_secs(60), holds);
    holds.await.expect("it holds within a minute");
}

/// poolgate on a TLS socket, whose every file a test replaces.
struct Moving {
    door: Arc<Door>,
    folder: TempDir,
    issuer: Issuer,
    sets: Sets,
    tls: Settings,
    rules: Rules,
    policies: policy::Settings,
}

/// The way in.
struct Door {
    address: std::net::SocketAddr,
    authority: Authority,
    identity: Identity,
    token: std::sync::Mutex<String>,
}

impl Moving {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("authority");
        let tls = authority.server_files(folder.path());
        let clock = Clock::system();
        let sets = Sets::load(tls.clone(), clock.clone()).unwrap();
        let issuer = Issuer::new("https://login.example.com");
        write_callers(&folder, &issuer);
        fs::write(folder.path().join("policies.cedar"), ONE).unwrap();
        let policies = policy::Settings {
            files: vec![folder.path().join("policies.cedar")],
            ..Default::default()
        };
        let callers_file = folder.path().join("callers.toml");
        let callers = authn::Settings {
            callers: Callers::read(&callers_file).unwrap(),
            callers_file: Some(callers_file),
        };
        let rules = Rules::open(&callers, &policies, &clock).unwrap();

        let app = App::emulator().await;
        let metrics = Arc::new(Metrics::new());
        let meter: Arc<dyn poolgate::layers::Meter> = metrics.clone();
        let settings = Default::default();
        let routes = stack::inner(&settings, &rules, None, app.upstream, &meter, &clock);
        let stack = stack::outer(routes, meter, &clock);
        let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits {
            preface: Duration::from_secs(60),
            connections_of_address: 1000,
            ..Limits::default()
        };
        let with_tls = Tls::new(sets.clone(), Some(authn::certificate::read));
        listen::serve(listener, stack, limits, Some(with_tls), metrics);
        let door = Door {
            address,
            identity: authority.client(SHOP),
            authority,
            token: issuer.token(SHOP, clock.epoch_seconds()).into(),
        };
        Self {
            door: Arc::new(door),
            folder,
            issuer,
            sets,
            tls,
            rules,
            policies,
        }
    }

    /// Garbage changes nothing; then a new certificate, a new key of the issuer, and
    /// other policies are in use.
    fn change(&mut self, round: u64) {
        let policies = self.folder.path().join("policies.cedar");
        let engine = self.rules.policies.as_ref().unwrap();
        if round.is_multiple_of(5) {
            fs::write(&policies, "permit (everybody);").unwrap();
            assert!(engine.reload(&self.policies).is_err());
            fs::write(&self.tls.certificate_file, "no certificate").unwrap();
            assert!(self.sets.reload().is_err());
        }
        let text = if round.is_multiple_of(2) { OTHER } else { ONE };
        fs::write(&policies, text).unwrap();
        engine.reload(&self.policies).unwrap();
        self.door.authority.server(SERVER_NAME).write(&self.tls);
        self.sets.reload().unwrap();

        // The new key is known before a token is signed with it, and the old one for as
        // long as its tokens are about.
        self.issuer.rotate();
        self.load_callers();
        let now = Clock::system().epoch_seconds();
        *self.door.token.lock().unwrap() = self.issuer.token(SHOP, now);
        if round > 2 {
            self.issuer.remove_oldest();
        }
        self.load_callers();
    }

    fn load_callers(&self) {
        write_callers(&self.folder, &self.issuer);
        let callers = Callers::read(&self.folder.path().join("callers.toml")).unwrap();
        let authenticator = self.rules.authenticator.as_ref().unwrap();
        authenticator.reload(callers);
    }
}

/// Certificates and tokens of `shop`, and the keys of the issuer beside them.
fn write_callers(folder: &TempDir, issuer: &Issuer) {
    let keys = issuer.jwks().to_string();
    fs::write(folder.path().join("keys.json"), keys).unwrap();
    let callers = r#"
        require = "all"
        [certificates]
        trust_domains = ["example.org"]
        [[certificates.map]]
        name = "spiffe://example.org/shop"
        roles = ["shop"]
        [[issuers]]
        issuer = "https://login.example.com"
        audiences = ["poolgate"]
        algorithms = ["ES256"]
        jwks_file = "keys.json"
        caller_claim = "sub"
    "#;
    fs::write(folder.path().join("callers.toml"), callers).unwrap();
}

impl Door {
    async fn client(&self) -> CognitoIdentityServiceClient<Channel> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .domain_name(SERVER_NAME)
            .identity(tonic::transport::Identity::from_pem(
                &self.identity.chain,
                &self.identity.key,
            ));
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
        CognitoIdentityServiceClient::new(InterceptedService::new(channel, Bearer::none()))
    }

    /// With the newest token.
    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token.lock().unwrap());
        let metadata = request.metadata_mut();
        metadata.insert("authorization", bearer.parse().unwrap());
        request
    }
}
