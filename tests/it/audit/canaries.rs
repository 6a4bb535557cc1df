//! A text of its own in every place that takes one and in every credential, with every log
//! line switched on: none of them leaves by any other way than the answer, and the journal
//! shows those that it may (reference: security, T-S1 and 5.2).

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use poolgate::operation::{Effect, Operation};
use poolgate::pb;
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use tonic::body::Body;
use tower::{Service, ServiceExt};

use super::bad_values::{all_places, field_name_of_aws};
use crate::support::bad_values::{self, Place};
use crate::support::collector::Collector;
use crate::support::examples::frame;
use crate::support::fake_aws::FakeAws;
use crate::support::guarded::sha256;
use crate::support::metrics;
use crate::support::process::Process;
use crate::support::span_collector::SpanCollector;
use crate::support::syslog::Syslog;

/// What all texts begin with.
const CANARY: &str = "c4n4ry-";

const POLICIES: &str = r#"@id("all") permit (principal, action, resource);"#;

/// What proves who somebody is, to poolgate or for poolgate.
const TOKEN: &str = "c4n4ry-token-with-enough-bits-to-be-one";
const WRONG_TOKEN: &str = "c4n4ry-wrong-with-enough-bits-to-be-one";
const AWS_SECRET_KEY: &str = "c4n4ry-aws-secret-key";
const AWS_SESSION_TOKEN: &str = "c4n4ry-aws-session-token";
const COLLECTOR_TOKEN: &str = "c4n4ry-collector-token";
const MAC_KEY: &str = "c4n4ry-mac-key-with-enough-bytes-in-it";

/// Members of requests whose values are not shown. Keys of maps are.
const HIDDEN: [&str; 10] = [
    "destination_user_identifier",
    "developer_user_identifier",
    "identity_pool.identity_pool_tags",
    "identity_pool_tags",
    "logins",
    "next_token",
    "role_mappings.rules_configuration.rules.value",
    "source_user_identifier",
    "supported_login_providers",
    "tags",
];

