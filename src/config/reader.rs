//! Reads values into types and keeps every mistake.

use super::Sources;
use super::accepts::Accepts;
use super::hidden::{self, HIDDEN};
use super::key::{AnyKey, Key};
use super::mistake::{Mistake, Mistakes, Source};
use super::sources::{Collected, Found, collect};

pub(super) struct Reader {
    collected: Collected,
}

impl Reader {
    pub(super) fn new(sources: &Sources) -> Self {
        Self {
            collected: collect(sources),
        }
    }

    /// Puts what was set into `slot`, which keeps its default when nothing was set
    /// or the value is a mistake.
    pub(super) fn read<A: Accepts>(&mut self, key: &Key<A>, slot: &mut A::Value) {
        let Some(Found { text, source }) = self.collected.found.get(key.path) else {
            return;
        };
        match key.accepts.parse(text) {
            Ok(value) => *slot = value,
            Err(reason) => {
                let (value, reason) = shown(key, text, reason);
                let mistake = Mistake {
                    origin: source.clone(),
                    key: Some(key.path.to_owned()),
                    value: Some(value),
                    reason,
                    accepted: Some(key.accepts.accepted()),
                };
                self.collected.mistakes.push(mistake);
            }
        }
    }

    /// Adds a mistake that only shows when several keys are looked at together.
    pub(super) fn contradiction(&mut self, key: &dyn AnyKey, reason: String) {
        let found = self.collected.found.get(key.path());
        let (value, reason) = match found {
            Some(found) => {
                let (value, reason) = shown(key, &found.text, reason);
                (Some(value), reason)
            }
            None => (key.default().map(str::to_owned), reason),
        };
        let mistake = Mistake {
            origin: found.map_or(Source::Default, |found| found.source.clone()),
            key: Some(key.path().to_owned()),
            value,
            reason,
            accepted: None,
        };
        self.collected.mistakes.push(mistake);
    }

    /// Adds a mistake whose place is known better than by a key.
    pub(super) fn mistake(&mut self, mistake: Mistake) {
        self.collected.mistakes.push(mistake);
    }

    /// Whether a mistake was made at this key. Contradictions that follow from it
    /// would only confuse.
    pub(super) fn is_wrong(&self, key: &dyn AnyKey) -> bool {
        self.collected
            .mistakes
            .iter()
            .any(|mistake| mistake.key.as_deref() == Some(key.path()))
    }

    /// What was set for this key.
    pub(super) fn found(&self, key: &dyn AnyKey) -> Option<&Found> {
        self.collected.found.get(key.path())
    }

    pub(super) fn finish(self) -> Result<(), Mistakes> {
        if self.collected.mistakes.is_empty() {
            return Ok(());
        }
        Err(Mistakes(self.collected.mistakes))
    }
}

/// What is told of a value that is wrong, and why it is.
fn shown(key: &dyn AnyKey, text: &str, reason: String) -> (String, String) {
    match hidden::hides(key, text) {
        true => (HIDDEN.to_owned(), hidden::without(text, &reason)),
        false => (text.to_owned(), reason),
    }
}
