//! A limit: who, what, and how much of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::window::Window;
use crate::operation::{Effect, Operation};

/// A limit that each caller it is for has to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What refused callers, records and metrics call it.
    pub name: Arc<str>,
    /// The callers it is for, by their names; with `roles`, whoever is one of either. Both
    /// empty: all.
    pub callers: BTreeSet<String>,
    /// The roles it is for.
    pub roles: BTreeSet<String>,
    /// The operations it is for.
    pub operations: BTreeSet<Operation>,
    /// How much in how long; all have to admit a call. They differ in their units.
    pub windows: Vec<Window>,
    /// How many calls may be under way.
    pub in_flight: Option<u32>,
    /// Whether it is only tried.
    pub shadow: bool,
}

impl Limit {
    /// A limit that is in force where no other is.
    pub(super) fn default_for(name: &str, effect: Option<Effect>) -> Self {
        let operations = Operation::ALL.iter().copied();
        let meant = operations.filter(|one| effect.is_none_or(|effect| one.effect() == effect));
        Self {
            name: name.into(),
            callers: BTreeSet::new(),
            roles: BTreeSet::new(),
            operations: meant.collect(),
            windows: Vec::new(),
            in_flight: None,
            shadow: false,
        }
    }

    /// Whether it is for every caller.
    pub(super) fn is_for_all(&self) -> bool {
        self.callers.is_empty() && self.roles.is_empty()
    }

    /// Whether it fits every call that the other fits.
    pub(super) fn covers(&self, other: &Limit) -> bool {
        let covers_callers = self.is_for_all()
            || !other.is_for_all()
                && self.callers.is_superset(&other.callers)
                && self.roles.is_superset(&other.roles);
        covers_callers && self.operations.is_superset(&other.operations)
    }
}

/// In one line, for operators.
impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &BTreeSet<String>| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.join(", ")
        };
        write!(formatter, "{}:", self.name)?;
        if self.shadow {
            formatter.write_str(" shadow;")?;
        }
        write!(formatter, " {}", what(&self.operations))?;
        match (self.callers.is_empty(), self.roles.is_empty()) {
            (true, true) => formatter.write_str(" of each caller")?,
            (false, true) => write!(formatter, " of each of {}", names(&self.callers))?,
            (true, false) => write!(formatter, " of each with role {}", names(&self.roles))?,
            (false, false) => {
                let (callers, roles) = (names(&self.callers), names(&self.roles));
                write!(formatter, " of each of {callers}, or with role {roles}")?;
            }
        }
        let windows = self.windows.iter().map(Window::to_string);
        let in_flight = self.in_flight.map(|most| format!("{most} in flight"));
        let parts: Vec<String> = windows.chain(in_flight).collect();
        write!(formatter, ": {}", parts.join(" and "))
    }
}

/// The operations in as few words as there are.
fn what(operations: &BTreeSet<Operation>) -> String {
    if operations.len() == Operation::ALL.len() {
        return "all".to_owned();
    }
    let effects = [
        (Effect::Read, "read"),
        (Effect::Write, "write"),
        (Effect::Issue, "issue"),
    ];
    let mut left = operations.clone();
    let mut words = Vec::new();
    for (effect, word) in effects {
        let of_effect = Operation::ALL.iter().filter(|one| one.effect() == effect);
        if of_effect.clone().all(|one| operations.contains(one)) {
            words.push(word.to_owned());
            left.retain(|one| one.effect() != effect);
        }
    }
    words.extend(left.iter().map(Operation::to_string));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reads_on_its_own() {
        let mut limit = Limit::default_for("batch", Some(Effect::Read));
        limit.windows = vec![Window::parse("5/s burst 10").unwrap()];
        assert_eq!(
            limit.to_string(),
            "batch: read of each caller: 5/s burst 10"
        );

        limit.roles.insert("batch".to_owned());
        limit.operations.insert(Operation::GetId);
        limit.windows.push(Window::parse("1000/day").unwrap());
        limit.in_flight = Some(4);
        limit.shadow = true;
        assert_eq!(
            limit.to_string(),
            "batch: shadow; read, GetId of each with role batch: \
             5/s burst 10 and 1000/day and 4 in flight"
        );
    }
}
