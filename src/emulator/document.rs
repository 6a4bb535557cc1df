//! Files and bodies that an operator writes, in TOML or JSON, and all the mistakes in them.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use crate::settings_file;

/// Reads a file: JSON where its name ends so, otherwise TOML.
pub(super) fn read(path: &Path) -> Result<Value, Vec<String>> {
    let text = settings_file::read(path).map_err(|reason| vec![reason])?;
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    match is_json {
        true => serde_json::from_str(&text).map_err(|error| vec![error.to_string()]),
        false => toml::from_str(&text).map_err(|error| vec![error.to_string()]),
    }
}

/// What is wrong with a document, each with its place.
#[derive(Default)]
pub(super) struct Mistakes(Vec<String>);

impl Mistakes {
    /// The value, unless there is a mistake.
    pub(super) fn unless_any<T>(self, value: T) -> Result<T, Vec<String>> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(self.0),
        }
    }

    pub(super) fn add(&mut self, place: &str, what: impl fmt::Display) {
        self.0.push(format!("{place}: {what}"));
    }

    /// The text of a member; nothing where it is missing or, which is a mistake, no text.
    pub(super) fn text(
        &mut self,
        place: &str,
        entry: &Map<String, Value>,
        name: &str,
    ) -> Option<String> {
        match entry.get(name)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.add(&format!("{place}.{name}"), "not a text");
                None
            }
        }
    }

    /// Members that nobody knows; `place` ends with a point unless it is empty.
    pub(super) fn unknown(&mut self, place: &str, entry: &Map<String, Value>, known: &[&str]) {
        for name in entry.keys().filter(|name| !known.contains(&name.as_str())) {
            let known = known.join("`, `");
            self.add(
                &format!("{place}{name}"),
                format!("unknown; known are `{known}`"),
            );
        }
    }

    /// The tables of the list `name`, which is all that the document has, each with its
    /// place.
    pub(super) fn tables<'a>(
        &mut self,
        document: &'a Value,
        name: &str,
    ) -> Vec<(String, &'a Map<String, Value>)> {
        if let Some(document) = document.as_object() {
            self.unknown("", document, &[name]);
        }
        let Some(list) = document.get(name).and_then(Value::as_array) else {
            self.add(name, "missing, or not a list");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (index, entry) in list.iter().enumerate() {
            let place = format!("{name}[{index}]");
            match entry.as_object() {
                Some(entry) => tables.push((place, entry)),
                None => self.add(&place, "not a table"),
            }
        }
        tables
    }
}
