//! The SDK's clients: one per region and way of sending, made when first needed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::config::timeout::TimeoutConfig;
use aws_sdk_cognitoidentity::config::{Builder, IdentityCache, StalledStreamProtectionConfig};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::attempts::{CredentialsOfCall, NoteAttempts};
use super::bounded::bounded;
use super::retry;
use super::settings::{Kind, Settings};
use crate::call::Tenant;
use crate::failure::Failure;
use crate::operation::{Effect, Operation, Repeat};

/// All clients of a way. They share one connection pool and, where no role is assumed, one
/// credentials cache.
pub(super) struct Clients {
    settings: Settings,
    /// Whether each call brings the credentials of its caller's session.
    by_role: bool,
    shared: SdkConfig,
    /// At most regions x ways of sending.
    made: Mutex<HashMap<Key, Client>>,
}

/// What clients differ in.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    region: String,
    effect: Effect,
    repeat: Repeat,
}

impl Clients {
    pub(super) fn new(settings: Settings, shared: SdkConfig, by_role: bool) -> Self {
        Self {
            settings,
            by_role,
            shared,
            made: Mutex::default(),
        }
    }

    /// The region that a call goes to whose resource is in `region`, if it is in any.
    ///
    /// # Errors
    ///
    /// [`Failure::UnknownRegion`] when calls may not go there.
    pub(super) fn region<'a>(&'a self, region: Option<&'a str>) -> Result<&'a str, Failure> {
        let region = region.unwrap_or(&self.settings.region);
        match self.settings.regions.iter().any(|known| known == region) {
            true => Ok(region),
            false => Err(Failure::UnknownRegion {
                region: region.to_owned(),
            }),
        }
    }

    /// The client for an operation in a region that calls may go to.
    pub(super) fn get(&self, region: &str, operation: Operation) -> Client {
        let key = Key {
            region: region.to_owned(),
            effect: operation.effect(),
            repeat: operation.repeat(),
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(key)
            .or_insert_with_key(|key| self.make(key))
            .clone()
    }

    /// The same client for a tenant of the emulator, whose name is the access key. It is
    /// made for one call: tenants are many, and each has few.
    ///
    /// # Errors
    ///
    /// A failure of the metadata where calls go to AWS, which knows no tenants.
    pub(super) fn of_tenant(&self, client: &Client, tenant: &Tenant) -> Result<Client, Failure> {
        if self.settings.kind == Kind::Aws {
            return Err(Failure::field(
                Tenant::METADATA,
                "a tenant is for the emulator, and calls go to AWS",
            ));
        }
        let config = client
            .config()
            .to_builder()
            // A shared cache would keep an entry for each call.
            .identity_cache(IdentityCache::no_cache())
            .credentials_provider(emulator_credentials(tenant.as_str()))
            .build();
        Ok(Client::from_conf(config))
    }

    fn make(&self, key: &Key) -> Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.settings.connect_timeout)
            .operation_attempt_timeout(self.attempt_timeout(key.effect))
            .operation_timeout(self.settings.operation_timeout)
            .build();
        let mut config = Builder::from(&self.shared);
        if let Some(url) = &self.settings.endpoint_url {
            config = config.endpoint_url(url);
        }
        if self.by_role {
            config = config
                // Sessions are kept by caller, which the cache knows nothing of.
                .identity_cache(IdentityCache::no_cache())
                .credentials_provider(CredentialsOfCall);
        }
        let config = config
            .region(Region::new(key.region.clone()))
            .timeout_config(timeouts)
            // Attempts have a time-out of their own.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_config(retry::config(key.repeat))
            .retry_classifier(retry::Guard(key.repeat))
            .interceptor(NoteAttempts)
            .build();
        Client::from_conf(config)
    }

    fn attempt_timeout(&self, effect: Effect) -> Duration {
        match effect {
            Effect::Read => self.settings.read_attempt_timeout,
            Effect::Write => self.settings.write_attempt_timeout,
            Effect::Issue => self.settings.issue_attempt_timeout,
        }
    }
}

/// What all clients share. Reads AWS's own configuration (credentials, profile) for a real
/// upstream; nothing is sent.
pub(super) async fn shared(
    settings: &Settings,
    http_client: Option<SharedHttpClient>,
) -> SdkConfig {
    let http_client = http_client.unwrap_or_else(network);
    match settings.kind {
        Kind::Aws => aws(settings, http_client).await,
        Kind::Emulator => emulator(http_client),
    }
}

/// AWS's own ways to credentials and profiles, and the operator's settings.
async fn aws(settings: &Settings, http_client: SharedHttpClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .identity_cache(IdentityCache::lazy().build())
        .http_client(http_client)
        .use_fips(settings.fips)
        .use_dual_stack(settings.dual_stack);
    if let Ok(name) = AppName::new("poolgate") {
        loader = loader.app_name(name);
    }
    loader.load().await
}

/// Nothing of the machine's AWS settings: the emulator wants a signature but
/// knows no secrets.
fn emulator(http_client: SharedHttpClient) -> SdkConfig {
    let credentials = emulator_credentials("AKIAPOOLGATEEMULATOR");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .identity_cache(IdentityCache::lazy().build())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client)
        .build()
}

fn emulator_credentials(access_key: &str) -> Credentials {
    Credentials::new(access_key, "emulator", None, None, "emulator")
}

/// The SDK's own HTTP client over rustls.
fn network() -> SharedHttpClient {
    let rustls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
    let client = aws_smithy_http_client::Builder::new().tls_provider(rustls);
    bounded(client.build_https())
}
