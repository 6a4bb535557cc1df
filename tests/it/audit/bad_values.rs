//! Texts that are meant to break lines, terminals and readers do not: each call has its
//! line, and each line is one JSON object of plain characters (reference: security, T-A3).
//!
//! With `POOLGATE_AUDIT_FOLDER` the journal is left there for checks by others.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use poolgate::operation::{Effect, Operation};
use poolgate::pb;
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use crate::support::bad_values::{self, Place, Random, header, places, text};
use crate::support::examples::{self, call_on, frame};
use crate::support::fake_aws::FakeAws;
use crate::support::guarded::Guarded;
use crate::support::house::{House, Rules, token};
use crate::support::raw::{DATA, HEADERS, RawPeer};
use crate::support::records::{intents, outcomes, plain_records};
use crate::support::told::told;

const CALLERS: &str = r#"
[[tokens]]
name = "shop"
sha256 = "{shop}"
roles = ["admin"]
"#;

const POLICIES: &str = r#"@id("all") permit (principal, action, resource);"#;

/// How many values are tried: as many as `POOLGATE_TEST_BAD_VALUES` says.
fn tries() -> usize {
    told("POOLGATE_TEST_BAD_VALUES").unwrap_or(5_000)
}

/// What a call sent beside its message, by the call's name.
type Sent = BTreeMap<String, Headers>;

struct Headers {
    user_agent: Vec<u8>,
    forwarded_for: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_of_a_caller_breaks_a_line() {
    let rules = Rules::new(CALLERS, &["shop"], POLICIES)
        .and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl")
        .and("POOLGATE_AUDIT__ROTATE_BYTES", "1099511627776");
    let house = Arc::new(House::start(rules).await);
    let all: Arc<Vec<(Operation, Place)>> = Arc::new(all_places());
    assert!(all.len() > 80, "{} places of texts", all.len());
    let next = Arc::new(AtomicUsize::new(0));

    let workers: Vec<_> = (0..128)
        .map(|_| tokio::spawn(work(Arc::clone(&house), Arc::clone(&all), next.clone())))
        .collect();
    let mut sent = Sent::new();
    for worker in workers {
        sent.extend(worker.await.unwrap());
    }

    let path = house.path("audit.jsonl");
    let records = plain_records(&path);
    let outcomes = outcomes(&records);
    assert_eq!(outcomes.len(), tries(), "each call has one outcome");
    let intended = outcomes.iter().filter(|record| {
        let operation = Operation::from_name(record["eventName"].as_str().unwrap()).unwrap();
        let is_let_through = record["additionalEventData"]["decision"] == "allowed";
        operation.effect() != Effect::Read && is_let_through
    });
    assert_eq!(intents(&records).len(), intended.count());
    for outcome in &outcomes {
        assert_says_what_was_sent(outcome, &sent);
    }
    let shown = outcomes
        .iter()
        .filter(|record| !record["requestParameters"].is_null());
    let shown = shown.count();
    assert!(shown > tries() / 8, "of {shown} calls parameters are shown");
    if let Some(folder) = std::env::var_os("POOLGATE_AUDIT_FOLDER") {
        fs::copy(path, PathBuf::from(folder).join("bad-values.jsonl")).unwrap();
    }
}

/// What is no header at all does not get as far as the journal.
#[tokio::test]
async fn control_characters_in_headers_are_refused_before_there_is_a_call() {
    let rules =
        Rules::new(CALLERS, &["shop"], POLICIES).and("POOLGATE_AUDIT__FILE", "{}/audit.jsonl");
    let house = House::start(rules).await;
    let before = plain_records(&house.path("audit.jsonl")).len();
    for name in [
        "user-agent",
        "x-forwarded-for",
        "traceparent",
        "x-request-id",
        ":authority",
        ":path",
    ] {
        for value in [
            "a\nb",
            "a\rb",
            "a\0b",
            "a\x1b[31mb",
            "a\x7fb",
            "a\r\nx-injected: b",
        ] {
            let mut headers: Vec<(&str, &[u8])> = vec![
                (":method", b"POST"),
                (":scheme", b"http"),
                (":path", Operation::GetId.path().as_bytes()),
                (":authority", b"poolgate"),
                ("content-type", b"application/grpc"),
                ("te", b"trailers"),
            ];
            headers.retain(|(kept, _)| *kept != name);
            let place = if name.starts_with(':') {
                0
            } else {
                headers.len()
            };
            headers.insert(place, (name, value.as_bytes()));
            let mut peer = RawPeer::connect(house.running.address).await;
            peer.request(1, &headers, &frame(&[])).await;

            let end = peer.end_of(1).await;

            let answered = end.filter(|frame| matches!(frame.kind, HEADERS | DATA));
            assert!(answered.is_none(), "{name}: {value:?}: {answered:?}");
        }
    }
    let after = plain_records(&house.path("audit.jsonl")).len();
    assert_eq!(after, before, "no call was made");
}

/// AWS is not a stranger, and what it says is checked all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_of_an_answer_breaks_a_line() {
    let calls = tries() / 5;
    let aws = FakeAws::answering(bad_answer).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let guarded = Guarded::start_with(
        &aws.url,
        POLICIES,
        &[
            ("POOLGATE_AUDIT__FILE", path.to_str().unwrap()),
            // Long enough: what goes on without its caller is recorded later.
            ("POOLGATE_SERVER__DEFAULT_DEADLINE", "60s"),
        ],
    );
    let channel = guarded.channel().await;
    let next = AtomicUsize::new(0);

