//! poolgate as operators run it, in front of two accounts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use poolgate::emulator::SecretKeys;
use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::server::{self, Emulating};
use tempfile::TempDir;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::support::guarded::{Bearer, Channel, sha256};
use crate::support::house::token;
use crate::support::process::Process;

pub(super) const SHOP: &str = "111111111111";
pub(super) const BANK: &str = "222222222222";

/// Everybody may do everything.
pub(super) const EVERYTHING: &str = r#"@id("everything") permit (principal, action, resource);"#;

pub(super) type Client = CognitoIdentityServiceClient<Channel>;

/// poolgate's own credentials.
pub(super) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(super) const SECRET: &str = "a-secret-of-poolgate";

/// Who may call.
const CALLERS: [&str; 4] = ["ann", "bob", "cat", "dan"];

/// The real binary with callers of these names, and these targets.
pub(super) struct World {
    process: Process,
    directory: TempDir,
}

impl World {
    pub(super) fn start(targets: &str, policy: &str, more: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let write = |name: &str, content: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let tokens = CALLERS.map(|name| {
            let hash = sha256(&token(name));
            format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{hash}\"\nroles = [\"admin\"]\n")
        });
        let callers = write("callers.toml", &tokens.concat());
        let policies = write("house.cedar", policy);
        let journal = directory.path().join("audit.jsonl");
        let configuration = write(
            "poolgate.toml",
            &format!("[upstream]\nkind = \"aws\"\nregion = \"us-east-1\"\n{targets}"),
        );
        let mut environment = vec![
            ("POOLGATE_CONFIG", configuration.as_str()),
            ("POOLGATE_AUTHN__CALLERS_FILE", &callers),
            ("POOLGATE_POLICY__FILES", &policies),
            ("POOLGATE_AUDIT__FILE", journal.to_str().unwrap()),
            ("POOLGATE_QUOTA__IN_FORCE", "never"),
            ("POOLGATE_UPSTREAM__SPARE", "never"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        environment.extend(more);
        Self {
            process: Process::start(&environment),
            directory,
        }
    }

    /// A client that calls in this name.
    pub(super) async fn client(&self, caller: &str) -> Client {
        CognitoIdentityServiceClient::new(self.channel(caller).await)
    }

    /// The connection below it.
    pub(super) async fn channel(&self, caller: &str) -> Channel {
        let bearer = Bearer::new(&format!("Bearer {}", token(caller)));
        InterceptedService::new(self.process.channel().await, bearer)
    }

    /// Where metrics are, if that is set.
    pub(super) fn admin(&self) -> SocketAddr {
        self.process.admin().unwrap()
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.directory.path().join("audit.jsonl")
    }

    /// Ends it, and gives back what it has logged.
    pub(super) fn end(self) -> Vec<String> {
        self.process.terminate().1
    }
}

/// An account: an emulator on a real socket.
pub(super) struct Account {
    pub(super) url: String,
    _emulating: Emulating,
}

impl Account {
    /// One that takes every signature.
    pub(super) async fn start(number: &str) -> Self {
        Self::with_keys(number, SecretKeys::default()).await
    }

    /// One that holds signatures against these keys.
    pub(super) async fn with_keys(number: &str, keys: SecretKeys) -> Self {
        let free = "127.0.0.1:0".parse().unwrap();
        let mut parts = server::Parts {
            admin: server::admin::Settings { listen: None },
            aws_port: server::aws_port::Settings { listen: Some(free) },
            ..Default::default()
        };
        parts.emulator.account_id = number.to_owned();
        parts.emulator.secret_keys = keys;
        let emulating = server::start_emulating(parts).await.unwrap();
        Self {
            url: format!("http://{}", emulating.address),
            _emulating: emulating,
        }
    }
}

/// A target with a role, as an operator writes it.
pub(super) fn target(name: &str, account: &str, url: &str, sts: &str, more: &str) -> String {
    format!(
        "[[upstream.targets]]\nname = \"{name}\"\naccount_id = \"{account}\"\n\
         regions = [\"us-east-1\"]\nendpoint_url = \"{url}\"\n\
         role_arn = \"arn:aws:iam::{account}:role/poolgate-{name}\"\n\
         sts_endpoint_url = \"{sts}\"\n{more}\n"
    )
}

/// A request that names its target, unless that is empty.
pub(super) fn to<M>(target: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    if !target.is_empty() {
        let metadata = request.metadata_mut();
        metadata.insert("x-poolgate-target", target.parse().unwrap());
    }
    request.set_timeout(Duration::from_secs(30));
    request
}

pub(super) fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}
