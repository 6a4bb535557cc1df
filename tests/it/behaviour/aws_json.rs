//! AWS's JSON as the protocol's, and back.

use poolgate::model;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

/// A request, or a part of one, in the JSON of its message.
pub fn to_proto(message: &MessageDescriptor, value: &Value) -> Value {
    let members = value.as_object().unwrap().iter();
    let present = members.filter(|(_, value)| !value.is_null());
    let fields = present.map(|(name, value)| {
        let name = model::field_name(name);
        let field = message.get_field_by_name(&name).unwrap();
        let value = each(&field, value, &|kind, value| match kind {
            Kind::Message(message) => to_proto(message, value),
            Kind::Enum(names) => Value::from(proto_name(names, value.as_str().unwrap())),
            _ => value.clone(),
        });
        (name, value)
    });
    Value::Object(fields.collect())
}

/// An answer, or a part of one, in AWS's JSON.
pub fn to_aws(message: &MessageDescriptor, value: &Value) -> Value {
    let fields = value.as_object().unwrap().iter().map(|(name, value)| {
        let field = message.get_field_by_name(name).unwrap();
        let value = each(&field, value, &|kind, value| match kind {
            Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
                seconds(value.as_str().unwrap())
            }
            Kind::Message(message) => to_aws(message, value),
            Kind::Enum(names) => Value::from(aws_choice(names, value.as_str().unwrap())),
            _ => value.clone(),
        });
        (aws_name(name), value)
    });
    Value::Object(fields.collect())
}

/// Applies `convert` to the value of a field, or to each in its list or map.
fn each(field: &FieldDescriptor, value: &Value, convert: &dyn Fn(&Kind, &Value) -> Value) -> Value {
    match (field.kind(), value) {
        (Kind::Message(entry), Value::Object(entries)) if entry.is_map_entry() => {
            let kind = entry.map_entry_value_field().kind();
            let converted = entries
                .iter()
                .map(|(key, value)| (key.clone(), convert(&kind, value)));
            Value::Object(converted.collect::<Map<_, _>>())
        }
        (kind, Value::Array(list)) => list.iter().map(|value| convert(&kind, value)).collect(),
        (kind, value) => convert(&kind, value),
    }
}

/// `identity_pool_id` as `IdentityPoolId`.
fn aws_name(field: &str) -> String {
    match field {
        "role_arn" => "RoleARN".to_owned(),
        "open_id_connect_provider_arns" => "OpenIdConnectProviderARNs".to_owned(),
        "saml_provider_arns" => "SamlProviderARNs".to_owned(),
        _ => pascal(field),
    }
}

fn proto_name(names: &EnumDescriptor, choice: &str) -> String {
    names
        .values()
        .map(|value| value.name().to_owned())
        .find(|name| aws_choice(names, name) == choice)
        .unwrap_or_else(|| panic!("{choice} is not in {}", names.name()))
}

/// `ROLE_MAPPING_TYPE_TOKEN` as `Token`.
fn aws_choice(names: &EnumDescriptor, name: &str) -> String {
    let first = names.values().next().unwrap();
    let prefix = first.name().strip_suffix("UNSPECIFIED").unwrap();
    pascal(&name.strip_prefix(prefix).unwrap().to_lowercase())
}

pub fn pascal(words: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    words.split('_').map(capital).collect()
}

fn seconds(date: &str) -> Value {
    let date = humantime::parse_rfc3339(date).unwrap();
    let since = date.duration_since(std::time::SystemTime::UNIX_EPOCH);
    Value::from(since.unwrap().as_secs_f64())
}
