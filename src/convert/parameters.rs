//! A request as AWS names it: the JSON object that would go over the wire.
//!
//! It is made from the message by its descriptor and AWS's model, without a line
//! per operation. A property test holds it against what the SDK really sends.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use serde_json::{Map, Value as Json};

use super::LARGEST_PAGE;
use crate::model::{Member, Shape, field_name};

/// The members that are present in `message`.
pub fn parameters<'a>(
    members: impl IntoIterator<Item = &'a Member>,
    message: &DynamicMessage,
) -> Map<String, Json> {
    let mut object = Map::new();
    for member in members {
        let Some(field) = message
            .descriptor()
            .get_field_by_name(&field_name(member.name))
        else {
            continue;
        };
        let value = message.get_field(&field);
        if is_present(&field, &value, member, message)
            && let Some(json) = json(member.shape, &value, &field.kind())
        {
            object.insert(member.name.to_owned(), json);
        }
    }
    object
}

fn is_present(
    field: &FieldDescriptor,
    value: &Value,
    member: &Member,
    message: &DynamicMessage,
) -> bool {
    if field.supports_presence() {
        return message.has_field(field);
    }
    match value {
        Value::String(text) => !text.is_empty(),
        Value::EnumNumber(number) => *number != 0,
        Value::List(elements) => member.required || !elements.is_empty(),
        Value::Map(entries) => member.required || !entries.is_empty(),
        _ => true,
    }
}

fn json(shape: &Shape, value: &Value, kind: &Kind) -> Option<Json> {
    match (shape, value) {
        (_, Value::String(text)) => Some(Json::from(text.as_str())),
        (_, Value::Bool(flag)) => Some(Json::from(*flag)),
        // The one 32-bit number of the model is a page's size.
        (_, Value::I32(0)) => Some(Json::from(LARGEST_PAGE)),
        (_, Value::I32(number)) => Some(Json::from(*number)),
        (_, Value::I64(number)) => Some(Json::from(*number)),
        (Shape::Choice(names), Value::EnumNumber(number)) => {
            Some(Json::from(choice(names, *number, kind)))
        }
        (Shape::Structure(members), Value::Message(message)) => {
            Some(Json::Object(parameters(*members, message)))
        }
        (Shape::List { of, .. }, Value::List(elements)) => elements
            .iter()
            .map(|element| json(of, element, kind))
            .collect(),
        (Shape::Map { value: of, .. }, Value::Map(entries)) => {
            let mut object = Map::new();
            for (key, value) in entries {
                if let MapKey::String(key) = key {
                    object.insert(key.clone(), json(of, value, kind)?);
                }
            }
            Some(Json::Object(object))
        }
        _ => None,
    }
}

/// AWS's name of an enum value: `MAPPING_RULE_MATCH_TYPE_STARTS_WITH` is
/// `StartsWith`. A number the proto does not know stays a number.
fn choice(names: &[&str], number: i32, kind: &Kind) -> String {
    let known = match kind {
        Kind::Enum(descriptor) => descriptor.get_value(number),
        _ => None,
    };
    known
        .and_then(|value| {
            names.iter().find(|name| {
                let suffix = format!("_{}", field_name(name).to_ascii_uppercase());
                value.name().ends_with(&suffix)
            })
        })
        .map_or_else(|| number.to_string(), |name| (*name).to_owned())
}
