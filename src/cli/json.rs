//! Messages as JSON, by the protocol's own mapping (proto3 JSON).

use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, SerializeOptions};
use serde_json::Value;

use crate::config::nearest;

/// Reads a message. Field names may be snake_case or lowerCamelCase, and a field
/// mask may be written in its JSON form or as the message that grpcurl takes.
pub(super) fn parse(text: &str, message: MessageDescriptor) -> Result<DynamicMessage, String> {
    let read = read(text, message.clone());
    if read.is_err()
        && let Ok(mut value) = serde_json::from_str(text)
        && write_masks_as_json(&mut value, &message)
        && let Ok(parsed) = DynamicMessage::deserialize(message, value)
    {
        return Ok(parsed);
    }
    read
}

fn read(text: &str, message: MessageDescriptor) -> Result<DynamicMessage, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    DynamicMessage::deserialize(message.clone(), &mut deserializer)
        .and_then(|parsed| deserializer.end().map(|()| parsed))
        .map_err(|error| match unknown_field_in(text, &message) {
            Some(unknown) => {
                let (line, column) = (error.line(), error.column());
                format!("{unknown}, at line {line} column {column}")
            }
            None => format!("not a {}: {error}", message.name()),
        })
}

/// Turns `{"paths": ["a_b"]}` and `"a_b"` into `"aB"` wherever a field mask stands;
/// says whether there was one.
fn write_masks_as_json(value: &mut Value, message: &MessageDescriptor) -> bool {
    let Some(fields) = value.as_object_mut() else {
        return false;
    };
    let mut any = false;
    for (name, value) in fields {
        let field = message
            .get_field_by_name(name)
            .or_else(|| message.get_field_by_json_name(name));
        match field.map(|field| field.kind()) {
            Some(Kind::Message(inner)) if inner.full_name() == "google.protobuf.FieldMask" => {
                let paths: Option<Vec<&str>> = match &*value {
                    Value::String(paths) => Some(paths.split(',').collect()),
                    mask => mask
                        .get("paths")
                        .and_then(Value::as_array)
                        .and_then(|paths| paths.iter().map(Value::as_str).collect()),
                };
                let Some(paths) = paths else {
                    continue;
                };
                let paths: Vec<String> = paths.into_iter().map(lower_camel).collect();
                *value = Value::from(paths.join(","));
                any = true;
            }
            Some(Kind::Message(inner)) => any |= write_masks_as_json(value, &inner),
            _ => {}
        }
    }
    any
}

fn lower_camel(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    let mut raised = false;
    for character in path.trim().chars() {
        match character {
            '_' => raised = true,
            other if raised => {
                name.push(other.to_ascii_uppercase());
                raised = false;
            }
            other => name.push(other),
        }
    }
    name
}

/// Prints a message with the field names of the protocol, without fields that have
/// their default.
pub(super) fn print(message: &DynamicMessage) -> String {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(true);
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::pretty(&mut text);
    match message.serialize_with_options(&mut serializer, &options) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => format!("(cannot be shown as JSON: {error})"),
    }
}

fn unknown_field_in(text: &str, message: &MessageDescriptor) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    unknown_field(&value, message, "")
}

/// The first field that the message does not have, with the nearest that it has.
fn unknown_field(value: &Value, message: &MessageDescriptor, path: &str) -> Option<String> {
    // Timestamps, field masks and the like have JSON forms of their own.
    if message.package_name() == "google.protobuf" {
        return None;
    }
    for (name, value) in value.as_object()? {
        let here = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let field = message
            .get_field_by_name(name)
            .or_else(|| message.get_field_by_json_name(name));
        let Some(field) = field else {
            let known: Vec<_> = message.fields().collect();
            let near = nearest(name, known.iter().map(|field| field.name()));
            let hint = near.map_or_else(
                || format!("{} does not have it", message.name()),
                |near| format!("did you mean `{near}`?"),
            );
            return Some(format!("unknown field `{here}`; {hint}"));
        };
        let Kind::Message(inner) = field.kind() else {
            continue;
        };
        let unknown = if field.is_map() {
            let Kind::Message(inner) = inner.map_entry_value_field().kind() else {
                continue;
            };
            let mut entries = value.as_object()?.iter();
            entries.find_map(|(key, value)| unknown_field(value, &inner, &format!("{here}.{key}")))
        } else if let Some(values) = value.as_array() {
            let mut values = values.iter().enumerate();
            values.find_map(|(index, value)| {
                unknown_field(value, &inner, &format!("{here}[{index}]"))
            })
        } else {
            unknown_field(value, &inner, &here)
        };
        if unknown.is_some() {
            return unknown;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb;

    #[test]
    fn both_spellings_of_a_field_are_read_and_the_protocols_own_is_printed() {
        for text in [
            r#"{"identity_pool_id": "eu-west-1:0a"}"#,
            r#"{"identityPoolId": "eu-west-1:0a"}"#,
        ] {
            let message = parse(text, message("DescribeIdentityPoolRequest")).unwrap();
            assert_eq!(
                print(&message),
                "{\n  \"identity_pool_id\": \"eu-west-1:0a\"\n}"
            );
        }
    }

    #[test]
    fn a_field_mask_is_read_in_every_form_that_people_write() {
        let request = message("UpdateIdentityPoolRequest");
        let parsed: Vec<DynamicMessage> = [
            r#"{"update_mask": "allowClassicFlow,identityPoolName"}"#,
            r#"{"update_mask": "allow_classic_flow,identity_pool_name"}"#,
            r#"{"updateMask": {"paths": ["allow_classic_flow", "identity_pool_name"]}}"#,
        ]
        .iter()
        .map(|text| parse(text, request.clone()).unwrap())
        .collect();

        assert!(parsed.iter().all(|message| *message == parsed[0]));
        assert!(parse(r#"{"update_mask": 1}"#, request).is_err());
    }

    #[test]
    fn an_unknown_field_is_told_with_its_place_and_the_nearest_known() {
        let text = "{\"identity_pool\": {\n  \"allow_clasic_flow\": true}}";

        let mistake = parse(text, message("UpdateIdentityPoolRequest")).unwrap_err();

        let expected = "unknown field `identity_pool.allow_clasic_flow`; did you mean `allow_classic_flow`?, at line 2 column ";
        assert!(mistake.starts_with(expected), "{mistake}");
    }

    #[test]
    fn other_mistakes_are_told_with_their_place() {
        for (text, expected) in [
            (
                "{",
                "not a GetIdRequest: EOF while parsing an object at line 1 column 1",
            ),
            (
                "{} {}",
                "not a GetIdRequest: trailing characters at line 1 column 4",
            ),
            (
                r#"{"identity_pool_id": 5}"#,
                "not a GetIdRequest: invalid type: integer `5`",
            ),
        ] {
            let mistake = parse(text, message("GetIdRequest")).unwrap_err();
            assert!(mistake.starts_with(expected), "{mistake}");
        }
    }

    fn message(name: &str) -> MessageDescriptor {
        pb::descriptors()
            .get_message_by_name(&format!("cognito.identity.v1.{name}"))
            .unwrap()
    }
}
