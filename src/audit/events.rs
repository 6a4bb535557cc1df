//! What the journal records about itself, as CloudTrail records what a service does.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::line::Draft;
use super::shape::{Identity, Record};

/// The source of records that are not about a call.
pub const SOURCE: &str = "poolgate.internal";

/// The source of records of calls.
pub const AWS_SOURCE: &str = "cognito-identity.amazonaws.com";

/// What is the same in all records of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The region of operations that name no pool and no identity.
    pub region: String,
    /// The number of the AWS account that is called, where it is known.
    pub account_id: Option<String>,
    /// The name of the instance.
    pub instance: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Additional<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    instance_id: &'a str,
}

/// Something that happened to the journal or its process.
pub(super) fn event(origin: &Origin, name: &str, details: Value, now: SystemTime) -> Draft {
    let record = Record {
        service_event_details: Some(details),
        ..own(origin, SOURCE, name, now)
    };
    draft(origin, &record, None)
}

/// The outcome of a call of which only the intent is there, because the process ended in
/// the middle of it.
pub(super) fn unknown_outcome(
    origin: &Origin,
    operation: &str,
    shared: Uuid,
    intent: Uuid,
    now: SystemTime,
) -> Draft {
    let record = Record {
        error_code: Some(Cow::from("OutcomeUnknown")),
        shared_event_id: Some(shared),
        read_only: false,
        event_type: "AwsApiCall",
        addendum: Some(json!({
            "reason": "UPDATED_DATA",
            "updatedFields": "errorCode",
            "originalEventID": intent,
        })),
        ..own(origin, AWS_SOURCE, operation, now)
    };
    draft(origin, &record, Some("outcome"))
}

fn own<'a>(origin: &'a Origin, source: &'static str, name: &'a str, now: SystemTime) -> Record<'a> {
    let identity = Identity {
        kind: "AWSService",
        invoked_by: Some(SOURCE),
        ..Identity::default()
    };
    Record {
        user_identity: identity,
        source_ip_address: Cow::from(SOURCE),
        ..Record::blank(origin, source, Cow::from(name), Uuid::now_v7(), now)
    }
}

pub(super) fn draft(origin: &Origin, record: &Record<'_>, phase: Option<&'static str>) -> Draft {
    let additional = Additional {
        phase,
        instance_id: &origin.instance,
    };
    // Both are structures, which are always written as objects.
    Draft::new(record, &additional).unwrap_or_else(|_| Draft::empty())
}