    let workers = (0..64).map(|_| async {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= calls {
                return;
            }
            let operation = Operation::ALL[number % Operation::ALL.len()];
            // Whatever becomes of it.
            let _ = call_on(channel.clone(), operation, &examples::request(operation)).await;
        }
    });
    join_all(workers).await;

    let records = plain_records(&path);
    let outcomes = outcomes(&records);
    assert_eq!(outcomes.len(), calls, "each call has one outcome");
    let with = |member: &str| {
        let with = outcomes.iter().filter(|record| !record[member].is_null());
        with.count()
    };
    let (answers, errors) = (with("responseElements"), with("errorCode"));
    assert!(answers > calls / 10, "of {answers} calls answers are shown");
    assert!(errors > calls / 10, "{errors} calls failed");
    let longest = outcomes.iter().map(|record| {
        let texts = ["errorCode", "errorMessage", "requestID"];
        let texts = texts.map(|text| record[text].as_str().unwrap_or_default().len());
        texts.into_iter().max().unwrap()
    });
    assert!(longest.max().unwrap() < 1_100);
    if let Some(folder) = std::env::var_os("POOLGATE_AUDIT_FOLDER") {
        fs::copy(path, PathBuf::from(folder).join("bad-answers.jsonl")).unwrap();
    }
}

/// An answer of AWS with bad values wherever there is a text, or an error that is one.
fn bad_answer(operation: &str, number: usize) -> Vec<u8> {
    let mut random = Random(u64::try_from(number).unwrap() << 32);
    let (status, body) = match random.below(3) {
        0 => {
            let (code, message) = (text(&mut random), text(&mut random));
            (
                "400 Bad Request",
                json!({"__type": code, "message": message}),
            )
        }
        _ => {
            let name = format!("cognito.identity.v1.{operation}Response");
            let descriptor = pb::descriptors().get_message_by_name(&name).unwrap();
            (
                "200 OK",
                Value::Object(bad_members(&descriptor, &mut random)),
            )
        }
    };
    // A half of a surrogate pair, which is no text in JSON.
    let body = match random.below(20) {
        0 => body.to_string().replacen("plain", "\\ud800", 1),
        _ => body.to_string(),
    };
    let mut answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\n\
         content-length: {}\r\nx-amzn-requestid: ",
        body.len()
    )
    .into_bytes();
    answer.extend(header(&mut random));
    answer.extend(b"\r\n\r\n");
    answer.extend(body.into_bytes());
    answer
}

pub fn all_places() -> Vec<(Operation, Place)> {
    let mut all = Vec::new();
    for &operation in Operation::ALL {
        let name = format!("cognito.identity.v1.{operation}Request");
        let message = pb::descriptors().get_message_by_name(&name).unwrap();
        all.extend(places(&message).into_iter().map(|place| (operation, place)));
    }
    all
}

