//! What is asked for, and where a record says it.

use std::time::SystemTime;

use memchr::memmem;
use serde_json::Value;

use super::time_of;
use crate::audit::line::quoted;

const TIME: &[u8] = b"\"eventTime\":\"";
/// `2026-11-25T05:00:00Z`.
const TIME_BYTES: usize = 20;

/// What is asked for. A record has to answer to all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// An access key that was handed out, or one that the call was made with.
    pub access_key: Option<String>,
    /// An identity that was asked about or is in the answer.
    pub identity: Option<String>,
    /// An identity pool that was asked about or is in the answer.
    pub pool: Option<String>,
    /// A request id, AWS's or poolgate's.
    pub request_id: Option<String>,
    /// Who called.
    pub caller: Option<String>,
    /// What was called, `GetCredentialsForIdentity`.
    pub operation: Option<String>,
    /// The error that the caller was answered with, `NotAuthorizedException`.
    pub error: Option<String>,
    /// The earliest time.
    pub since: Option<SystemTime>,
    /// The time that all records have to be before.
    pub until: Option<SystemTime>,
}

impl Filter {
    /// The bytes that every line has that is asked for: those of the longest value.
    pub(super) fn needle(&self) -> Option<Vec<u8>> {
        let value = |value: &Option<String>| value.as_deref().map(quoted);
        let member = |name: &str, text: &Option<String>| {
            let text = text.as_deref().map(quoted)?;
            Some([format!("\"{name}\":").as_bytes(), &text].concat())
        };
        // A pool stands also at the end of an ARN.
        let pool = value(&self.pool).map(|pool| pool.get(1..).unwrap_or_default().to_vec());
        let needles = [
            value(&self.access_key),
            value(&self.identity),
            pool,
            value(&self.request_id),
            value(&self.caller),
            member("eventName", &self.operation),
            member("errorCode", &self.error),
        ];
        needles.into_iter().flatten().max_by_key(Vec::len)
    }

    /// Whether the time of a line can be one that is asked for, as far as its bytes show.
    pub(super) fn may_be_in_time(&self, line: &[u8]) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let time = memmem::find(line, TIME)
            .and_then(|at| line.get(at + TIME.len()..)?.get(..TIME_BYTES))
            .and_then(|time| std::str::from_utf8(time).ok())
            .and_then(|time| humantime::parse_rfc3339(time).ok());
        time.is_none_or(|time| self.is_in_time(time))
    }

    /// Whether a record is one that is asked for.
    pub fn asks_for(&self, record: &Value) -> bool {
        let Self {
            access_key,
            identity,
            pool,
            request_id,
            caller,
            operation,
            error,
            since,
            until,
        } = self;
        let is = |wanted: &Option<String>, answers: &dyn Fn(&str) -> bool| {
            wanted.as_deref().is_none_or(answers)
        };
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let any = |pointers: &[&str], wanted: &str| {
            let mut texts = pointers.iter().map(|pointer| text(pointer));
            texts.any(|text| text == Some(wanted))
        };
        let is_timed = since.is_some() || until.is_some();
        is(access_key, &|key| any(ACCESS_KEY, key))
            && is(identity, &|id| any(IDENTITY, id) || is_listed(record, id))
            && is(pool, &|id| any(POOL, id) || is_in_arn(record, id))
            && is(request_id, &|id| {
                any(REQUEST_ID, id) || has(record.pointer(AWS_REQUEST_IDS), id)
            })
            && is(caller, &|name| any(CALLER, name))
            && is(operation, &|name| any(&["/eventName"], name))
            && is(error, &|code| any(&["/errorCode"], code))
            && (!is_timed || time_of(record).is_some_and(|time| self.is_in_time(time)))
    }

    fn is_in_time(&self, time: SystemTime) -> bool {
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }
}

const ACCESS_KEY: &[&str] = &[
    "/responseElements/credentials/accessKeyId",
    "/userIdentity/accessKeyId",
];
const IDENTITY: &[&str] = &[
    "/requestParameters/identityId",
    "/responseElements/identityId",
];
const POOL: &[&str] = &[
    "/requestParameters/identityPoolId",
    "/responseElements/identityPoolId",
];
const REQUEST_ID: &[&str] = &[
    "/requestID",
    "/sharedEventID",
    "/eventID",
    "/additionalEventData/requestId",
];
const AWS_REQUEST_IDS: &str = "/additionalEventData/awsRequestIds";
const CALLER: &[&str] = &[
    "/userIdentity/principalId",
    "/userIdentity/userName",
    "/userIdentity/invokedBy",
    "/additionalEventData/caller",
];

/// Whether an identity is one of those that were to be deleted.
fn is_listed(record: &Value, id: &str) -> bool {
    has(record.pointer("/requestParameters/identityIdsToDelete"), id)
}

fn has(list: Option<&Value>, text: &str) -> bool {
    let list = list.and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(text)))
}

/// Whether a pool is one of the resources, or the ARN that was named.
fn is_in_arn(record: &Value, id: &str) -> bool {
    let resources = record.get("resources").and_then(Value::as_array);
    let arns = resources.into_iter().flatten().map(|one| one.get("ARN"));
    let named = record.pointer("/requestParameters/resourceArn");
    arns.chain([named])
        .filter_map(|arn| arn?.as_str())
        .any(|arn| {
            arn.rsplit_once("identitypool/")
                .is_some_and(|(_, found)| found == id)
        })
}
