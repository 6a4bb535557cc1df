//! What is ours in the record of a call: its `additionalEventData`.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Call, Ending, WORD};
use crate::audit::begun::Begun;
use crate::audit::identity::{NAME, credential};
use crate::audit::line::Hash;
use crate::audit::redact::Truncated;
use crate::audit::shape::Text;
use crate::call;
use crate::caller::{Peer, Process};

/// The most policies that are named, and the most requests of AWS.
const POLICIES: usize = 100;
const REQUESTS: usize = 8;

/// The longest text of a stranger that is shown, in bytes.
const SHOWN: usize = 256;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Additional<'a> {
    phase: &'static str,
    instance_id: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caller: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller_saw: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy_ids: Option<Vec<Text<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_target: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_limit: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_wait_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aws_request_ids: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_items: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) truncated: Vec<String>,
}

impl Additional<'_> {
    /// Notes that a member of the record is left out.
    pub(super) fn left_out(&mut self, member: &str) {
        if !self.truncated.iter().any(|noted| noted == member) {
            self.truncated.push(member.to_owned());
        }
    }
}

impl Call<'_> {
    pub(super) fn additional(&self, cut: &mut Truncated) -> Additional<'_> {
        let told = self.told;
        let ruling = told.ruling();
        let allowance = told.allowance();
        let (phase, saw, alone, took) = match self.ending {
            Ending::Intended => ("intent", None, false, None),
            Ending::Ended { saw, alone, took } => ("outcome", Some(saw), alone, Some(took)),
        };
        let caller = told.caller();
        Additional {
            phase,
            instance_id: cut.text(
                &self.origin.instance,
                WORD,
                "additionalEventData.instanceId",
            ),
            request_id: told.request_id().map(call::RequestId::as_str),
            caller: caller.map(|caller| cut.text(caller.id(), NAME, "additionalEventData.caller")),
            credential_id: caller
                .and_then(credential)
                .map(|id| cut.text(id, WORD, "additionalEventData.credentialId")),
            process: self
                .begun
                .peer
                .as_ref()
                .and_then(Peer::process)
                .map(process),
            grpc_status: saw,
            caller_saw: saw.filter(|_| alone),
            reason: told
                .failed()
                .map(|failed| cut.text(&failed.reason, WORD, "additionalEventData.reason")),
            decision: ruling.map(|ruling| ruling.decision),
            policy_ids: ruling.map(|ruling| policies(&ruling.policies, cut)),
            target: told
                .target()
                .and_then(|target| target.name.as_deref())
                .map(|name| cut.text(name, WORD, "additionalEventData.target")),
            requested_target: told
                .requested_target()
                .map(|name| cut.text(name, SHOWN, "additionalEventData.requestedTarget")),
            quota_limit: allowance.as_ref().map(|left| {
                let limit = left.limit.to_string();
                cut.text(limit, WORD, "additionalEventData.quotaLimit")
            }),
            quota_remaining: allowance.as_ref().map(|left| left.left),
            quota_wait_ms: told.quota_wait().map(millis),
            duration_ms: took.map(millis),
            deadline_ms: told
                .time_limit()
                .and_then(|limit| limit.as_millis().try_into().ok()),
            attempts: Some(told.attempts()).filter(|attempts| *attempts > 0),
            aws_request_ids: aws_requests(told.aws_request_ids(), cut),
            response_items: told.items().filter(|_| saw.is_some()),
            // Without a key, whoever knows all else could guess what is hidden and compare.
            request_digest: self
                .key
                .zip(told.message())
                .map(|(key, message)| key.digest(message)),
            trace_id: self.begun.trace_id.as_deref(),
            path: self
                .operation
                .is_none()
                .then(|| unknown_path(&self.begun.path)),
            unverified: unverified(self.begun, cut),
            truncated: Vec::new(),
        }
    }
}

fn process(Process { uid, gid, pid, .. }: Process) -> Value {
    match pid {
        Some(pid) => json!({"uid": uid, "gid": gid, "pid": pid}),
        None => json!({"uid": uid, "gid": gid}),
    }
}

/// Milliseconds with whole microseconds.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

fn policies<'a>(ids: &'a [String], cut: &mut Truncated) -> Vec<Text<'a>> {
    let path = "additionalEventData.policyIds";
    if ids.len() > POLICIES {
        cut.member(path);
    }
    let ids = ids.iter().take(POLICIES);
    ids.map(|id| cut.text(id, WORD, path)).collect()
}

/// All requests of AWS that the call was, where it was several. The last ones are shown.
fn aws_requests<'a>(ids: Vec<String>, cut: &mut Truncated) -> Vec<Text<'a>> {
    let path = "additionalEventData.awsRequestIds";
    if ids.len() < 2 {
        return Vec::new();
    }
    let more = ids.len().saturating_sub(REQUESTS);
    if more > 0 {
        cut.member(path);
    }
    let ids = ids.into_iter().skip(more);
    ids.map(|id| cut.text(id, WORD, path)).collect()
}

/// What nobody has verified.
fn unverified(begun: &Begun, cut: &mut Truncated) -> Option<Value> {
    let forwarded = begun.forwarded_for.as_deref()?;
    let path = "additionalEventData.unverified.xForwardedFor";
    Some(json!({"xForwardedFor": cut.text(forwarded, SHOWN, path)}))
}

/// A path that is no operation's is a stranger's text: its length and hash tell two apart.
fn unknown_path(path: &str) -> Value {
    json!({"bytes": path.len(), "sha256": Hash::of(path.as_bytes()).to_string()})
}
