//! JSON in which every name of an object is there once.
//!
//! RFC 7515 and RFC 7519 leave it open which of two values counts. Who signs and who
//! verifies could each take another, so none counts.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads one object; an error says what is wrong with it, without its content.
pub(in crate::authn) fn object(json: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match serde_json::from_slice(json) {
        Ok(Once(Value::Object(object))) => Ok(object),
        _ => Err("not a JSON object with every name once"),
    }
}

struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reads).map(Once)
    }
}

struct Reads;

impl<'de> Visitor<'de> for Reads {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Once(value))) = entries.next_entry::<String, Once>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_every_name_once_at_every_depth() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for (json, good) in [
            (r#"{"a":[1,-1,1.5,null,true,"x",{"a":{}}]}"#, true),
            (r#"{"a":1,"b":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":1}"#, false),
            (r#"{"a":[{"b":{"c":1,"c":2}}]}"#, false),
            (r#"{"a":1} {}"#, false),
            (r#"{"a":1e999}"#, false),
            (r#"{"a":NaN}"#, false),
            ("[]", false),
            ("", false),
            (&deep, false),
        ] {
            let read = object(json.as_bytes());

            assert_eq!(read.is_ok(), good, "{json}");
            if let Ok(read) = read {
                assert_eq!(
                    Value::Object(read),
                    serde_json::from_str::<Value>(json).unwrap()
                );
            }
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }
}
