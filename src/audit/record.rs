//! The record of a call.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::begun::Begun;
use super::events::{AWS_SOURCE, Origin};
use super::identity::{credential, identity};
use super::line::{Draft, Hash};
use super::redact::{MacKey, Redact, within};
use super::shape::{Record, Resource, Text, TlsDetails};
use super::text;
use crate::call;
use crate::caller::Caller;
use crate::notes::Told;
use crate::operation::{Effect, Operation};

/// The longest user agent, in bytes, and the longest name of this server.
const USER_AGENT: usize = 256;
const AUTHORITY: usize = 255;

/// A call as its record tells of it.
pub(super) struct Call<'a> {
    pub(super) origin: &'a Origin,
    pub(super) key: Option<&'a MacKey>,
    pub(super) begun: &'a Begun,
    pub(super) operation: Option<Operation>,
    pub(super) told: &'a Told,
    /// What intent and outcome share.
    pub(super) shared: Uuid,
    pub(super) event: Uuid,
    pub(super) now: SystemTime,
    pub(super) ending: Ending,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is about to be made.
    Intended,
    /// It has ended.
    Ended {
        /// The gRPC code that its caller saw, in a word.
        saw: &'static str,
        /// Whether it ended after its caller was answered or had gone.
        alone: bool,
        took: Duration,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Additional<'a> {
    phase: &'static str,
    instance_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller_saw: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_ids: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    truncated: Vec<String>,
}