/// The members of an answer as AWS writes it, with bad values as texts and keys.
fn bad_members(message: &MessageDescriptor, random: &mut Random) -> Map<String, Value> {
    let mut members = Map::new();
    for field in message.fields() {
        if field.name() == "identity_pool" {
            members.extend(bad_members(field.kind().as_message().unwrap(), random));
            continue;
        }
        let value = if field.is_map() {
            json!({ text(random): text(random), "plain": text(random) })
        } else {
            let count = match field.is_list() {
                true if random.below(12) == 0 => 150,
                true => random.below(4),
                false => 1,
            };
            let mut values: Vec<Value> = (0..count)
                .map(|_| match field.kind() {
                    Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => {
                        json!(1e9)
                    }
                    Kind::Message(of) => Value::Object(bad_members(&of, random)),
                    Kind::Bool => json!(true),
                    Kind::Enum(_) => json!("AccessDenied"),
                    _ => json!(text(random)),
                })
                .collect();
            match field.is_list() {
                true => Value::Array(values),
                false => values.remove(0),
            }
        };
        let name = field_name_of_aws(field.name());
        members.insert(name, value);
    }
    members
}

/// `saml_provider_arns` is `SamlProviderARNs`.
pub fn field_name_of_aws(field: &str) -> String {
    let words = field.split('_').map(|word| match word {
        "arn" => "ARN".to_owned(),
        "arns" => "ARNs".to_owned(),
        word => word[..1].to_uppercase() + &word[1..],
    });
    words.collect()
}

/// Makes calls over a connection of its own until there have been enough.
async fn work(
    house: Arc<House>,
    all: Arc<Vec<(Operation, Place)>>,
    next: Arc<AtomicUsize>,
) -> Sent {
    let stream = TcpStream::connect(house.running.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut connection, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(driver);
    let mut sent = Sent::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= tries() {
            return sent;
        }
        let mut random = Random(u64::try_from(number).unwrap());
        let (operation, place) = &all[number % all.len()];
        let value = value(number, &mut random);
        let message = bad_values::request(*operation, place, &value);
        let headers = Headers {
            user_agent: header(&mut random),
            forwarded_for: header(&mut random),
        };
        // A few have a name that is none, and get one.
        let id = match random.below(10) {
            0 => header(&mut random),
            _ => format!("call-{number}").into_bytes(),
        };
        let request = http::Request::post(format!("http://poolgate{}", operation.path()))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", format!("Bearer {}", token("shop")))
            .header("user-agent", headers.user_agent.as_slice())
            .header("x-forwarded-for", headers.forwarded_for.as_slice())
            .header("traceparent", header(&mut random))
            .header("x-request-id", id.as_slice())
            .body(Full::from(frame(&message)))
            .unwrap();
        answered(&mut connection, request).await;
        if id.starts_with(b"call-") {
            sent.insert(String::from_utf8(id).unwrap(), headers);
        }
    }
}

/// Some are as long as a message may be, and some longer.
fn value(number: usize, random: &mut Random) -> String {
    let mut long = |most: usize| {
        let piece = format!("\u{202e}{}", text(random));
        let mut long = piece.repeat(most / piece.len() + 1);
        let end = (0..=most).rev().find(|end| long.is_char_boundary(*end));
        long.truncate(end.unwrap());
        long
    };
    match number % 1_000 {
        3 => long(1 << 20),
        504 => long((1 << 20) - 1_000),
        _ => text(random),
    }
}

async fn answered(connection: &mut SendRequest<Full<Bytes>>, request: http::Request<Full<Bytes>>) {
    connection.ready().await.unwrap();
    let response = connection.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap();
}

/// The record has the caller's headers as they were, or says how much of them it shows.
fn assert_says_what_was_sent(record: &Value, sent: &Sent) {
    let more = &record["additionalEventData"];
    let id = more["requestId"].as_str().unwrap();
    let Some(headers) = sent.get(id) else {
        return;
    };
    for (bytes, shown, name) in [
        (&headers.user_agent, &record["userAgent"], "userAgent"),
        (
            &headers.forwarded_for,
            &more["unverified"]["xForwardedFor"],
            "additionalEventData.unverified.xForwardedFor",
        ),
    ] {
        let text = String::from_utf8_lossy(bytes);
        let shown = shown.as_str().unwrap();
        let cut = more["truncated"].as_array();
        let is_said = cut.is_some_and(|cut| cut.iter().any(|member| member == name));
        if text.len() <= 256 {
            assert_eq!(shown, text, "{id}");
        } else {
            let (kept, told) = shown.rsplit_once('…').unwrap();
            assert!(text.starts_with(kept) && kept.len() > 250, "{id}: {shown}");
            assert_eq!(told, format!("({} bytes)", text.len()), "{id}");
        }
        assert_eq!(is_said, text.len() > 256, "{id}: {name} in {cut:?}");
    }
}
