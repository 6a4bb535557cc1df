use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::audit::line::{Hash, MOST_BYTES};
use crate::audit::strangers;
use crate::call::{RequestId, Subject, Target};
use crate::caller::{Address, Caller, Peer, Process, Proof, Security};
use crate::failure::{AwsError, Failure};
use crate::model::{self, Shape};
use crate::notes::{Allowance, Failed, Ruling};
use crate::pb;

/// Of each kind of letter that is longer in a line than in a text: written with a
/// backslash, with six letters for one, two or three bytes; and one that is not.
const LETTERS: [&str; 6] = ["\"", "\u{1}", "\u{80}", "\u{202e}", "\n", "x"];

const ENDED: Ending = Ending::Ended {
    saw: "FailedPrecondition",
    alone: true,
    took: Duration::from_millis(1),
};

static KEY: LazyLock<MacKey> = LazyLock::new(|| MacKey::new(&[7; 32]).unwrap());

#[test]
fn without_a_key_there_is_no_digest_that_a_guess_could_be_compared_with() {
    let (origin, begun) = (origin("x"), begun("x"));
    let told = told(Operation::GetId, "x", 1);
    let operation = Some(Operation::GetId);
    let mut call = call(&origin, &begun, &told, operation, Ending::Intended);
    assert!(line(&call).contains("\"requestDigest\":\"hmac-sha256:"));

    call.key = None;

    assert!(!line(&call).contains("requestDigest"));
}

fn origin(text: &str) -> Origin {
    Origin {
        region: text.to_owned(),
        account_id: Some("123456789012".to_owned()),
        instance: text.to_owned(),
    }
}

fn line(call: &Call<'_>) -> String {
    let draft = call.draft();
    assert!(draft.fits());
    let mut line = Vec::new();
    draft.seal(u64::MAX, Hash::NONE, &mut line);
    assert_eq!(line.pop(), Some(b'\n'));
    assert!(line.len() <= draft.bytes() && line.len() <= MOST_BYTES);
    String::from_utf8(line).unwrap()
}

fn call<'a>(
    origin: &'a Origin,
    begun: &'a Begun,
    told: &'a Told,
    operation: Option<Operation>,
    ending: Ending,
) -> Call<'a> {
    Call {
        origin,
        key: Some(&KEY),
        begun,
        operation,
        told,
        shared: Uuid::max(),
        event: Uuid::max(),
        now: SystemTime::UNIX_EPOCH,
        ending,
    }
}

fn begun(text: &str) -> Begun {
    Begun {
        path: text.to_owned(),
        peer: Some(Peer {
            address: "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"
                .parse::<std::net::SocketAddr>()
                .unwrap()
                .into(),
            certificate: None,
            tls: Some(Security {
                version: "TLSv1.3",
                cipher_suite: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            }),
        }),
        authority: Some(text.to_owned()),
        user_agent: Some(text.to_owned()),
        forwarded_for: Some(text.to_owned()),
        trace_id: Some("a".repeat(32)),
    }
}

/// A value of a shape in which every text is this one, and there are many of each.
fn value(of: &Shape, text: &str, count: usize) -> Value {
    match of {
        Shape::List { of, .. } => (0..count).map(|_| value(of, text, count)).collect(),
        Shape::Map { value: of, .. } => {
            let entries =
                (0..count).map(|number| (format!("{number}{text}"), value(of, text, count)));
            Value::Object(entries.collect())
        }
        Shape::Structure(members) => {
            let members = members
                .iter()
                .map(|member| (member.name.to_owned(), value(member.shape, text, count)));
            Value::Object(members.collect())
        }
        Shape::Flag => Value::from(true),
        Shape::Integer { .. } => Value::from(i64::MIN),
        Shape::Text { .. } | Shape::Choice(_) => Value::from(text),
    }
}

/// All there is to tell, each of it in texts like this one.
fn told(operation: Operation, text: &str, count: usize) -> Told {
    let told = Told::default();
    let id = RequestId::from_caller(&"\"".repeat(RequestId::MAX_LENGTH)).unwrap();
    told.set_request_id(&id);
    told.set_time_limit(Duration::from_millis(u64::MAX));
    let proof = Proof::Jwt {
        issuer: format!("https://{text}"),
        subject: text.to_owned(),
        token_id: Some(text.to_owned()),
        issued_at: u64::MAX,
    };
    let (roles, attributes) = Default::default();
    told.set_caller(&Caller::new(text, proof, roles, attributes));
    told.set_message(text.to_owned().into());
    let members = model::input(operation).iter();
    let parameters: Map<String, Value> = members
        .map(|member| (member.name.to_owned(), value(member.shape, text, count)))
        .collect();
    told.set_subject(Arc::new(Subject {
        resource: call::Resource::Pool(text.to_owned()),
        region: Some(text.to_owned()),
        parameters,
        update_mask: Some(vec![text.to_owned(); count]),
    }));
    told.set_ruling(Ruling {
        decision: "not_permitted",
        policies: vec![text.to_owned(); count],
    });
    told.set_target(&Target {
        name: Some(text.into()),
        account: Some("123456789012".into()),
    });
    told.set_requested_target(text);
    told.set_allowance(Allowance {
        limit: text.into(),
        most: u64::MAX,
        left: u64::MAX,
        full_in: Duration::MAX,
    });
    told.set_quota_wait(Duration::MAX);
    told.count_attempt();
    for number in 0..count {
        told.add_aws_request_id(&format!("{number}{text}"));
    }
    let answer = pb::CreateIdentityPoolResponse {
        identity_pool: Some(pb::IdentityPool {
            identity_pool_id: text.to_owned(),
            identity_pool_name: text.to_owned(),
            open_id_connect_provider_arns: vec![text.to_owned(); count],
            ..Default::default()
        }),
    };
    told.set_answer(prost::Message::encode_to_vec(&answer).into());
    told.set_failed(Failed {
        failure: Failure::Aws(AwsError {
            code: text.to_owned(),
            message: text.to_owned(),
            private: Default::default(),
            request_id: None,
            http_status: 400,
        }),
        reason: text.to_owned(),
    });
    told
}

