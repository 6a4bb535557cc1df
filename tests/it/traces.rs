//! A call is one trace, from its caller through poolgate to AWS; and whoever does not take
//! traces holds up no call.

use std::collections::HashMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use poolgate::pb;
use tokio::net::TcpListener;
use tonic::{Code, Request};

use crate::support::fake_aws::{FakeAws, Fault};
use crate::support::guarded::sha256;
use crate::support::metrics;
use crate::support::process::Process;
use crate::support::span_collector::SpanCollector;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TOKEN: &str = "a-token-that-is-long-enough-for-a-test";
const CALLER: &str = "00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_continues_its_callers_trace_through_each_attempt_at_aws() {
    let collector = SpanCollector::start().await;
    let aws = FakeAws::start(Fault::InternalError).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let token = format!(
        "[[tokens]]\nname = \"test\"\nsha256 = \"{}\"\n",
        sha256(TOKEN)
    );
    let callers = write("callers.toml", &token);
    let policies = write(
        "all.cedar",
        "@id(\"all\") permit (principal, action, resource);",
    );
    let process = Process::start(&[
        ("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0"),
        ("POOLGATE_TRACES__ENDPOINT", &collector.url),
        ("OTEL_SERVICE_NAME", "pools-of-the-shop"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        ),
        ("POOLGATE_AUTHN__CALLERS_FILE", &callers),
        ("POOLGATE_POLICY__FILES", &policies),
        ("POOLGATE_AUDIT__UNRECORDED", "everywhere"),
        ("POOLGATE_UPSTREAM__KIND", "aws"),
        ("POOLGATE_UPSTREAM__ENDPOINT_URL", &aws.url),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]);
    let mut request = Request::new(pb::ListIdentityPoolsRequest::default());
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let metadata = request.metadata_mut();
    metadata.insert("traceparent", parent.parse().unwrap());
    metadata.insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());

    let refused = process.client().await.list_identity_pools(request).await;
    assert_eq!(refused.unwrap_err().code(), Code::Internal);
    let metrics = metrics::read(process.admin().unwrap()).await;
    let exemplar = format!("# {{trace_id=\"{TRACE}\"}}");
    let mut buckets = metrics.text().lines();
    assert!(
        buckets.any(|line| line.contains("seconds_bucket{") && line.contains(&exemplar)),
        "{}",
        metrics.text()
    );
    process.terminate();

    let spans = collector.spans();
    assert!(
        spans.iter().all(|span| hex(&span.trace_id) == TRACE),
        "{spans:#?}"
    );
    let from = &collector.resources()[0].attributes;
    assert_eq!(attribute(from, "service.name"), "pools-of-the-shop");
    assert_eq!(attribute(from, "deployment.environment.name"), "test");
    let named =
        |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let calls = named("cognito.identity.v1.CognitoIdentityService/ListIdentityPools");
    let [call] = calls.as_slice() else {
        panic!("{spans:#?}");
    };
    assert_eq!(hex(&call.parent_span_id), CALLER);
    assert_eq!(attribute(&call.attributes, "rpc.status_code"), "Internal");
    for gate in ["authenticate", "inspect", "weigh", "authorize"] {
        let found = named(gate);
        assert_eq!(found.len(), 1, "{gate}: {spans:#?}");
        assert_eq!(found[0].parent_span_id, call.span_id, "{gate}");
    }
    let attempts = named("CognitoIdentity.ListIdentityPools");
    assert_eq!(attempts.len(), 3);
    let mut sent: Vec<String> = aws.heads().iter().map(|head| trace_parent(head)).collect();
    let mut expected: Vec<String> = attempts
        .iter()
        .map(|attempt| format!("00-{TRACE}-{}-01", hex(&attempt.span_id)))
        .collect();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
    for attempt in attempts {
        assert_eq!(attempt.parent_span_id, call.span_id);
        assert_eq!(
            attribute(&attempt.attributes, "http.response.status_code"),
            "500"
        );
        assert_eq!(attribute(&attempt.attributes, "aws.request_id"), "fake-1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_does_not_trace_is_not_traced() {
    let collector = SpanCollector::start().await;
    let process = Process::start(&[("POOLGATE_TRACES__ENDPOINT", &collector.url)]);
    let mut client = process.client().await;
    let list = || Request::new(pb::ListIdentityPoolsRequest::default());
    let mut request = list();
    let not_sampled = format!("00-{TRACE}-{CALLER}-00");
    let metadata = request.metadata_mut();
    metadata.insert("traceparent", not_sampled.parse().unwrap());

    client.list_identity_pools(request).await.unwrap();
    client.list_identity_pools(list()).await.unwrap();
    process.terminate();

    let spans = collector.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) != TRACE));
    let calls = spans.iter().filter(|span| span.parent_span_id.is_empty());
    assert_eq!(calls.count(), 1, "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_delays_no_call_and_no_end() {
    // Accepts by its backlog, and reads nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let process = Process::start(&[
        ("POOLGATE_TRACES__ENDPOINT", &url),
        ("POOLGATE_SERVER__DRAIN_NOTICE", "0s"),
    ]);
    let mut client = process.client().await;

    // More than there is room for.
    for _ in 0..3_000 {
        let mut request = Request::new(pb::ListIdentityPoolsRequest::default());
        request.set_timeout(std::time::Duration::from_secs(5));
        client.list_identity_pools(request).await.unwrap();
    }

    assert_eq!(process.terminate().0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_is_told_of_once_and_the_journal_names_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("audit.jsonl");
    let process = Process::start(&[
        ("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0"),
        // Nobody listens there.
        ("POOLGATE_TRACES__ENDPOINT", "http://127.0.0.1:9"),
        ("POOLGATE_AUDIT__FILE", journal.to_str().unwrap()),
        ("POOLGATE_SERVER__DRAIN_NOTICE", "0s"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ]);
    let mut client = process.client().await;
    let lost = "poolgate_trace_spans_lost_total";
    for calls in 1..=2 {
        let request = pb::ListIdentityPoolsRequest::default();
        client.list_identity_pools(request).await.unwrap();
        let admin = process.admin().unwrap();
        metrics::until(admin, |metrics| metrics.sum(lost) >= calls).await;
    }

    let told = "the collector does not take traces";
    let log = process.terminate().1;
    assert_eq!(log.iter().filter(|line| line.contains(told)).count(), 1);
    let records = std::fs::read_to_string(journal).unwrap();
    let mut records = records.lines();
    let record = records.find(|line| line.contains("ListIdentityPools"));
    let record: serde_json::Value = serde_json::from_str(record.unwrap()).unwrap();
    let id = record["additionalEventData"]["traceId"].as_str();
    assert_eq!(id.unwrap().len(), 32, "{record}");
}

#[tokio::test]
async fn without_a_collector_the_journal_names_the_trace_of_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("audit.jsonl");
    let process = Process::start(&[("POOLGATE_AUDIT__FILE", journal.to_str().unwrap())]);
    let mut request = Request::new(pb::ListIdentityPoolsRequest::default());
    let parent = format!("00-{TRACE}-{CALLER}-01").parse().unwrap();
    request.metadata_mut().insert("traceparent", parent);

    let mut client = process.client().await;
    client.list_identity_pools(request).await.unwrap();

    let records = std::fs::read_to_string(journal).unwrap();
    assert!(
        records.contains(&format!("\"traceId\":\"{TRACE}\"")),
        "{records}"
    );
}

fn trace_parent(head: &str) -> String {
    let mut lines = head.lines();
    let value = lines.find_map(|line| line.strip_prefix("traceparent:"));
    value.unwrap().trim().to_owned()
}

fn attribute(attributes: &[KeyValue], name: &str) -> String {
    let attributes: HashMap<&str, &KeyValue> = attributes
        .iter()
        .map(|attribute| (attribute.key.as_str(), attribute))
        .collect();
    let value = attributes[name].value.as_ref().unwrap();
    match value.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("{name}: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