/// Members of answers to changes, and to calls that hand out something, that are not
/// shown. Of answers to reads nothing is.
const HIDDEN_IN_ANSWERS: [&str; 5] = [
    "IdentityPoolTags",
    "SecretKey",
    "SessionToken",
    "SupportedLoginProviders",
    "Token",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_is_in_any_sink_that_it_does_not_belong_in() {
    let aws = FakeAws::answering(answer).await;
    let (collector, syslog) = (Collector::start().await, Syslog::start().await);
    let traces = SpanCollector::start().await;
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let caller = format!(
        "[[tokens]]\nname = \"test\"\nsha256 = \"{}\"\n",
        sha256(TOKEN)
    );
    let journal = directory.path().join("audit.jsonl");
    let targets = format!(
        "{},syslog+tcp://127.0.0.1:{}",
        collector.target(),
        syslog.port
    );
    let environment = [
        ("POOLGATE_LOG__LEVEL", "trace".to_owned()),
        ("POOLGATE_ADMIN__LISTEN", "127.0.0.1:0".to_owned()),
        (
            "POOLGATE_AUTHN__CALLERS_FILE",
            write("callers.toml", &caller),
        ),
        ("POOLGATE_POLICY__FILES", write("all.cedar", POLICIES)),
        ("POOLGATE_POLICY__ALLOWED_ROLE_ARNS", "*".to_owned()),
        ("POOLGATE_QUOTA__IN_FORCE", "never".to_owned()),
        ("POOLGATE_UPSTREAM__KIND", "aws".to_owned()),
        ("POOLGATE_UPSTREAM__ENDPOINT_URL", aws.url.clone()),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", AWS_SECRET_KEY.to_owned()),
        ("AWS_SESSION_TOKEN", AWS_SESSION_TOKEN.to_owned()),
        ("POOLGATE_AUDIT__FILE", journal.to_str().unwrap().to_owned()),
        ("POOLGATE_AUDIT__MAC_KEY_FILE", write("mac", MAC_KEY)),
        ("POOLGATE_AUDIT__FORWARD", targets),
        (
            "POOLGATE_AUDIT__FORWARD_HEADERS_FILE",
            write(
                "headers",
                &format!("authorization: Bearer {COLLECTOR_TOKEN}\n"),
            ),
        ),
        ("POOLGATE_TRACES__ENDPOINT", traces.url.clone()),
    ];
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let process = Process::start(&environment);
    let mut channel = process.channel().await;

    let places = all_places();
    for (number, (operation, place)) in places.iter().enumerate() {
        let canary = format!("{CANARY}{number:04}");
        let value = match place.name().ends_with("supported_login_providers") {
            true if !place.is_key() => format!("public;{canary}"),
            _ => canary,
        };
        let message = bad_values::request(*operation, place, &value);
        // Three answers and an error.
        for _ in 0..4 {
            call(&mut channel, *operation, &message, TOKEN).await;
        }
        call(&mut channel, *operation, &message, WRONG_TOKEN).await;
    }

    let counted = metrics::read(process.admin().unwrap()).await;
    let (code, logged) = process.terminate();
    assert_eq!(code, Some(0));
    let checked = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("check")
        .env_clear()
        .envs(environment)
        .output()
        .unwrap();
    let log = logged.join("\n");
    let check = [checked.stdout, checked.stderr].concat();
    let check = String::from_utf8(check).unwrap();
    assert!(log.contains("GetId OK"), "{log}");
    assert!(check.contains("forward_headers_file = "), "{check}");
    let spans = format!("{:?}", traces.spans());
    assert!(spans.contains("CognitoIdentity.GetId"), "{spans}");
    for text in [&log, &check, &spans, counted.text()] {
        assert_eq!(canaries(text), BTreeSet::new());
    }

    let recorded = fs::read_to_string(&journal).unwrap();
    let lines = recorded.lines().count();
    let forwarded = collector.lines(|taken| taken.len() == lines).await;
    let sent = syslog.taken(|taken| taken.messages.len() == lines).await;
    let shown = canaries(&recorded);
    assert!(shown.len() > 30, "names are shown: {shown:?}");
    for text in [recorded, forwarded.join("\n"), sent.messages.join("\n")] {
        let wrong: Vec<_> = canaries(&text)
            .into_iter()
            .filter(|canary| !may_be_shown(canary, &places))
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
    }
}

/// Whether the journal may have a canary.
fn may_be_shown(canary: &str, places: &[(Operation, Place)]) -> bool {
    let name = canary.strip_prefix(CANARY).unwrap();
    if let Ok(number) = name.parse::<usize>() {
        let (operation, place) = &places[number];
        let name = place.name();
        let names_claims =
            name == "principal_tags" && *operation != Operation::GetOpenIdTokenForDeveloperIdentity;
        return place.is_key()
            || names_claims
            || !HIDDEN.contains(&&*name) && name != "principal_tags";
    }
    let Some((operation, member)) = name.split_once('.') else {
        return false;
    };
    let effect = Operation::from_name(operation).map(Operation::effect);
    effect != Some(Effect::Read) && !HIDDEN_IN_ANSWERS.contains(&member)
}

/// All that are in a text.
fn canaries(text: &str) -> BTreeSet<String> {
    let found = text.match_indices(CANARY).map(|(place, _)| {
        let rest = &text[place..];
        let end =
            rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-._".contains(letter));
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    found.collect()
}

/// A call whose metadata has canaries as well. What it is answered does not matter.
async fn call(
    channel: &mut tonic::transport::Channel,
    operation: Operation,
    message: &[u8],
    token: &str,
) {
    let request = http::Request::post(format!("http://poolgate{}", operation.path()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {token}"))
        .header("cookie", "session=c4n4ry-cookie")
        .header("x-api-key", "c4n4ry-api-key")
        .header("x-amz-security-token", "c4n4ry-security-token")
        .body(Body::new(http_body_util::Full::from(frame(message))))
        .unwrap();
    let answer = channel.ready().await.unwrap().call(request).await.unwrap();
    http_body_util::BodyExt::collect(answer.into_body())
        .await
        .unwrap();
}

/// An answer of AWS with a canary in each text, named after operation and member; each
/// fourth one is an error with one.
fn answer(operation: &str, number: usize) -> Vec<u8> {
    let (status, body) = match number % 4 {
        3 => {
            let message = "'c4n4ry-message' is not in the pool 'c4n4ry-message'";
            let body = json!({"__type": "ResourceNotFoundException", "message": message});
            ("400 Bad Request", body)
        }
        _ => {
            let name = format!("cognito.identity.v1.{operation}Response");
            let descriptor = pb::descriptors().get_message_by_name(&name).unwrap();
            ("200 OK", Value::Object(members(operation, &descriptor)))
        }
    };
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn members(operation: &str, message: &MessageDescriptor) -> Map<String, Value> {
    let mut members = Map::new();
    for field in message.fields() {
        let name = field_name_of_aws(field.name());
        let canary = match &*name {
            "SupportedLoginProviders" => format!("public;{CANARY}{operation}.{name}"),
            _ => format!("{CANARY}{operation}.{name}"),
        };
        let value = match field.kind() {
            Kind::Message(of) if field.name() == "identity_pool" => {
                members.extend(self::members(operation, &of));
                continue;
            }
            Kind::Message(entry) if field.is_map() => {
                let value = match entry.map_entry_value_field().kind() {
                    Kind::Message(of) => Value::Object(self::members(operation, &of)),
                    _ => json!(canary),
                };
                json!({ "key": value })
            }
            Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => json!(1e9),
            Kind::Message(of) => Value::Object(self::members(operation, &of)),
            Kind::Bool => json!(true),
            Kind::Enum(_) => json!("AccessDenied"),
            _ => json!(canary),
        };
        let value = match field.is_list() {
            true => json!([value]),
            false => value,
        };
        members.insert(name, value);
    }
    members
}
