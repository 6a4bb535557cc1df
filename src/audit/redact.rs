//! What a record shows of a request and of an answer: what a list allows, and nothing
//! else.
//!
//! The list is that of the reference (security, 5.2). A member that is on no list is
//! hidden, so that one that AWS adds is so until somebody has thought about it.

mod rules;
mod shorten;
mod shown;

pub(super) use shorten::shorten_members;
pub(super) use shown::{Truncated, within};

use aws_lc_rs::hmac;
use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage, Value as Field};
use serde_json::{Map, Value, json};

use crate::operation::{Effect, Operation};
use crate::pb;
use rules::{Rule, lower_first};

/// What stands for a value that is not shown, in AWS's own words.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The key of the deployment, with which values are shown that may be looked for and not
/// be read.
pub struct MacKey(hmac::Key);

impl MacKey {
    /// The fewest bytes.
    pub const LEAST: usize = 32;

    /// A key, if it has at least 32 bytes.
    pub fn new(secret: &[u8]) -> Option<Self> {
        let is_long = secret.len() >= Self::LEAST;
        is_long.then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// What stands for `value`: `hmac-sha256:` and the first 32 hexadecimal digits.
    pub fn shown(&self, value: &str) -> String {
        self.digest(value.as_bytes())
    }

    /// The same of bytes.
    pub(super) fn digest(&self, value: &[u8]) -> String {
        let tag = hmac::sign(&self.0, value);
        let half = tag.as_ref().iter().take(16);
        let digits: String = half.map(|byte| format!("{byte:02x}")).collect();
        format!("hmac-sha256:{digits}")
    }
}

/// How values are shown.
pub(super) struct Redact<'a> {
    pub(super) operation: Operation,
    pub(super) key: Option<&'a MacKey>,
    /// What was cut.
    pub(super) truncated: Truncated,
}

impl<'a> Redact<'a> {
    pub(super) fn new(operation: Operation, key: Option<&'a MacKey>) -> Self {
        Self {
            operation,
            key,
            truncated: Truncated::default(),
        }
    }

    /// The members of a request, as AWS names them.
    pub(super) fn request(
        &mut self,
        parameters: &Map<String, Value>,
        update_mask: Option<&[String]>,
    ) -> Value {
        let mut shown = self.members(parameters, "");
        if let (Some(members), Some(paths)) = (shown.as_object_mut(), update_mask) {
            let paths: Value = paths
                .iter()
                .map(|path| Value::from(path.as_str()))
                .collect();
            members.insert(
                "updateMask".to_owned(),
                self.truncated.cut(paths, "updateMask"),
            );
        }
        shown
    }

    /// The members of an answer that changes or hands out something, if it has any.
    pub(super) fn response(&mut self, answer: &[u8]) -> Option<Value> {
        if self.operation.effect() == Effect::Read {
            return None;
        }
        let name = format!("cognito.identity.v1.{}Response", self.operation);
        let descriptor = pb::descriptors().get_message_by_name(&name)?;
        let message = DynamicMessage::decode(descriptor, answer).ok()?;
        let members = members_of(&message);
        if members.is_empty() {
            return None;
        }
        let shown = self.members(&members, rules::RESPONSE);
        Some(shown)
    }

    fn members(&mut self, members: &Map<String, Value>, path: &str) -> Value {
        let mut shown = Map::new();
        for (name, value) in members {
            let path = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            if let Some(value) = self.value(value, &path) {
                shown.insert(lower_first(name), value);
            }
        }
        Value::Object(shown)
    }

