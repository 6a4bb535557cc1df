//! Every bound of AWS's model, at, below and above it: what is outside is refused
//! with the field's name before anything is sent, what is inside is sent.

use poolgate::model::{self, Member, Shape, field_name};
use poolgate::operation::Operation;
use serde_json::{Map, Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::app::App;
use crate::support::examples::{self, call};
use crate::support::wire::Wire;

/// A value of a member, whether the model accepts it, and why it is tried.
struct Case {
    value: Value,
    accepted: bool,
    why: String,
}

#[tokio::test]
async fn every_bound_of_every_member_holds() {
    let mut tried = 0;
    for &operation in Operation::ALL {
        let wire = Wire::echo();
        let app = App::wire(&wire).await;
        for member in model::input(operation) {
            for case in cases(member.shape).into_iter().chain(empty(member)) {
                let before = wire.sent().len();
                let request = with(operation, member, case.value.clone());

                let answer = call(&app, operation, &request).await;

                let what = format!("{operation}.{}: {}", member.name, case.why);
                let sent = wire.sent().len() - before;
                // The ARN of a pool has a form that says more than its length.
                if case.accepted && member.name == "ResourceArn" {
                    continue;
                }
                if case.accepted {
                    assert_eq!(
                        sent,
                        1,
                        "{what}: {:?}",
                        answer.err().map(|status| status.message().to_owned())
                    );
                } else {
                    let status = answer
                        .err()
                        .unwrap_or_else(|| panic!("{what} was accepted"));
                    assert_eq!(sent, 0, "{what}");
                    assert_refused(&status, operation, member, &what);
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 250, "only {tried} cases");
}

#[tokio::test]
async fn every_required_member_is_missed() {
    for &operation in Operation::ALL {
        let wire = Wire::echo();
        let app = App::wire(&wire).await;
        for member in model::input(operation)
            .iter()
            .filter(|member| member.required)
        {
            // An empty list or map of the proto is sent as such, and a page without a
            // size is the largest.
            if !matches!(member.shape, Shape::Text { .. } | Shape::Flag) {
                continue;
            }
            let mut request = examples::request(operation);
            pool_or_self(operation, &mut request).remove(&field_name(member.name));

            let status = call(&app, operation, &request).await.unwrap_err();

            assert_refused(&status, operation, member, member.name);
            assert!(
                status.message().contains("Member must not be null"),
                "{}",
                status.message()
            );
        }
        assert!(wire.sent().is_empty());
    }
}

fn assert_refused(status: &tonic::Status, operation: Operation, member: &Member, what: &str) {
    assert_eq!(
        status.code(),
        Code::InvalidArgument,
        "{what}: {}",
        status.message()
    );
    assert!(
        status.message().contains(" detected: Value"),
        "{what}: {}",
        status.message()
    );
    let prefix = if operation == Operation::UpdateIdentityPool {
        "identity_pool."
    } else {
        ""
    };
    let field = format!("{prefix}{}", field_name(member.name));
    let bad_request = status.get_details_bad_request().unwrap();
    assert!(
        bad_request.field_violations[0].field.starts_with(&field),
        "{what}"
    );
    // Headers have to fit what common clients accept.
    assert!(
        status.details().len() + status.message().len() < 8000,
        "{what}"
    );
}

/// The operation's example with one member set.
fn with(operation: Operation, member: &Member, value: Value) -> Value {
    let mut request = examples::request(operation);
    pool_or_self(operation, &mut request).insert(field_name(member.name), value);
    request
}

fn pool_or_self(operation: Operation, request: &mut Value) -> &mut Map<String, Value> {
    let object = match operation {
        Operation::UpdateIdentityPool => &mut request["identity_pool"],
        _ => request,
    };
    object.as_object_mut().unwrap()
}

/// An optional text that is set and empty. Tokens of pages have no presence: an empty
/// one is none.
fn empty(member: &Member) -> Option<Case> {
    let is_text = matches!(member.shape, Shape::Text { .. });
    (is_text && !member.required && member.name != "NextToken").then(|| Case {
        value: json!(""),
        accepted: false,
        why: "empty but set".to_owned(),
    })
}

fn cases(shape: &Shape) -> Vec<Case> {
    let case = |value: Value, accepted: bool, why: String| Case {
        value,
        accepted,
        why,
    };
    match shape {
        Shape::Text {
            min, max, pattern, ..
        } => {
            let mut cases = vec![
                case(json!(text(shape, *max)), true, format!("{max} characters")),
                case(
                    json!(text(shape, *max + 1)),
                    false,
                    format!("{} characters", max + 1),
                ),
            ];
            if *min > 1 {
                cases.push(case(
                    json!(text(shape, *min)),
                    true,
                    format!("{min} characters"),
                ));
                cases.push(case(
                    json!(text(shape, *min - 1)),
                    false,
                    format!("{} characters", min - 1),
                ));
            }
            if pattern.is_some() {
                cases.push(case(
                    json!("\u{1F} \u{1F}"),
                    false,
                    "characters outside the pattern".to_owned(),
                ));
            }
            cases
        }
        // Zero is the proto's way to leave a page's size open.
        Shape::Integer { min, max } => vec![
            case(json!(min), true, format!("{min}")),
            case(json!(max), true, format!("{max}")),
            case(json!(-1), false, "-1".to_owned()),
            case(json!(max + 1), false, format!("{}", max + 1)),
        ],
        Shape::List { of, max, .. } => {
            let list = |length: usize| json!(vec![value(of); length]);
            let mut cases = vec![case(list(1), true, "one element".to_owned())];
            if let Some(max) = max {
                cases.push(case(list(*max), true, format!("{max} elements")));
                cases.push(case(list(max + 1), false, format!("{} elements", max + 1)));
            }
            cases.extend(inner(of, |value| json!([value])));
            cases
        }
        Shape::Map {
            key,
            value: of,
            max,
        } => {
            let map = |length: usize| -> Value {
                (0..length)
                    .map(|number| (key_text(key, number), value(of)))
                    .collect::<Map<_, _>>()
                    .into()
            };
            let mut cases = vec![case(map(1), true, "one entry".to_owned())];
            // Two roles are all there are: a third has no name.
            if let Some(max) = max.filter(|&max| max > 2) {
                cases.push(case(map(max), true, format!("{max} entries")));
                cases.push(case(map(max + 1), false, format!("{} entries", max + 1)));
            }
            cases.extend(inner(of, |value| json!({ (key_text(key, 0)): value })));
            cases.extend(inner(
                key,
                |name| json!({ name.as_str().unwrap(): value(of) }),
            ));
            cases
        }
        Shape::Structure(members) => members
            .iter()
            .flat_map(|member| {
                let mut whole = value(shape);
                cases(member.shape).into_iter().map(move |inner| {
                    whole[field_name(member.name)] = inner.value;
                    Case {
                        value: whole.clone(),
                        accepted: inner.accepted,
                        why: format!("{}: {}", member.name, inner.why),
                    }
                })
            })
            .collect(),
        Shape::Choice(_) | Shape::Flag => Vec::new(),
    }
}

fn inner(shape: &Shape, wrap: impl Fn(Value) -> Value) -> Vec<Case> {
    cases(shape)
        .into_iter()
        .map(|case| Case {
            value: wrap(case.value),
            accepted: case.accepted,
            why: format!("inside: {}", case.why),
        })
        .collect()
}

/// Any value the shape accepts, in proto3 JSON.
fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Text { min, .. } => json!(text(shape, (*min).max(1))),
        Shape::Choice(_) => json!(1),
        Shape::Integer { max, .. } => json!(max),
        Shape::Flag => json!(true),
        Shape::List { of, .. } => json!([value(of)]),
        Shape::Map { key, value: of, .. } => json!({ (key_text(key, 0)): value(of) }),
        Shape::Structure(members) => members
            .iter()
            .map(|member| (field_name(member.name), value(member.shape)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// A text of this length that matches the shape's pattern. Identifiers name a
/// region that calls may go to.
fn text(shape: &Shape, length: usize) -> String {
    let Shape::Text { pattern, .. } = shape else {
        unreachable!()
    };
    match pattern.map(|pattern| pattern.text) {
        Some(r"[\w-]+:[0-9a-f-]+") => {
            let head = "us-east-1:";
            format!(
                "{head}{}",
                "a".repeat(length.saturating_sub(head.len()).max(1))
            )
        }
        Some(r"(un)?authenticated") if length <= 128 => "authenticated".to_owned(),
        _ => "1".repeat(length),
    }
}

fn key_text(shape: &Shape, number: usize) -> String {
    match shape {
        Shape::Text {
            pattern: Some(_), ..
        } => text(shape, 1),
        _ => format!("key-{number}"),
    }
}
