//! Answers to questions that were asked before: services ask the same again and again.
//!
//! An answer is remembered with everything it was made of, and holds for a question of
//! which all of that is the same. It lives no longer than its set of policies.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use super::{Action, Facts, Question};
use crate::call::{Resource, Subject};
use crate::caller::Caller;

/// How many answers are remembered, about. One takes a kilobyte, and what it shares with
/// others.
const MOST: usize = 10_000;

/// Answers that come of who asks, for what, of which thing, and of what is known about
/// it; and, where policies ask for that, from where. They do not come of what else the
/// request says, nor of when it came.
pub(super) struct Remembered<T>(Cache<Key, Arc<Answered<T>>>);

/// Of two questions with the same key the latest answer is remembered.
#[derive(Hash, PartialEq, Eq)]
struct Key {
    action: Action,
    caller: String,
    resource: Option<Resource>,
}

/// A [`Key`] that is looked for.
#[derive(Hash)]
struct Sought<'a> {
    action: Action,
    caller: &'a str,
    resource: Option<&'a Resource>,
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.action == key.action
            && self.caller == key.caller
            && self.resource == key.resource.as_ref()
    }
}

struct Answered<T> {
    caller: Caller,
    region: Option<String>,
    facts: Facts,
    peer: Option<IpAddr>,
    answer: T,
}

impl<T: Clone> Remembered<T> {
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST))
    }

    pub(super) fn get(&self, question: &Question<'_>) -> Option<T> {
        let answered = self.0.get(&Sought {
            action: question.action,
            caller: question.caller.id(),
            resource: resource(question),
        })?;
        let is_same = answered.caller == *question.caller
            && answered.region.as_deref() == region(question)
            && answered.facts == *question.facts
            && answered.peer.is_none_or(|peer| peer == question.peer);
        is_same.then(|| answered.answer.clone())
    }

    /// Keeps an answer that holds for calls from `peer` alone, where there is one.
    ///
    /// Nothing is kept of lists of identities, which are long and never twice the same.
    pub(super) fn keep(&self, question: &Question<'_>, peer: Option<IpAddr>, answer: &T) {
        let resource = resource(question);
        if matches!(resource, Some(Resource::Identities(_))) {
            return;
        }
        let key = Key {
            action: question.action,
            caller: question.caller.id().to_owned(),
            resource: resource.cloned(),
        };
        let answered = Answered {
            caller: question.caller.clone(),
            region: region(question).map(str::to_owned),
            facts: question.facts.clone(),
            peer,
            answer: answer.clone(),
        };
        self.0.insert(key, Arc::new(answered));
    }
}

fn resource<'a>(question: &Question<'a>) -> Option<&'a Resource> {
    question.subject.map(|subject: &Subject| &subject.resource)
}

fn region<'a>(question: &Question<'a>) -> Option<&'a str> {
    let subject = question.subject?;
    subject.region.as_deref()
}
