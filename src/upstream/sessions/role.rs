//! Asks AWS's Security Token Service for a session of a role.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::types::Tag;
use aws_sdk_sts::{Client, operation::assume_role::builders::AssumeRoleInputBuilder};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::FutureExt;

use super::{Ask, Session, name};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::upstream::error::{chain, source_of};
use crate::upstream::meter::{Assumed, Meter};
use crate::upstream::retry::is_throttle;
use crate::upstream::settings::Settings;
use crate::upstream::targets::RoleSettings;

/// The key of the tag that names the caller.
const TAG: &str = "poolgate:caller";

/// How often and how soon AWS is asked; nothing is changed by asking twice.
const ATTEMPTS: u32 = 3;
const BACKOFF: Duration = Duration::from_millis(50);

/// What asks for sessions of a role with poolgate's own credentials, which are in `shared`.
pub(in crate::upstream) fn ask(
    target: Arc<str>,
    role: RoleSettings,
    settings: &Settings,
    shared: &SdkConfig,
    clock: Clock,
    meter: Arc<dyn Meter>,
) -> Box<Ask> {
    let client = client(&role, settings, shared);
    let role = Arc::new(role);
    Box::new(move |caller| {
        let (client, role, target) = (client.clone(), Arc::clone(&role), Arc::clone(&target));
        let (clock, meter) = (clock.clone(), Arc::clone(&meter));
        let asking = async move {
            let began = clock.instant();
            let answer = input(&role, &caller).send_with(&client).await;
            let answer = answer.map_err(|error| failure(&target, &error));
            let session = answer.and_then(|answer| {
                session(&role, answer, clock.now()).ok_or_else(|| Failure::RoleUnavailable {
                    target: target.to_string(),
                    cause: "the answer holds no credentials".to_owned(),
                })
            });
            let took = clock.instant().saturating_duration_since(began);
            meter.assumed(outcome(session.as_ref().err()), took);
            session
        };
        asking.boxed()
    })
}

fn outcome(failure: Option<&Failure>) -> Assumed {
    match failure {
        None => Assumed::Given,
        Some(Failure::RoleRefused { .. }) => Assumed::Refused,
        Some(Failure::NoCredentials { .. }) => Assumed::NoCredentials,
        Some(_) => Assumed::Unavailable,
    }
}

fn client(role: &RoleSettings, settings: &Settings, shared: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .operation_attempt_timeout(settings.read_attempt_timeout)
        .operation_timeout(settings.operation_timeout)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(BACKOFF);
    let mut config = Builder::from(shared)
        .region(Region::new(role.sts_region.clone()))
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(retries);
    if let Some(url) = &role.sts_endpoint_url {
        config = config.endpoint_url(url);
    }
    Client::from_conf(config.build())
}

fn input(role: &RoleSettings, caller: &str) -> AssumeRoleInputBuilder {
    let seconds = i32::try_from(role.session_duration.as_secs()).unwrap_or(i32::MAX);
    let external_id = role.external_id.as_ref().map(|id| id.as_str().to_owned());
    let tag = Tag::builder().key(TAG).value(name::tag_value(caller));
    // Both members are there, and the SDK wants no more.
    let tags = tag.build().ok().filter(|_| role.session_tags);
    AssumeRoleInputBuilder::default()
        .role_arn(role.arn.as_str())
        .role_session_name(name::session_name(caller))
        .duration_seconds(seconds)
        .set_external_id(external_id)
        .set_tags(tags.map(|tag| vec![tag]))
}

fn session(role: &RoleSettings, answer: AssumeRoleOutput, now: SystemTime) -> Option<Session> {
    let given = answer.credentials?;
    let end = SystemTime::try_from(given.expiration).ok()?;
    // Where our clock is so wrong that the session is over already, what was asked for holds.
    let lasts = end.duration_since(now).unwrap_or(role.session_duration);
    let credentials = Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        Some(end),
        "poolgate",
    );
    Some(Session {
        credentials,
        lasts: lasts.min(role.session_duration),
    })
}

/// Whose fault it is: the way there or AWS, poolgate's own credentials, or the role, which
/// lets poolgate or this caller not have it.
fn failure<E>(target: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(cause) = source_of::<CredentialsError>(error) {
        return Failure::NoCredentials {
            cause: chain(cause),
        };
    }
    let target = target.to_owned();
    let service = match error {
        SdkError::ServiceError(service) => service,
        SdkError::DispatchFailure(dispatch) => {
            let cause = dispatch.as_connector_error().map(|error| chain(error));
            let cause = cause.unwrap_or_else(|| "no connection".to_owned());
            return Failure::RoleUnavailable { target, cause };
        }
        SdkError::TimeoutError(_) => {
            let cause = "no answer in time".to_owned();
            return Failure::RoleUnavailable { target, cause };
        }
        _ => {
            let cause = "an answer that cannot be read".to_owned();
            return Failure::RoleUnavailable { target, cause };
        }
    };
    let code = service.err().code().unwrap_or("an error without a code");
    let cause = format!("{code}: {}", service.err().message().unwrap_or_default());
    match (code, service.raw().status().as_u16()) {
        (
            "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
            | "IncompleteSignature",
            _,
        ) => Failure::NoCredentials { cause },
        (code, _) if is_throttle(code) => Failure::RoleUnavailable { target, cause },
        (_, 400..=499) => Failure::RoleRefused { target, cause },
        _ => Failure::RoleUnavailable { target, cause },
    }
}
