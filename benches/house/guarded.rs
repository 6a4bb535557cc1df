//! poolgate with the emulator behind it, for one caller who describes a pool.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use poolgate::authn::{self, Callers};
use poolgate::clock::Clock;
use poolgate::pb;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::policy;
use poolgate::server::Rules;
use poolgate::server::stack::Stack;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

use crate::tokens::Issuer;
use crate::{house, policies};

const ISSUER: &str = "https://login.example.com";

/// Everything on one runtime.
pub struct Guarded {
    runtime: Runtime,
    client: CognitoIdentityServiceClient<Stack>,
    pool: String,
    token: Option<MetadataValue<Ascii>>,
}

impl Guarded {
    /// Everybody may come in and do everything.
    pub fn open() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (client, pool) = runtime.block_on(async {
            let stack = house::stack(&house::open(), house::upstream().await);
            let mut client = CognitoIdentityServiceClient::new(stack);
            let pool = house::create(&mut client, &of_team_1()).await;
            (client, pool)
        });
        Self {
            runtime,
            client,
            pool,
            token: None,
        }
    }

    /// Callers show tokens, and as many policies say what they may; the caller is of the
    /// team that the pool is tagged with.
    pub fn by(first: Option<&str>, count: usize) -> (Self, Rewriting) {
        let runtime = Runtime::new().expect("a runtime");
        let (upstream, pool) = runtime.block_on(async {
            let upstream = house::upstream().await;
            let stack = house::stack(&house::open(), Arc::clone(&upstream));
            let mut client = CognitoIdentityServiceClient::new(stack);
            let pool = house::create(&mut client, &of_team_1()).await;
            (upstream, pool)
        });
        let (issuer, clock) = (Issuer::new(ISSUER), Clock::system());
        let mut claims = issuer.claims("service-1", clock.epoch_seconds());
        claims["team"] = "team-1".into();
        claims["groups"] = ["developer", "team-1"].as_slice().into();
        let token = format!("Bearer {}", issuer.sign(&claims));
        let (files, policies) = policies::written(first, count, &pool);
        let rules = Rules::open(&callers(&issuer, &files), &policies, &clock);
        let rules = rules.expect("good rules");
        let guarded = Self {
            runtime,
            client: CognitoIdentityServiceClient::new(house::stack(&rules, upstream)),
            pool,
            token: Some(token.parse().expect("a token is ASCII")),
        };
        let rewriting = Rewriting {
            rules,
            policies,
            files,
        };
        (guarded, rewriting)
    }

    /// The call that is measured.
    pub fn describe(&mut self) -> bool {
        let mut request = Request::new(pb::DescribeIdentityPoolRequest {
            identity_pool_id: self.pool.clone(),
        });
        if let Some(token) = self.token.clone() {
            request.metadata_mut().insert("authorization", token);
        }
        let call = self.client.describe_identity_pool(request);
        self.runtime.block_on(call).is_ok()
    }
}

/// The files of policies, which can be read again.
pub struct Rewriting {
    rules: Rules,
    policies: policy::Settings,
    files: TempDir,
}

/// Reads policies over and over until it is dropped.
pub struct Rereading {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _files: TempDir,
}

impl Rewriting {
    /// Reads them over and over on a thread, as the server does when they change.
    pub fn over_and_over(self) -> Rereading {
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let engine = self.rules.policies.expect("there are policies");
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                engine.reload(&self.policies).expect("good policies");
            }
        });
        Rereading {
            ended,
            thread: Some(thread),
            _files: self.files,
        }
    }
}

impl Drop for Rereading {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_none_or(|ended| ended.is_ok()), "reading failed");
    }
}

fn callers(issuer: &Issuer, files: &TempDir) -> authn::Settings {
    let path = files.path().join("callers.toml");
    fs::write(files.path().join("keys.json"), issuer.jwks().to_string()).expect("written");
    let role = |role| {
        format!("[[issuers.roles]]\nclaim = \"groups\"\nvalue = \"{role}\"\nrole = \"{role}\"\n")
    };
    let text = format!(
        "[[issuers]]\nissuer = \"{ISSUER}\"\naudiences = [\"{}\"]\nalgorithms = [\"ES256\"]\n\
         jwks_file = \"keys.json\"\nattributes = {{ team = \"team\" }}\n{}{}",
        Issuer::AUDIENCE,
        role("developer"),
        role("team-1"),
    );
    fs::write(&path, text).expect("written");
    authn::Settings {
        callers: Callers::read(&path).expect("good callers"),
        callers_file: Some(path),
    }
}

fn of_team_1() -> pb::UpdateIdentityPoolRequest {
    let tags = [("team", "team-1"), ("environment", "production")];
    pb::UpdateIdentityPoolRequest {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_name: "shop customers".to_owned(),
            allow_unauthenticated_identities: Some(false),
            identity_pool_tags: tags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..Default::default()
        }),
        update_mask: None,
    }
}
