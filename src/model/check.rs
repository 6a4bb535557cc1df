//! Finds where a JSON object breaks the model.

use serde_json::{Map, Value};

use super::shown::shown;
use super::{Member, Path, Shape, Step};

/// One place where a request breaks the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where.
    pub path: Path,
    /// The sentence AWS writes about it, without the value if that is secret.
    pub text: String,
}

/// How many violations are looked for: nobody reads more, and a message made of
/// nothing but violations must not cost more than any other.
const MOST: usize = 20;

/// AWS's message over all violations: `2 validation errors detected: …; …`.
///
/// Violations of several elements of one list or map share AWS's sentence, which
/// is counted once.
pub fn summary(violations: &[Violation]) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for violation in violations {
        if !texts.contains(&violation.text.as_str()) {
            texts.push(&violation.text);
        }
    }
    let plural = if texts.len() == 1 { "" } else { "s" };
    format!(
        "{} validation error{plural} detected: {}",
        texts.len(),
        texts.join("; ")
    )
}

/// The places where `object` breaks the model, at most 20; nothing where it keeps
/// it.
///
/// `null` counts as absent. Members the model does not know are ignored, as AWS
/// ignores them. A value of the wrong JSON type is not the model's concern (AWS
/// refuses it earlier, with `SerializationException`) and is passed over.
/// Values in the texts are cut after `value_limit` characters.
pub fn check(
    members: impl IntoIterator<Item = &'static Member>,
    object: &Map<String, Value>,
    value_limit: usize,
) -> Vec<Violation> {
    let mut checker = Checker {
        value_limit,
        found: Vec::new(),
    };
    checker.structure(members, object, &Path::default());
    checker.found
}

struct Checker {
    value_limit: usize,
    found: Vec<Violation>,
}

impl Checker {
    fn structure(
        &mut self,
        members: impl IntoIterator<Item = &'static Member>,
        object: &Map<String, Value>,
        at: &Path,
    ) {
        for member in members {
            if self.found.len() >= MOST {
                return;
            }
            let path = at.with(Step::Member(member.name));
            match object.get(member.name) {
                None | Some(Value::Null) => {
                    if member.required {
                        let text = sentence("Value null", &path, "Member must not be null");
                        self.found.push(Violation { path, text });
                    }
                }
                Some(value) => self.value(member.shape, value, &path),
            }
        }
    }

    fn value(&mut self, shape: &'static Shape, value: &Value, path: &Path) {
        let broken = broken(shape, value);
        for constraint in &broken {
            self.report(shape, value, path, path.clone(), constraint);
        }
        if !broken.is_empty() {
            // A collection of the wrong size says nothing about its elements.
            return;
        }
        match (shape, value) {
            (Shape::Structure(members), Value::Object(object)) => {
                self.structure(*members, object, path);
            }
            (Shape::List { of, .. }, Value::Array(elements)) => {
                for (position, element) in elements.iter().enumerate() {
                    if self.found.len() >= MOST {
                        return;
                    }
                    let inner = path.with(Step::Index(position + 1));
                    self.element(shape, of, value, element, path, inner, "Member");
                }
            }
            (Shape::Map { key, value: of, .. }, Value::Object(entries)) => {
                for (name, element) in entries {
                    if self.found.len() >= MOST {
                        return;
                    }
                    let text = Value::String(name.clone());
                    let inner = path.with(Step::Key(name.clone()));
                    self.element(shape, key, value, &text, path, inner.clone(), "Map keys");
                    self.element(shape, of, value, element, path, inner, "Map value");
                }
            }
            _ => {}
        }
    }

    /// An element of a list or map. AWS reports a simple element under the whole
    /// collection and lists every constraint of the element; a structure has a
    /// path of its own.
    #[expect(clippy::too_many_arguments, reason = "the collection and its element")]
    fn element(
        &mut self,
        collection_shape: &'static Shape,
        shape: &'static Shape,
        collection: &Value,
        element: &Value,
        path: &Path,
        inner: Path,
        what: &str,
    ) {
        if matches!(shape, Shape::Structure(_)) {
            self.value(shape, element, &inner);
        } else if !broken(shape, element).is_empty() {
            let constraint = format!(
                "{what} must satisfy constraint: [{}]",
                constraints(shape).join(", ")
            );
            self.report(collection_shape, collection, path, inner, &constraint);
        }
    }

    fn report(&mut self, shape: &Shape, value: &Value, at: &Path, path: Path, constraint: &str) {
        let subject = if shape.is_secret() {
            "Value".to_owned()
        } else {
            format!("Value '{}'", shown(value, self.value_limit))
        };
        self.found.push(Violation {
            path,
            text: sentence(&subject, at, constraint),
        });
    }
}

fn sentence(subject: &str, path: &Path, constraint: &str) -> String {
    format!(
        "{subject} at '{}' failed to satisfy constraint: {constraint}",
        path.aws()
    )
}

/// The constraints of `shape` that `value` itself breaks, in AWS's words.
fn broken(shape: &Shape, value: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    match (shape, value) {
        (
            Shape::Text {
                min, max, pattern, ..
            },
            Value::String(text),
        ) => {
            let length = text.chars().count();
            if length > *max {
                broken.push(at_most("length", *max));
            }
            if length < *min {
                broken.push(at_least("length", *min));
            }
            if let Some(pattern) = pattern.filter(|pattern| !pattern.matches(text)) {
                broken.push(matches_pattern(pattern.text));
            }
        }
        (Shape::Choice(allowed), Value::String(text)) if !allowed.contains(&text.as_str()) => {
            broken.push(one_of(allowed));
        }
        (Shape::Integer { min, max }, Value::Number(number)) => {
            // What does not fit an i64 is above every bound of the model.
            let number = number.as_i64().unwrap_or(i64::MAX);
            if number > *max {
                broken.push(at_most("value", *max));
            }
            if number < *min {
                broken.push(at_least("value", *min));
            }
        }
        (Shape::List { min, max, .. }, Value::Array(elements)) => {
            broken.extend(size(elements.len(), *min, *max));
        }
        (Shape::Map { max, .. }, Value::Object(entries)) => {
            broken.extend(size(entries.len(), 0, *max));
        }
        _ => {}
    }
    broken
}