    /// A value, or nothing where it is left out.
    fn value(&mut self, value: &Value, path: &str) -> Option<Value> {
        let rule = rules::rule(self.operation, path);
        match rule {
            Some(Rule::Drop) => return None,
            Some(Rule::Present) => return Some(json!({"present": true})),
            Some(Rule::Mac) => return Some(self.mac(value)),
            Some(Rule::Public) => return Some(self.truncated.cut(public(value), path)),
            Some(Rule::Keep) | None => {}
        }
        match value {
            Value::Object(members) if rules::is_map(path) => {
                let mut shown = Map::new();
                for (key, value) in members {
                    if let Some(value) = self.value(value, &format!("{path}.*")) {
                        shown.insert(self.truncated.key(key, path), value);
                    }
                }
                Some(self.truncated.cut(Value::Object(shown), path))
            }
            Value::Object(members) => Some(self.members(members, path)),
            Value::Array(elements) => {
                let shown = elements.iter();
                let shown = shown.filter_map(|element| self.value(element, &format!("{path}.[]")));
                let shown = Value::Array(shown.collect());
                Some(self.truncated.cut(shown, path))
            }
            leaf if rule == Some(Rule::Keep) => Some(self.truncated.cut(leaf.clone(), path)),
            _ => Some(Value::from(HIDDEN)),
        }
    }

    fn mac(&self, value: &Value) -> Value {
        match (self.key, value) {
            (Some(key), Value::String(text)) => Value::from(key.shown(text)),
            _ => Value::from(HIDDEN),
        }
    }
}

fn public(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => match text.split_once(';') {
            Some((public, _)) => Value::from(format!("{public};{HIDDEN}")),
            None => Value::from(text),
        },
        None => Value::from(HIDDEN),
    }
}

/// The fields of an answer as AWS names its members. A pool is one message of ours, and
/// AWS has its members at the top.
fn members_of(message: &DynamicMessage) -> Map<String, Value> {
    let mut members = Map::new();
    for (field, value) in message.fields() {
        match value {
            Field::Message(pool) if field.name() == "identity_pool" => {
                members.append(&mut members_of(pool));
            }
            value => {
                members.insert(aws_name(field.name()), json_of(value, &field.kind()));
            }
        }
    }
    members
}

fn json_of(value: &Field, kind: &Kind) -> Value {
    match value {
        Field::Bool(flag) => Value::from(*flag),
        Field::I32(number) => Value::from(*number),
        Field::I64(number) => Value::from(*number),
        Field::String(text) => Value::from(text.as_str()),
        Field::EnumNumber(number) => {
            let found = match kind {
                Kind::Enum(choices) => choices.get_value(*number),
                _ => None,
            };
            Value::from(found.map_or_else(|| number.to_string(), |value| choice(value.name())))
        }
        Field::Message(message) => match message.descriptor().full_name() {
            "google.protobuf.Timestamp" => time(message),
            _ => Value::Object(members_of(message)),
        },
        Field::List(elements) => elements.iter().map(|one| json_of(one, kind)).collect(),
        Field::Map(entries) => {
            let of = kind
                .as_message()
                .map(|entry| entry.map_entry_value_field().kind());
            let entries = entries.iter().filter_map(|(key, value)| match (key, &of) {
                (MapKey::String(key), Some(of)) => Some((key.clone(), json_of(value, of))),
                _ => None,
            });
            Value::Object(entries.collect())
        }
        // Of other kinds there is no field.
        _ => Value::from(HIDDEN),
    }
}

fn time(message: &DynamicMessage) -> Value {
    let seconds = message.get_field_by_name("seconds");
    let seconds = seconds
        .and_then(|seconds| seconds.as_i64())
        .unwrap_or_default();
    Value::from(super::epoch(u64::try_from(seconds).unwrap_or_default()))
}

/// AWS's name of a field: `saml_provider_arns` is `SamlProviderARNs`.
fn aws_name(field: &str) -> String {
    let words = field.split('_').map(|word| match word {
        "arn" => "ARN".to_owned(),
        "arns" => "ARNs".to_owned(),
        word => {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
    });
    words.collect()
}

/// AWS's name of a choice: `ERROR_CODE_ACCESS_DENIED` is `AccessDenied`.
fn choice(name: &str) -> String {
    let name = name.strip_prefix("ERROR_CODE_").unwrap_or(name);
    aws_name(&name.to_ascii_lowercase())
}

#[cfg(test)]
pub(super) mod tests;
