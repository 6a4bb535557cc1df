//! The shape of a record: CloudTrail's, with its names and in its order (reference:
//! security, 5.1).

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::events::Origin;

/// A text that is known, or made for the record.
pub(super) type Text<'a> = Cow<'a, str>;

/// A record without `additionalEventData`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    pub(super) event_version: &'static str,
    pub(super) user_identity: Identity<'a>,
    pub(super) event_time: String,
    pub(super) event_source: &'static str,
    pub(super) event_name: Text<'a>,
    pub(super) aws_region: Text<'a>,
    #[serde(rename = "sourceIPAddress")]
    pub(super) source_ip_address: Text<'a>,
    pub(super) user_agent: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_code: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_message: Option<Text<'a>>,
    pub(super) request_parameters: Value,
    pub(super) response_elements: Value,
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<Text<'a>>,
    #[serde(rename = "eventID")]
    pub(super) event_id: Uuid,
    pub(super) read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<Resource<'a>>,
    pub(super) event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_version: Option<&'static str>,
    pub(super) management_event: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recipient_account_id: Option<&'a str>,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    pub(super) shared_event_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_event_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) addendum: Option<Value>,
    pub(super) event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_details: Option<TlsDetails<'a>>,
}

/// Who did it.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) principal_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_name: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity_provider: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session_context: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invoked_by: Option<&'static str>,
}

/// What it was done to.
#[derive(Serialize)]
pub(super) struct Resource<'a> {
    #[serde(rename = "ARN")]
    pub(super) arn: String,
    #[serde(rename = "accountId")]
    pub(super) account_id: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

/// How the connection was secured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TlsDetails<'a> {
    pub(super) tls_version: &'static str,
    pub(super) cipher_suite: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_provided_host_header: Option<Text<'a>>,
}

impl Identity<'_> {
    /// Leaves only what sort of caller it is.
    pub(super) fn shorten(&mut self) {
        *self = Self {
            kind: self.kind,
            account_id: self.account_id,
            ..Self::default()
        };
    }
}

impl<'a> Record<'a> {
    /// A record of `source` about something named `name`, of which nothing else is said.
    pub(super) fn blank(
        origin: &'a Origin,
        source: &'static str,
        name: Text<'a>,
        event: Uuid,
        now: SystemTime,
    ) -> Self {
        Self {
            event_version: super::EVENT_VERSION,
            user_identity: Identity::default(),
            event_time: super::event_time(now),
            event_source: source,
            event_name: name,
            aws_region: Cow::from(&*origin.region),
            source_ip_address: Cow::from(source),
            user_agent: Cow::from(concat!("poolgate/", env!("CARGO_PKG_VERSION"))),
            error_code: None,
            error_message: None,
            request_parameters: Value::Null,
            response_elements: Value::Null,
            request_id: None,
            event_id: event,
            read_only: true,
            resources: Vec::new(),
            event_type: "AwsServiceEvent",
            api_version: None,
            management_event: true,
            recipient_account_id: origin.account_id.as_deref(),
            shared_event_id: None,
            service_event_details: None,
            addendum: None,
            event_category: "Management",
            tls_details: None,
        }
    }
}
