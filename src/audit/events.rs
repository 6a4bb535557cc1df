//! What the journal records about itself, as CloudTrail records what a service does.

use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::line::Draft;

/// The source of records that are not about a call.
pub const SOURCE: &str = "poolgate.internal";

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
struct Event<'a> {
    event_version: &'static str,
    user_identity: Value,
    event_time: String,
    event_source: &'static str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'static str,
    user_agent: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    request_parameters: Value,
    response_elements: Value,
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(rename = "eventID")]
    event_id: Uuid,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    shared_event_id: Option<Uuid>,
    read_only: bool,
    event_type: &'static str,
    management_event: bool,
    event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_event_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addendum: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Additional<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    instance_id: &'a str,
}

/// Something that happened to the journal or its process.
pub(super) fn event(origin: &Arc<Origin>, name: &str, details: Value, now: SystemTime) -> Draft {
    let event = Event {
        service_event_details: Some(details),
        ..blank(origin, name, now)
    };
    draft(origin, &event, None)
}

/// The outcome of a call of which only the intent is there, because the process ended in
/// the middle of it.
pub(super) fn unknown_outcome(
    origin: &Arc<Origin>,
    operation: &str,
    shared: Uuid,
    intent: Uuid,
    now: SystemTime,
) -> Draft {
    let event = Event {
        event_source: "cognito-identity.amazonaws.com",
        error_code: Some("OutcomeUnknown"),
        shared_event_id: Some(shared),
        read_only: false,
        event_type: "AwsApiCall",
        addendum: Some(json!({
            "reason": "UPDATED_DATA",
            "updatedFields": "errorCode",
            "originalEventID": intent,
        })),
        ..blank(origin, operation, now)
    };
    draft(origin, &event, Some("outcome"))
}

fn blank<'a>(origin: &'a Origin, name: &'a str, now: SystemTime) -> Event<'a> {
    Event {
        event_version: super::EVENT_VERSION,
        user_identity: json!({"type": "AWSService", "invokedBy": SOURCE}),
        event_time: super::event_time(now),
        event_source: SOURCE,
        event_name: name,
        aws_region: &origin.region,
        source_ip_address: SOURCE,
        user_agent: concat!("poolgate/", env!("CARGO_PKG_VERSION")),
        error_code: None,
        request_parameters: Value::Null,
        response_elements: Value::Null,
        request_id: None,
        event_id: Uuid::now_v7(),
        shared_event_id: None,
        read_only: true,
        event_type: "AwsServiceEvent",
        management_event: true,
        event_category: "Management",
        recipient_account_id: origin.account_id.as_deref(),
        service_event_details: None,
        addendum: None,
    }
}

fn draft(origin: &Origin, event: &Event<'_>, phase: Option<&'static str>) -> Draft {
    let additional = Additional {
        phase,
        instance_id: &origin.instance,
    };
    // Both are structures, which are always written as objects.
    Draft::new(event, &additional).unwrap_or_else(|_| Draft::empty())
}