fn size(length: usize, min: usize, max: Option<usize>) -> Option<String> {
    match max {
        Some(max) if length > max => Some(at_most("length", max)),
        _ if length < min => Some(at_least("length", min)),
        _ => None,
    }
}

/// All constraints of a simple shape, in the order AWS lists them for elements.
fn constraints(shape: &Shape) -> Vec<String> {
    match shape {
        Shape::Text {
            min, max, pattern, ..
        } => {
            let mut all = vec![at_most("length", *max), at_least("length", *min)];
            all.extend(pattern.map(|pattern| matches_pattern(pattern.text)));
            all
        }
        Shape::Choice(allowed) => vec![one_of(allowed)],
        Shape::Integer { min, max } => vec![at_most("value", *max), at_least("value", *min)],
        Shape::Flag | Shape::List { .. } | Shape::Map { .. } | Shape::Structure(_) => Vec::new(),
    }
}

fn at_most(what: &str, bound: impl std::fmt::Display) -> String {
    format!("Member must have {what} less than or equal to {bound}")
}

fn at_least(what: &str, bound: impl std::fmt::Display) -> String {
    format!("Member must have {what} greater than or equal to {bound}")
}

fn matches_pattern(text: &str) -> String {
    format!("Member must satisfy regular expression pattern: {text}")
}

fn one_of(allowed: &[&str]) -> String {
    format!(
        "Member must satisfy enum value set: [{}]",
        allowed.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::input;
    use crate::operation::Operation;

    fn violations(operation: Operation, body: Value) -> Vec<Violation> {
        let object = body.as_object().cloned().unwrap_or_default();
        check(input(operation), &object, 200)
    }

    #[test]
    fn a_bad_identifier_reads_as_aws_writes_it() {
        let found = violations(
            Operation::DescribeIdentityPool,
            json!({"IdentityPoolId": "nonsense"}),
        );

        assert_eq!(
            summary(&found),
            r"1 validation error detected: Value 'nonsense' at 'identityPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+"
        );
    }

    #[test]
    fn every_missing_required_member_is_reported_at_once() {
        let found = violations(Operation::CreateIdentityPool, json!({}));

        assert_eq!(
            summary(&found),
            "2 validation errors detected: Value null at 'identityPoolName' failed to satisfy constraint: Member must not be null; Value null at 'allowUnauthenticatedIdentities' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn a_nested_violation_names_its_element() {
        let found = violations(
            Operation::CreateIdentityPool,
            json!({
                "IdentityPoolName": "pool",
                "AllowUnauthenticatedIdentities": false,
                "CognitoIdentityProviders": [{"ClientId": "ok"}, {"ClientId": "not ok"}],
            }),
        );

        let [violation] = found.as_slice() else {
            panic!("one violation, not {found:?}");
        };
        assert_eq!(
            violation.path.field(),
            "cognito_identity_providers[2].client_id"
        );
        assert_eq!(
            violation.text,
            r"Value 'not ok' at 'cognitoIdentityProviders.2.member.clientId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w_]+"
        );
    }

    #[test]
    fn elements_of_a_list_share_the_sentence_of_the_list_and_keep_their_own_field() {
        let found = violations(
            Operation::DeleteIdentities,
            json!({"IdentityIdsToDelete": ["x", "eu-west-1:0a", "y"]}),
        );

        let fields: Vec<String> = found.iter().map(|found| found.path.field()).collect();
        assert_eq!(
            fields,
            ["identity_ids_to_delete[1]", "identity_ids_to_delete[3]"]
        );
        assert!(summary(&found).starts_with(
            "1 validation error detected: Value '[x, eu-west-1:0a, y]' at 'identityIdsToDelete' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 55, "
        ));
    }

    #[test]
    fn a_secret_value_never_shows() {
        let found = violations(
            Operation::GetId,
            json!({"IdentityPoolId": "eu-west-1:0a", "Logins": {"idp": "", "idp2": "s3cret".repeat(10_000)}}),
        );

        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].text,
            "Value at 'logins' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 50000, Member must have length greater than or equal to 1]"
        );
        assert_eq!(found[1].path.field(), "logins[idp2]");
        assert!(!summary(&found).contains("s3cret"));
    }

    #[test]
    fn a_message_of_nothing_but_violations_costs_no_more_than_twenty() {
        let provider = json!({"ProviderName": "p", "ClientId": "not ok"});
        let found = violations(
            Operation::CreateIdentityPool,
            json!({
                "IdentityPoolName": "pool",
                "AllowUnauthenticatedIdentities": false,
                "CognitoIdentityProviders": vec![provider; 100_000],
            }),
        );
        assert_eq!(found.len(), 20);

        // Too many elements: none of them is looked at.
        let found = violations(
            Operation::DeleteIdentities,
            json!({"IdentityIdsToDelete": vec![""; 500_000]}),
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].text.len() < 500, "{}", found[0].text.len());
    }

    #[test]
    fn long_values_are_cut() {
        let found = violations(
            Operation::CreateIdentityPool,
            json!({"IdentityPoolName": "é".repeat(1000), "AllowUnauthenticatedIdentities": true}),
        );

        assert_eq!(found.len(), 2);
        assert!(
            found[0]
                .text
                .starts_with(&format!("Value '{}…' at", "é".repeat(200)))
        );
    }
}