/// The records of calls that have all that a record of a call can have.
pub(in crate::audit) fn whole_call() -> Vec<Value> {
    let (origin, begun) = (origin("eu-west-1"), begun("text"));
    let operation = Operation::CreateIdentityPool;
    let told = told(operation, &"text".repeat(100), 3);
    told.set_items(3);
    let of_a_process = Begun {
        peer: Some(Peer::at(Address::Process(Process {
            uid: 1001,
            gid: 50,
            pid: Some(7),
            connection: 0,
        }))),
        ..begun.clone()
    };
    let calls = [
        call(&origin, &begun, &told, Some(operation), ENDED),
        call(&origin, &begun, &told, None, ENDED),
        call(&origin, &of_a_process, &told, None, ENDED),
    ];
    let lines = calls.iter().map(line);
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_is_told_of_a_call_its_line_fits(
        letter in 0..LETTERS.len(),
        length in prop_oneof![0..3_000_usize, 3_000..30_000_usize],
        count in 0..120_usize,
        operation in 0..Operation::ALL.len(),
        ends: bool,
    ) {
        // Maps in structures in lists grow fast.
        let (length, count) = match length * count * count > 4_000_000 {
            true => (length / 20, count.min(20)),
            false => (length, count),
        };
        let text = LETTERS[letter].repeat(length);
        let operation = Operation::ALL[operation];
        let (origin, begun) = (origin(&text), begun(&text));
        let told = told(operation, &text, count);
        let ending = if ends { ENDED } else { Ending::Intended };

        let line = line(&call(&origin, &begun, &told, Some(operation), ending));

        let record: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&record["eventName"], operation.name());
        let more = &record["additionalEventData"];
        let cut = more["truncated"].as_array().cloned().unwrap_or_default();
        if text.len() > 256 {
            prop_assert!(cut.contains(&json!("userAgent")));
        }
        let is_said = |side: &str| cut.contains(&json!(side));
        let parameters = &record["requestParameters"];
        prop_assert_eq!(parameters.is_null(), is_said("requestParameters"));
        prop_assert!(record["responseElements"].is_null() || !is_said("responseElements"));
        prop_assert!(ends || !is_said("responseElements"), "an intent has no answer");
    }
}

/// Nothing that callers have to say is so long that even their names are left out.
#[test]
fn the_longest_names_that_callers_may_have_are_shown() {
    let origin = origin("eu-west-1");
    let name = "\u{202e}".repeat(680);
    let told = told(Operation::CreateIdentityPool, &name, 120);
    let begun = begun(&name);
    let call = call(
        &origin,
        &begun,
        &told,
        Some(Operation::CreateIdentityPool),
        ENDED,
    );

    let record: Value = serde_json::from_str(&line(&call)).unwrap();

    assert_eq!(record["userIdentity"]["principalId"], name);
    let cut = &record["additionalEventData"]["truncated"];
    for left_out in ["responseElements", "requestParameters"] {
        assert_eq!(record[left_out], Value::Null);
        assert!(cut.as_array().unwrap().contains(&json!(left_out)), "{cut}");
    }
}

#[test]
fn the_longest_refusal_of_a_stranger_is_short() {
    let origin = Origin {
        region: "ap-southeast-2".to_owned(),
        account_id: Some("123456789012".to_owned()),
        instance: "i".repeat(128),
    };
    for letter in ["\u{80}", "\u{202e}", "\"", "\t"] {
        let begun = Begun {
            // The name of a host has letters of ASCII, and none that is escaped.
            authority: Some("a".repeat(20_000)),
            ..begun(&letter.repeat(20_000))
        };
        for (failure, operation) in [
            (
                Failure::Unauthenticated {
                    cause: letter.repeat(20_000),
                },
                Some(Operation::GetOpenIdTokenForDeveloperIdentity),
            ),
            (Failure::UnknownMethod, None),
            (
                Failure::InvalidTimeout,
                Some(Operation::GetOpenIdTokenForDeveloperIdentity),
            ),
        ] {
            let told = Told::default();
            let id = "\"".repeat(RequestId::MAX_LENGTH);
            told.set_request_id(&RequestId::from_caller(&id).unwrap());
            told.set_time_limit(Duration::from_secs(100_000_000));
            let reason = "UNAUTHENTICATED".to_owned();
            told.set_failed(Failed { failure, reason });
            let call = call(&origin, &begun, &told, operation, ENDED);

            let length = line(&call).len() + 1;

            assert!(length <= strangers::MOST_BYTES, "{length} bytes");
        }
    }
}
