//! Which limits count for a call.

use std::collections::HashMap;
use std::sync::Arc;

use super::key::{Key, Keys};
use super::limit::Limit;
use super::limits::Limits;
use super::price::Marked;
use crate::caller::Caller;
use crate::operation::Operation;

/// A limit with the keys of what it counts.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) name: Arc<str>,
    pub(super) windows: Vec<Marked>,
    pub(super) in_flight: Option<(Key, u32)>,
}

/// Limits by what calls are asked for. It takes as long for one limit as for thousands.
#[derive(Debug)]
pub(super) struct Selector {
    /// What is in force, in words.
    pub(super) text: String,
    limits: Vec<Arc<Counted>>,
    pub(super) enforced: Kinds,
    pub(super) shadow: Kinds,
}

/// Limits on how often, and on how many at once.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    pub(super) windows: Choices,
    pub(super) in_flight: Choices,
}

/// The numbers of the first limits for each operation, by its index.
#[derive(Debug)]
pub(super) struct Choices(Vec<Choice>);

#[derive(Clone, Debug, Default)]
struct Choice {
    all: Option<usize>,
    callers: HashMap<String, usize>,
    roles: HashMap<String, usize>,
}

impl Selector {
    /// What is of the same name and unit has the same key, so that it stays the same when
    /// limits change.
    pub(super) fn new(limits: &Limits, keys: &Keys) -> Self {
        let mut selector = Self {
            text: limits.to_string(),
            limits: Vec::new(),
            enforced: Kinds::default(),
            shadow: Kinds::default(),
        };
        for (number, limit) in limits.iter().enumerate() {
            let kinds = match limit.shadow {
                false => &mut selector.enforced,
                true => &mut selector.shadow,
            };
            if !limit.windows.is_empty() {
                kinds.windows.add(limit, number);
            }
            if limit.in_flight.is_some() {
                kinds.in_flight.add(limit, number);
            }
            selector.limits.push(Arc::new(counted(limit, keys)));
        }
        selector
    }

    /// The first limit among the choices that fits.
    pub(super) fn first(
        &self,
        choices: &Choices,
        caller: &Caller,
        operation: Operation,
    ) -> Option<&Arc<Counted>> {
        let choice = choices.0.get(operation.index())?;
        self.limits.get(choice.first(caller)?)
    }
}

fn counted(limit: &Limit, keys: &Keys) -> Counted {
    // A limit that is tried shares nothing with one in force that had its name.
    let name = match limit.shadow {
        false => limit.name.to_string(),
        true => format!("shadow {}", limit.name),
    };
    let windows = limit.windows.iter();
    let windows = windows.map(|window| keys.mark(&name, window.clone()));
    Counted {
        name: Arc::clone(&limit.name),
        windows: windows.collect(),
        in_flight: limit
            .in_flight
            .map(|most| (keys.of_name(&name, "in flight"), most)),
    }
}

impl Default for Choices {
    fn default() -> Self {
        Self(vec![Choice::default(); Operation::ALL.len()])
    }
}

impl Choices {
    fn add(&mut self, limit: &Limit, number: usize) {
        for operation in &limit.operations {
            let Some(choice) = self.0.get_mut(operation.index()) else {
                continue;
            };
            if limit.is_for_all() {
                choice.all.get_or_insert(number);
            }
            for caller in &limit.callers {
                choice.callers.entry(caller.clone()).or_insert(number);
            }
            for role in &limit.roles {
                choice.roles.entry(role.clone()).or_insert(number);
            }
        }
    }
}

impl Choice {
    fn first(&self, caller: &Caller) -> Option<usize> {
        let named = match self.callers.is_empty() {
            true => None,
            false => self.callers.get(caller.id()),
        };
        let roles = match self.roles.is_empty() {
            true => None,
            false => Some(caller.roles().iter()),
        };
        let by_role = roles.into_iter().flatten();
        let by_role = by_role.filter_map(|role| self.roles.get(role));
        let all = self.all.iter().chain(named).chain(by_role);
        all.min().copied()
    }
}
