//! What each source says, as text by key; not yet read into types.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::accepts::Shape;
use super::hidden::{HIDDEN, is_no_path};
use super::key::AnyKey;
use super::mistake::{Mistake, Source};
use super::{FILE_VARIABLE, Sources, keys, nearest};
use crate::settings_file;

/// How the environment variables of all keys begin.
pub(super) const PREFIX: &str = "POOLGATE_";

/// A value that was set.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) text: String,
    pub(super) source: Source,
}

/// What was set, by the path of the key; and mistakes that have no key.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) found: BTreeMap<&'static str, Found>,
    pub(super) mistakes: Vec<Mistake>,
}

/// Asks each source in turn; later ones overrule earlier ones.
pub(super) fn collect(sources: &Sources) -> Collected {
    let mut collected = Collected::default();
    if let Some((path, named_by)) = file(sources) {
        match settings_file::piped(&path) {
            Ok(text) => collected.add_file(&path, &text),
            Err(reason) => {
                let shown = path.to_str().filter(|path| !is_no_path(path));
                let reason = format!("{} {reason}", shown.unwrap_or(HIDDEN));
                collected.mistake(named_by, None, reason);
            }
        }
    }
    for (name, value) in &sources.environment {
        collected.add_variable(name, value);
    }
    for flag in &sources.flags {
        if let Some(key) = keys::ALL.iter().find(|key| key.path() == flag.key) {
            collected.set(*key, flag.value.clone(), Source::Flag(flag.name));
        }
    }
    collected
}

fn file(sources: &Sources) -> Option<(PathBuf, Source)> {
    if let Some(path) = &sources.file {
        return Some((path.clone(), Source::Flag("--config")));
    }
    let (_, path) = sources
        .environment
        .iter()
        .find(|(name, value)| name == FILE_VARIABLE && !value.is_empty())?;
    Some((path.into(), Source::Variable(FILE_VARIABLE.to_owned())))
}

impl Collected {
    /// An empty value counts as unset, which is how templates leave out a value.
    /// Names without `__` are not ours, unless they are one of ours but for that:
    /// Kubernetes puts `POOLGATE_PORT` and the like next to a service of that name.
    fn add_variable(&mut self, name: &str, value: &str) {
        if !name.starts_with(PREFIX) || value.is_empty() {
            return;
        }
        if !name.contains("__") {
            let meant = keys::ALL.iter().map(|key| key.variable());
            if let Some(meant) = meant
                .into_iter()
                .find(|known| known.replace("__", "_") == name)
            {
                let reason = format!("did you mean `{meant}`, with two underscores?");
                self.mistake(Source::Variable(name.to_owned()), None, reason);
            }
            return;
        }
        if let Some(key) = keys::ALL.iter().find(|key| key.variable() == name) {
            let source = Source::Variable(name.to_owned());
            return self.set(*key, value.to_owned(), source);
        }
        let variables: Vec<String> = keys::ALL.iter().map(|key| key.variable()).collect();
        let reason = unknown("variable", name, variables.iter().map(String::as_str));
        self.mistake(Source::Variable(name.to_owned()), None, reason);
    }

    fn add_file(&mut self, path: &Path, text: &str) {
        let at = |start: usize| Source::File {
            path: path.to_owned(),
            line: 1 + text.bytes().take(start).filter(|&b| b == b'\n').count(),
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            self.mistake(at(start), None, error.message().to_owned());
        }
        for (section, value) in table.get_ref() {
            let source = at(section.span().start);
            let known = keys::ALL
                .iter()
                .any(|key| key.section() == section.get_ref());
            match value.get_ref() {
                DeValue::Table(entries) if known => {
                    self.add_section(section.get_ref(), entries, text, &at);
                }
                _ if known => {
                    let reason = format!("a section; write `[{}]`", section.get_ref());
                    self.mistake(source, Some(section.get_ref().to_string()), reason);
                }
                _ => {
                    let sections = keys::ALL.iter().map(|key| key.section());
                    let reason = unknown("section", section.get_ref(), sections);
                    self.mistake(source, None, reason);
                }
            }
        }
    }

    fn add_section(
        &mut self,
        section: &str,
        entries: &DeTable<'_>,
        whole: &str,
        at: &impl Fn(usize) -> Source,
    ) {
        for (name, value) in entries {
            let source = at(name.span().start);
            let path = format!("{section}.{}", name.get_ref());
            let Some(key) = keys::ALL.iter().find(|key| key.path() == path) else {
                let names = keys::ALL.iter().filter(|key| key.section() == section);
                let names = names.map(|key| key.name());
                let reason = unknown("key", name.get_ref(), names);
                self.mistake(source, Some(path), reason);
                continue;
            };
            // Tables are read in the text that they stand in, so that mistakes have a line.
            if key.shape() == Shape::Tables {
                self.set(*key, whole.to_owned(), source);
                continue;
            }
            match text_of(value) {
                Some(text) => self.set(*key, text, source),
                None => self.mistakes.push(Mistake {
                    origin: source,
                    key: Some(path),
                    value: None,
                    reason: format!("{} is not expected here", value.get_ref().type_str()),
                    accepted: Some(key.accepted()),
                }),
            }
        }
    }

    fn set(&mut self, key: &dyn AnyKey, text: String, source: Source) {
        self.found.insert(key.path(), Found { text, source });
    }

    fn mistake(&mut self, source: Source, key: Option<String>, reason: String) {
        self.mistakes.push(Mistake {
            origin: source,
            key,
            value: None,
            reason,
            accepted: None,
        });
    }
}

/// A value's text, the same as the environment would hold it.
fn text_of(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Array(values) => {
            let words: Option<Vec<&str>> = values
                .iter()
                .map(|value| value.get_ref().as_str())
                .collect();
            words.map(|words| words.join(","))
        }
        DeValue::Float(float) => Some(float.as_str().to_owned()),
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("unknown {what} `{word}`; did you mean `{near}`?"),
        None => {
            let mut all: Vec<&str> = known.collect();
            all.dedup();
            format!("unknown {what} `{word}`; known are {}", all.join(", "))
        }
    }
}
