//! Reads tables of TOML and keeps every mistake with its line, for files that operators
//! write.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text and its mistakes.
pub(crate) struct Reader<'t> {
    text: &'t str,
    mistakes: RefCell<Vec<(usize, String)>>,
}

/// A table with its place in the text.
pub(crate) struct Section<'a> {
    reader: &'a Reader<'a>,
    table: &'a DeTable<'a>,
    place: String,
    start: usize,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            mistakes: RefCell::default(),
        }
    }

    /// The text as TOML. What cannot be read is a mistake and left out.
    pub(crate) fn document(&self) -> Spanned<DeTable<'t>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            self.add(start, error.message().to_owned());
        }
        document
    }

    /// Reads the document's outermost table.
    pub(crate) fn with<T>(
        &self,
        document: &Spanned<DeTable<'t>>,
        read: impl FnOnce(&Section<'_>) -> T,
    ) -> T {
        read(&Section {
            reader: self,
            table: document.get_ref(),
            place: String::new(),
            start: 0,
        })
    }

    /// Every mistake by line, or none.
    pub(crate) fn finish(self) -> Result<(), Vec<String>> {
        let mistakes = self.told().into_iter();
        let mistakes = mistakes.map(|(line, reason)| format!("line {line}: {reason}"));
        let mistakes: Vec<String> = mistakes.collect();
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(mistakes),
        }
    }

    /// Every mistake with its line, by line.
    pub(crate) fn told(&self) -> Vec<(usize, String)> {
        let mut mistakes = self.mistakes.borrow().clone();
        mistakes.sort_by_key(|(line, _)| *line);
        mistakes
    }

    /// Whether there is any.
    pub(crate) fn has_mistakes(&self) -> bool {
        !self.mistakes.borrow().is_empty()
    }

    fn add(&self, start: usize, reason: String) {
        let before = self.text.bytes().take(start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        self.mistakes.borrow_mut().push((line, reason));
    }
}

impl<'a> Section<'a> {
    /// Whether something is written under a name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// The names that something is written under.
    pub(crate) fn names(&self) -> Vec<String> {
        let keys = self.table.keys();
        keys.map(|key| key.get_ref().to_string()).collect()
    }

    /// Everything with another name is a mistake.
    pub(crate) fn known(&self, names: &[&str]) {
        for key in self.table.keys() {
            if !names.contains(&&**key.get_ref()) {
                let known = names.join("`, `");
                let place = self.place_of(key.get_ref());
                let reason = format!("{place}: unknown; known are `{known}`");
                self.reader.add(key.span().start, reason);
            }
        }
    }

    /// Tells of a mistake under a name, or where the table begins.
    pub(crate) fn mistake(&self, name: &str, reason: impl std::fmt::Display) {
        let entry = self.table.get_key_value(name);
        let start = entry.map_or(self.start, |(key, _)| key.span().start);
        let place = self.place_of(name);
        self.reader.add(start, format!("{place}: {reason}"));
    }

    /// A text that may be left out.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.nothing(name, "not a text"),
        }
    }

    /// A text that is wanted.
    pub(crate) fn wanted_text(&self, name: &str) -> Option<String> {
        self.wanted(name)?;
        let text = self.text(name)?;
        match text.is_empty() {
            true => self.nothing(name, "empty"),
            false => Some(text),
        }
    }

    /// A list of texts that may be left out.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = match self.value(name)? {
            DeValue::Array(list) => list.iter(),
            _ => return self.nothing(name, "not a list of texts"),
        };
        let texts = list.map(|text| match text.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some(text.to_string()),
            _ => None,
        });
        let texts: Option<Vec<String>> = texts.collect();
        texts.or_else(|| self.nothing(name, "not a list of texts, or one is empty"))
    }

    /// A list of texts that has to have one.
    pub(crate) fn wanted_texts(&self, name: &str) -> Option<Vec<String>> {
        self.wanted(name)?;
        let texts = self.texts(name)?;
        match texts.is_empty() {
            true => self.nothing(name, "empty"),
            false => Some(texts),
        }
    }

    /// A set of texts, empty where it is left out.
    pub(crate) fn set(&self, name: &str) -> BTreeSet<String> {
        self.texts(name).unwrap_or_default().into_iter().collect()
    }

    /// A table of texts, empty where it is left out.
    pub(crate) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let Some(section) = self.section(name) else {
            return BTreeMap::new();
        };
        let names = section.table.keys().map(|key| key.get_ref().to_string());
        names
            .filter_map(|name| Some((name.clone(), section.wanted_text(&name)?)))
            .collect()
    }

    /// `true` or `false`, which may be left out.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.nothing(name, "not true or false"),
        }
    }

    /// A whole number in a range, which may be left out.
    pub(crate) fn whole(&self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let DeValue::Integer(integer) = self.value(name)? else {
            return self.nothing(name, "not a whole number");
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                let (least, most) = (range.start(), range.end());
                self.nothing(name, &format!("not a number from {least} to {most}"))
            }
        }
    }

    /// One of a few words.
    pub(crate) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text);
        match found {
            Some((_, value)) => Some(*value),
            None => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let words = words.join("`, `");
                self.nothing(name, &format!("not one of `{words}`"))
            }
        }
    }

    /// A time with its date, as it is written.
    pub(crate) fn time(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            DeValue::Datetime(time) => Some(time.to_string()),
            _ => self.nothing(name, "not a time such as 2027-01-01T00:00:00Z"),
        }
    }

    /// A table that may be left out.
    pub(crate) fn section(&self, name: &str) -> Option<Section<'a>> {
        let value = self.table.get(name)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section {
                reader: self.reader,
                table,
                place: self.place_of(name),
                start: value.span().start,
            }),
            _ => self.nothing(name, "not a table"),
        }
    }

    /// A list of tables, empty where it is left out.
    pub(crate) fn sections(&self, name: &str) -> Vec<Section<'a>> {
        let list = match self.value(name) {
            None => return Vec::new(),
            Some(DeValue::Array(list)) => list.iter(),
            Some(_) => {
                self.mistake(name, "not a list of tables");
                return Vec::new();
            }
        };
        let place = self.place_of(name);
        let sections = list.enumerate().filter_map(|(index, value)| {
            let DeValue::Table(table) = value.get_ref() else {
                self.mistake(name, format!("number {index} is not a table"));
                return None;
            };
            Some(Section {
                reader: self.reader,
                table,
                place: format!("{place}[{index}]"),
                start: value.span().start,
            })
        });
        sections.collect()
    }

    fn wanted(&self, name: &str) -> Option<()> {
        match self.has(name) {
            true => Some(()),
            false => self.nothing(name, "missing"),
        }
    }

    fn value(&self, name: &str) -> Option<&'a DeValue<'a>> {
        self.table.get(name).map(Spanned::get_ref)
    }

    fn nothing<T>(&self, name: &str, reason: &str) -> Option<T> {
        self.mistake(name, reason);
        None
    }

    fn place_of(&self, name: &str) -> String {
        match self.place.as_str() {
            "" => name.to_owned(),
            place => format!("{place}.{name}"),
        }
    }
}
