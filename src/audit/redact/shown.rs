//! How much of a value is shown.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::rules;

/// The longest text, in bytes (reference: security, 4.4).
const TEXT: usize = 1024;

/// The longest key of a map.
const KEY: usize = 256;

/// The most elements of a list, and entries of a map.
const ELEMENTS: usize = 100;

/// The most paths that are told.
const PATHS: usize = 50;

/// Cuts values and keeps what was cut.
#[derive(Debug, Default)]
pub(in crate::audit) struct Truncated {
    /// The paths of what was cut, as the record has them.
    pub(in crate::audit) paths: Vec<String>,
}

impl Truncated {
    /// The value, or what is shown of it.
    pub(super) fn cut(&mut self, value: Value, path: &str) -> Value {
        match value {
            Value::String(text) if text.len() > TEXT => {
                self.note(path);
                Value::from(within(&text, TEXT))
            }
            Value::Array(mut elements) if elements.len() > ELEMENTS => {
                self.note(path);
                let more = elements.len() - ELEMENTS;
                elements.truncate(ELEMENTS);
                elements.push(Value::from(format!("…({more} more)")));
                Value::Array(elements)
            }
            Value::Object(entries) if entries.len() > ELEMENTS => {
                self.note(path);
                let more = entries.len() - ELEMENTS;
                let mut kept: Map<String, Value> = entries.into_iter().take(ELEMENTS).collect();
                kept.insert("…".to_owned(), Value::from(format!("({more} more)")));
                Value::Object(kept)
            }
            value => value,
        }
    }

    /// The key of a map, or what is shown of it.
    pub(super) fn key(&mut self, key: &str, path: &str) -> String {
        if key.len() > KEY {
            self.note(path);
        }
        within(key, KEY).into_owned()
    }

    /// A text of at most so many bytes; `member` is its path in the record.
    pub(in crate::audit) fn text<'a>(
        &mut self,
        text: impl Into<Cow<'a, str>>,
        most: usize,
        member: &str,
    ) -> Cow<'a, str> {
        let text = text.into();
        if text.len() <= most {
            return text;
        }
        self.member(member);
        Cow::from(within(&text, most).into_owned())
    }

    /// Notes that a member of the record was cut.
    pub(in crate::audit) fn member(&mut self, path: &str) {
        if self.paths.len() < PATHS && !self.paths.iter().any(|noted| noted == path) {
            self.paths.push(path.to_owned());
        }
    }

    /// Notes that something at `path`, as the list has it, was cut.
    fn note(&mut self, path: &str) {
        self.member(&rules::in_record(path));
    }
}

/// A text, or its first `most` bytes and how many there are.
pub(in crate::audit) fn within(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::from(text);
    }
    let end = text.floor_char_boundary(most);
    let kept = text.get(..end).unwrap_or_default();
    Cow::from(format!("{kept}…({} bytes)", text.len()))
}
