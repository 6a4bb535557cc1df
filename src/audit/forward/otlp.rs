//! Lines as logs of OpenTelemetry: the body of a request of OTLP over HTTP, in the JSON
//! encoding (opentelemetry-proto 1.x, `ExportLogsServiceRequest`).

use std::time::SystemTime;

use serde::Serialize;

use super::Line;
use super::facts::{Facts, nanos};

/// SEVERITY_NUMBER_INFO and SEVERITY_NUMBER_WARN.
const INFO: (u8, &str) = (9, "INFO");
const WARN: (u8, &str) = (13, "WARN");

/// What the records are called.
const EVENT_NAME: &str = "poolgate.audit";

/// The body of a request with these lines. The resource's instance is the one of the first
/// line; each line has its own beside it.
///
/// # Errors
///
/// Never: texts and numbers can always be written as JSON.
pub fn request(lines: &[Line], now: SystemTime) -> serde_json::Result<Vec<u8>> {
    let records: Vec<(Facts, &Line)> = lines
        .iter()
        .map(|line| (Facts::of(&line.text), line))
        .collect();
    let instance = records.first().map_or("", |(facts, _)| facts.instance());
    let observed = nanos(now);
    let request = Request {
        resource_logs: [ResourceLogs {
            resource: Resource {
                attributes: vec![
                    text("service.name", "poolgate"),
                    text("service.instance.id", instance),
                ],
            },
            scope_logs: [ScopeLogs {
                scope: Scope { name: EVENT_NAME },
                log_records: records
                    .iter()
                    .map(|(facts, line)| record(facts, line, observed))
                    .collect(),
            }],
        }],
    };
    serde_json::to_vec(&request)
}

fn record<'a>(facts: &'a Facts, line: &'a Line, observed: u128) -> LogRecord<'a> {
    let (severity_number, severity_text) = match facts.error_code {
        Some(_) => WARN,
        None => INFO,
    };
    let mut attributes = vec![
        Attribute {
            key: "audit.seq",
            value: AnyValue::IntValue(line.seq.to_string()),
        },
        text("audit.instance", facts.instance()),
        text("rpc.method", &facts.event_name),
    ];
    attributes.extend(
        facts
            .error_code
            .as_deref()
            .map(|code| text("error.type", code)),
    );
    LogRecord {
        time_unix_nano: facts.nanos().to_string(),
        observed_time_unix_nano: observed.to_string(),
        severity_number,
        severity_text,
        event_name: EVENT_NAME,
        body: AnyValue::StringValue(&line.text),
        attributes,
    }
}

fn text<'a>(key: &'static str, value: &'a str) -> Attribute<'a> {
    Attribute {
        key,
        value: AnyValue::StringValue(value),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    resource_logs: [ResourceLogs<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    resource: Resource<'a>,
    scope_logs: [ScopeLogs<'a>; 1],
}

#[derive(Serialize)]
struct Resource<'a> {
    attributes: Vec<Attribute<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    scope: Scope,
    log_records: Vec<LogRecord<'a>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
}

/// Numbers of 64 bits are texts in this encoding.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord<'a> {
    time_unix_nano: String,
    observed_time_unix_nano: String,
    severity_number: u8,
    severity_text: &'static str,
    event_name: &'static str,
    body: AnyValue<'a>,
    attributes: Vec<Attribute<'a>>,
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: &'static str,
    value: AnyValue<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum AnyValue<'a> {
    StringValue(&'a str),
    IntValue(String),
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_line_is_a_log_record_whose_body_is_the_line() {
        let text = r#"{"eventTime":"2026-11-25T05:00:00Z","eventName":"GetId","errorCode":"Some","x":"é\u202e\"","additionalEventData":{"instanceId":"one","seq":18446744073709551615}}"#;
        let line = Line {
            seq: u64::MAX,
            text: text.to_owned(),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_800_000_000_123_456_789);

        let body: Value = serde_json::from_slice(&request(&[line], now).unwrap()).unwrap();

        let string = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let expected = json!({"resourceLogs": [{
            "resource": {"attributes": [
                string("service.name", "poolgate"),
                string("service.instance.id", "one"),
            ]},
            "scopeLogs": [{
                "scope": {"name": "poolgate.audit"},
                "logRecords": [{
                    "timeUnixNano": "1795582800000000000",
                    "observedTimeUnixNano": "1800000000123456789",
                    "severityNumber": 13,
                    "severityText": "WARN",
                    "eventName": "poolgate.audit",
                    "body": {"stringValue": text},
                    "attributes": [
                        {"key": "audit.seq", "value": {"intValue": "18446744073709551615"}},
                        string("audit.instance", "one"),
                        string("rpc.method", "GetId"),
                        string("error.type", "Some"),
                    ],
                }],
            }],
        }]});
        assert_eq!(body, expected);
    }

    #[test]
    fn a_line_without_an_error_is_information() {
        let line = Line {
            seq: 1,
            text: "{}".to_owned(),
        };

        let body = request(&[line], SystemTime::UNIX_EPOCH).unwrap();

        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(r#""severityNumber":9,"severityText":"INFO""#));
        assert!(!text.contains("error.type"));
    }
}
