//! poolgate as operators run it: with callers who prove who they are, and policies.

use std::net::SocketAddr;

use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tempfile::TempDir;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

use super::process::Process;

/// The real binary in front of AWS, with one caller, `token:test`, who has the role
/// `admin`, and policies.
pub struct Guarded {
    pub process: Process,
    _directory: TempDir,
}

/// A connection whose calls carry the caller's token.
pub type Channel = InterceptedService<tonic::transport::Channel, Bearer>;

/// The caller may do everything.
pub const EVERYTHING: &str = r#"@id("everything") permit (principal, action, resource);"#;

const TOKEN: &str = "a-token-of-this-test-with-enough-bits";

impl Guarded {
    /// In front of an AWS at `url`; the caller may do everything.
    pub fn start(url: &str) -> Self {
        Self::start_with(url, EVERYTHING, &[])
    }

    /// The same with a policy and with more that is set.
    pub fn start_with(url: &str, policy: &str, more: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let write = |name: &str, content: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let hash = sha256(TOKEN);
        let callers =
            format!("[[tokens]]\nname = \"test\"\nsha256 = \"{hash}\"\nroles = [\"admin\"]\n");
        let callers = write("callers.toml", &callers);
        let policies = write("test.cedar", policy);
        let mut environment = vec![
            ("POOLGATE_AUTHN__CALLERS_FILE", callers.as_str()),
            ("POOLGATE_POLICY__FILES", &policies),
            ("POOLGATE_POLICY__ALLOWED_ROLE_ARNS", "*"),
            ("POOLGATE_UPSTREAM__KIND", "aws"),
            ("POOLGATE_UPSTREAM__ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("POOLGATE_AUDIT__UNRECORDED", "everywhere"),
            ("POOLGATE_QUOTA__IN_FORCE", "never"),
            // What a test has go wrong again and again is to be tried each time.
            ("POOLGATE_UPSTREAM__SPARE", "never"),
        ];
        environment.extend(more);
        Self {
            process: Process::start(&environment),
            _directory: directory,
        }
    }

    /// Where probes and metrics are served.
    pub fn admin(&self) -> SocketAddr {
        self.process.admin().unwrap()
    }

    pub fn address(&self) -> SocketAddr {
        self.process.address.parse().unwrap()
    }

    pub async fn channel(&self) -> Channel {
        InterceptedService::new(self.process.channel().await, Bearer::new(&bearer()))
    }

    pub async fn client(&self) -> CognitoIdentityServiceClient<Channel> {
        CognitoIdentityServiceClient::new(self.channel().await)
    }
}

/// The metadata of a call of the caller.
pub fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

/// Sends a token with each call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// The metadata with its scheme.
    pub fn new(authorization: &str) -> Self {
        Self(Some(authorization.parse().unwrap()))
    }

    /// Sends none.
    pub fn none() -> Self {
        Self(None)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(authorization) = &self.0 {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", authorization.clone());
        }
        Ok(request)
    }
}

/// In hexadecimal digits, as the callers file has it.
pub fn sha256(text: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
