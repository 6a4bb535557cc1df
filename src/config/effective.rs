//! The configuration in force, as a TOML file.

use std::fmt::Write;

use super::accepts::Shape;
use super::hidden::{HIDDEN, hides};
use super::key::AnyKey;
use super::keys;
use super::mistake::Source;
use super::reader::Reader;

/// Every key with the value in force; values that are not defaults say where they
/// come from.
pub(super) fn toml(reader: &Reader) -> String {
    let mut text = String::new();
    let mut section = "";
    for &key in keys::ALL {
        if key.section() != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            section = key.section();
            // Writing into a `String` cannot fail.
            let _ = writeln!(text, "{gap}[{section}]");
        }
        let _ = writeln!(text, "{}", line(key, reader));
    }
    text
}

fn line(key: &dyn AnyKey, reader: &Reader) -> String {
    let found = reader.found(key);
    let value = found
        .map(|found| found.text.as_str())
        .or_else(|| key.default());
    let Some(value) = value else {
        return format!("# {} is unset", key.name());
    };
    let value = match key.shape() {
        // They come after all sections, because no key can come after them in its own.
        Shape::Tables => return format!("# {} are at the end", key.name()),
        _ if hides(key, value) => quoted(HIDDEN),
        Shape::Bare => bare(value),
        Shape::Quoted => quoted(value),
        Shape::List => {
            let words: Vec<String> = value.split(',').map(|word| quoted(word.trim())).collect();
            format!("[{}]", words.join(", "))
        }
    };
    let source = match found.map(|found| &found.source) {
        None | Some(Source::Default) => String::new(),
        Some(source) => format!("  # {source}"),
    };
    format!("{} = {value}{source}", key.name())
}

/// As TOML writes it: variables may hold numbers such as `007` and `.5`, which it does not
/// know.
fn bare(text: &str) -> String {
    if let Ok(whole) = text.parse::<u64>() {
        return whole.to_string();
    }
    match text.parse::<f64>() {
        Ok(number) => format!("{number:?}"),
        Err(_) => text.to_owned(),
    }
}

/// JSON's escapes of a string are a subset of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
