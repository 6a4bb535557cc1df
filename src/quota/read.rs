//! Reads a file of limits.

use std::collections::BTreeSet;

use super::account::{self, Account};
use super::limit::Limit;
use super::limits::DEFAULT;
use super::weight::least_weight;
use super::window::Window;
use crate::operation::{Effect, Operation};
use crate::sections::{Reader, Section};

/// The longest name, in bytes.
const NAME: usize = 64;
/// The most limits. Each has time series of its own.
const MOST: usize = 1_000;
const MOST_IN_FLIGHT: u32 = 100_000;

const KEYS: [&str; 8] = [
    "name",
    "effects",
    "operations",
    "callers",
    "roles",
    "windows",
    "in_flight",
    "shadow",
];
const EFFECTS: [(&str, Effect); 3] = [
    ("read", Effect::Read),
    ("write", Effect::Write),
    ("issue", Effect::Issue),
];

/// The limits of a text in their order, and what it says about the account; or every
/// mistake, each with its line.
pub(super) fn limits(text: &str) -> Result<(Vec<Limit>, Account), Vec<String>> {
    let reader = Reader::new(text);
    let document = reader.document();
    let read = reader.with(&document, |root| {
        root.known(&["limits", "account"]);
        let sections = root.sections("limits");
        if sections.len() > MOST {
            root.mistake("limits", format!("more than {MOST}"));
            return Default::default();
        }
        if sections.is_empty() && !root.has("limits") && !root.has("account") {
            root.mistake("limits", "missing; write `[[limits]]` once for each limit");
        }
        let account = root.section("account");
        let account = account.map(|section| account::account(&section));
        (read_all(&sections), account.unwrap_or_default())
    });
    reader.finish()?;
    Ok(read)
}

fn read_all(sections: &[Section<'_>]) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::new();
    for section in sections {
        let Some(limit) = read(section) else {
            continue;
        };
        if limits.iter().any(|one| one.name == limit.name) {
            section.mistake("name", "the name of a limit before");
        }
        if let Some(first) = in_its_place(&limits, &limit) {
            let reason = format!(
                "never counts: `{first}` stands before it and fits every call that it fits"
            );
            section.mistake("name", reason);
        }
        limits.push(limit);
    }
    limits
}

fn read(section: &Section<'_>) -> Option<Limit> {
    section.known(&KEYS);
    let name = name(section);
    let operations = operations(section);
    let windows = windows(section, &operations);
    let in_flight = section.whole("in_flight", 1..=MOST_IN_FLIGHT);
    if !section.has("windows") && !section.has("in_flight") {
        section.mistake("windows", "missing, and so is `in_flight`");
    }
    let (callers, roles) = (names(section, "callers"), names(section, "roles"));
    let shadow = section.flag("shadow").unwrap_or_default();
    Some(Limit {
        name: name?.into(),
        callers,
        roles,
        operations,
        windows,
        in_flight,
        shadow,
    })
}

fn name(section: &Section<'_>) -> Option<String> {
    let name = section.wanted_text("name")?;
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if !is_plain || name.len() > NAME {
        let reason = format!("not 1 to {NAME} letters, digits, `-`, `_` and `.`");
        section.mistake("name", reason);
        return None;
    }
    if name.starts_with(DEFAULT) {
        let reason = format!("names that begin with `{DEFAULT}` are those of poolgate's limits");
        section.mistake("name", reason);
        return None;
    }
    Some(name)
}

/// A list that was emptied would make a limit for all of one for a few.
fn names(section: &Section<'_>, list: &str) -> BTreeSet<String> {
    let names = section.texts(list);
    if names.as_ref().is_some_and(Vec::is_empty) {
        section.mistake(list, "empty; leave it out for every caller");
    }
    names.unwrap_or_default().into_iter().collect()
}

/// All that are named, by themselves or by their effect; all there are if none is.
fn operations(section: &Section<'_>) -> BTreeSet<Operation> {
    let (names, effects) = (section.texts("operations"), section.texts("effects"));
    if names.is_none() && effects.is_none() {
        return Operation::ALL.iter().copied().collect();
    }
    let mut meant = BTreeSet::new();
    for (key, texts) in [("operations", &names), ("effects", &effects)] {
        if texts.as_ref().is_some_and(Vec::is_empty) {
            section.mistake(key, "empty; leave it out for every operation");
        }
    }
    for name in names.unwrap_or_default() {
        match Operation::from_name(&name) {
            Some(operation) => {
                meant.insert(operation);
            }
            None => section.mistake("operations", format!("`{name}` is not an operation")),
        }
    }
    for word in effects.unwrap_or_default() {
        match EFFECTS.iter().find(|(known, _)| *known == word) {
            Some((_, effect)) => {
                let all = Operation::ALL.iter().copied();
                meant.extend(all.filter(|one| one.effect() == *effect));
            }
            None => {
                let reason = format!("`{word}` is not one of `read`, `write`, `issue`");
                section.mistake("effects", reason);
            }
        }
    }
    meant
}

fn windows(section: &Section<'_>, operations: &BTreeSet<Operation>) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    if !section.has("windows") {
        return windows;
    }
    for text in section.wanted_texts("windows").unwrap_or_default() {
        let window = match Window::parse(&text) {
            Ok(window) => window,
            Err(reason) => {
                section.mistake("windows", reason);
                continue;
            }
        };
        if windows.iter().any(|one| one.unit() == window.unit()) {
            let reason = format!("two windows by the unit `{}`", window.unit());
            section.mistake("windows", reason);
        }
        let heavy = operations
            .iter()
            .find(|operation| u64::from(least_weight(**operation)) > window.burst());
        if let Some(operation) = heavy {
            let reason = format!(
                "`{text}` never admits {operation}, which weighs {}",
                least_weight(*operation)
            );
            section.mistake("windows", reason);
        }
        windows.push(window);
    }
    windows
}

/// The limit that counts wherever this one would.
fn in_its_place(before: &[Limit], limit: &Limit) -> Option<String> {
    let first = |has: fn(&Limit) -> bool| {
        let before = before.iter();
        let mut like = before.filter(|one| one.shadow == limit.shadow && has(one));
        like.find(|one| one.covers(limit))
    };
    let kinds: [fn(&Limit) -> bool; 2] = [
        |limit| !limit.windows.is_empty(),
        |limit| limit.in_flight.is_some(),
    ];
    let mut firsts = kinds.into_iter().filter(|has| has(limit)).map(first);
    let taken = firsts.next()??;
    firsts
        .all(|other| other.is_some())
        .then(|| taken.name.to_string())
}