impl Call<'_> {
    /// The record, which always fits into a line.
    pub(super) fn draft(&self) -> Draft {
        let fitting = |record: &Record<'_>, additional: &Additional<'_>| {
            Draft::new(record, additional).ok().filter(Draft::fits)
        };
        let (mut record, mut additional) = self.record();
        if let Some(draft) = fitting(&record, &additional) {
            return draft;
        }
        record.response_elements = Value::Null;
        additional.truncated.push("responseElements".to_owned());
        if let Some(draft) = fitting(&record, &additional) {
            return draft;
        }
        record.request_parameters = Value::Null;
        additional.truncated.push("requestParameters".to_owned());
        if let Some(draft) = fitting(&record, &additional) {
            return draft;
        }
        // All that is left is short by its own bounds, but for the names of policies.
        additional.policy_ids = None;
        Draft::new(&record, &additional).unwrap_or_else(|_| Draft::empty())
    }

    fn record(&self) -> (Record<'_>, Additional<'_>) {
        let mut redact = self
            .operation
            .map(|operation| Redact::new(operation, self.key));
        let subject = self.told.subject();
        let parameters = redact.as_mut().zip(subject).map(|(redact, subject)| {
            redact.request(&subject.parameters, subject.update_mask.as_deref())
        });
        let response = match (self.ending, redact.as_mut(), self.told.answer()) {
            (Ending::Ended { .. }, Some(redact), Some(answer)) => redact.response(answer),
            _ => None,
        };
        let truncated = redact
            .map(|redact| redact.truncated.paths)
            .unwrap_or_default();
        let (error_code, error_message) = self.error().unzip();
        let effect = self.operation.map(Operation::effect);
        let is_data =
            effect == Some(Effect::Issue) || self.operation == Some(Operation::UnlinkIdentity);
        let name = self.operation.map_or("UnknownOperation", Operation::name);
        let mut record = Record {
            user_identity: identity(self.told.caller(), self.origin),
            source_ip_address: self.source(),
            user_agent: self.user_agent(),
            error_code,
            error_message: error_message.flatten(),
            request_parameters: parameters.unwrap_or_default(),
            request_id: self.request_id(),
            event_id: self.event,
            read_only: matches!(effect, Some(Effect::Read) | None),
            resources: self.resources(subject, response.as_ref()),
            response_elements: response.unwrap_or_default(),
            event_type: "AwsApiCall",
            api_version: Some("2014-06-30"),
            management_event: !is_data,
            shared_event_id: Some(self.shared),
            event_category: if is_data { "Data" } else { "Management" },
            tls_details: self.tls_details(),
            ..Record::blank(self.origin, AWS_SOURCE, Cow::from(name), self.now)
        };
        if let Some(region) = subject.and_then(|subject| subject.region.as_deref()) {
            record.aws_region = Cow::from(region);
        }
        (record, self.additional(truncated))
    }

    fn additional(&self, truncated: Vec<String>) -> Additional<'_> {
        let told = self.told;
        let caller = told.caller();
        let ruling = told.ruling();
        let allowance = told.allowance();
        let (phase, saw, alone, took) = match self.ending {
            Ending::Intended => ("intent", None, false, None),
            Ending::Ended { saw, alone, took } => ("outcome", Some(saw), alone, Some(took)),
        };
        Additional {
            phase,
            instance_id: &self.origin.instance,
            request_id: told.request_id().map(call::RequestId::as_str),
            caller: caller.map(Caller::id),
            credential_id: caller.and_then(credential),
            grpc_status: saw,
            caller_saw: saw.filter(|_| alone),
            reason: told.failed().map(|failed| failed.reason.as_str()),
            decision: ruling.map(|ruling| ruling.decision),
            policy_ids: ruling.map(|ruling| ruling.policies.as_slice()),
            quota_limit: allowance.as_ref().map(|left| left.limit.to_string()),
            quota_remaining: allowance.as_ref().map(|left| left.left),
            // Whole microseconds.
            duration_ms: took.map(|took| took.as_micros() as f64 / 1000.0),
            deadline_ms: told
                .time_limit()
                .and_then(|limit| limit.as_millis().try_into().ok()),
            attempts: Some(told.attempts()).filter(|attempts| *attempts > 0),
            request_digest: told.message().map(|message| Hash::of(message).to_string()),
            trace_id: self.begun.trace_id(),
            path: self
                .operation
                .is_none()
                .then(|| unknown_path(&self.begun.path)),
            unverified: self.begun.unverified(),
            truncated,
        }
    }

    /// The code, and the message where there is one.
    fn error(&self) -> Option<(Text<'_>, Option<Text<'_>>)> {
        let Ending::Ended { saw, alone, .. } = self.ending else {
            return None;
        };
        // What AWS did is what counts where the caller did not wait for it.
        if let Some(settled) = self.told.settled().filter(|_| alone) {
            return settled.err().map(|code| (Cow::from(code), None));
        }
        if alone && self.told.in_doubt() {
            return Some((Cow::from("OutcomeUnknown"), None));
        }
        match self.told.failed() {
            Some(failed) => {
                let (code, message) = text::error(failed);
                Some((Cow::from(code), Some(Cow::from(message))))
            }
            None if saw == "OK" => None,
            None => Some((Cow::from(saw), None)),
        }
    }

    /// AWS's identifier of the request, or else the call's name.
    fn request_id(&self) -> Option<Text<'_>> {
        let ours = || self.told.request_id().map(call::RequestId::as_str);
        self.told.aws_request_id().or_else(ours).map(Cow::from)
    }

    fn source(&self) -> Text<'_> {
        let peer = self.begun.peer.as_ref();
        let address = peer.map(|peer| peer.address.ip().to_canonical().to_string());
        Cow::from(address.unwrap_or_else(|| "unknown".to_owned()))
    }

    fn user_agent(&self) -> Text<'_> {
        let agent = self.begun.user_agent.as_deref().unwrap_or_default();
        Cow::from(within(agent, USER_AGENT))
    }

    fn tls_details(&self) -> Option<TlsDetails<'_>> {
        let security = self.begun.peer.as_ref()?.tls?;
        let host = self.begun.authority.as_deref();
        Some(TlsDetails {
            tls_version: security.version,
            cipher_suite: security.cipher_suite,
            client_provided_host_header: host.map(|host| Cow::from(within(host, AUTHORITY))),
        })
    }

    fn resources(
        &self,
        subject: Option<&call::Subject>,
        response: Option<&Value>,
    ) -> Vec<Resource<'_>> {
        let (Some(subject), Some(account_id)) = (subject, self.origin.account_id.as_deref()) else {
            return Vec::new();
        };
        let created = response.and_then(|response| response.get("identityPoolId")?.as_str());
        let pool = match &subject.resource {
            call::Resource::Pool(pool) => pool.as_str(),
            _ => match created {
                Some(pool) => pool,
                None => return Vec::new(),
            },
        };
        let region = subject.region.as_deref().unwrap_or(&self.origin.region);
        let partition = match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        vec![Resource {
            arn: format!(
                "arn:{partition}:cognito-identity:{region}:{account_id}:identitypool/{pool}"
            ),
            account_id,
            kind: "AWS::Cognito::IdentityPool",
        }]
    }
}

/// A path that is no operation's is a stranger's text: its length and hash tell two apart.
fn unknown_path(path: &str) -> Value {
    json!({"bytes": path.len(), "sha256": Hash::of(path.as_bytes()).to_string()})
}
