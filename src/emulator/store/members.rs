//! Which identities are in which pool, those that can be used apart from those that are
//! disabled, so that a page of the former takes no longer where the latter are many.

use std::collections::BTreeSet;
use std::collections::btree_set::Range;
use std::iter::Peekable;
use std::ops::Bound;

/// The identities of every pool, as pairs of a pool and an identity.
#[derive(Default)]
pub(super) struct Members {
    enabled: BTreeSet<(String, String)>,
    disabled: BTreeSet<(String, String)>,
}

impl Members {
    pub(super) fn insert(&mut self, pool_id: &str, id: &str, disabled: bool) {
        let member = (pool_id.to_owned(), id.to_owned());
        match disabled {
            true => self.disabled.insert(member),
            false => self.enabled.insert(member),
        };
    }

    pub(super) fn disable(&mut self, pool_id: &str, id: &str) {
        if let Some(member) = self.enabled.take(&(pool_id.to_owned(), id.to_owned())) {
            self.disabled.insert(member);
        }
    }

    pub(super) fn remove(&mut self, pool_id: &str, id: &str) {
        let member = (pool_id.to_owned(), id.to_owned());
        if !self.enabled.remove(&member) {
            self.disabled.remove(&member);
        }
    }

    /// The identities of a pool after an identifier, in order; without those that are
    /// disabled, if they are to be hidden.
    pub(super) fn after<'a>(
        &'a self,
        pool_id: &'a str,
        after: Option<&str>,
        hide_disabled: bool,
    ) -> impl Iterator<Item = &'a str> {
        let first = (pool_id.to_owned(), after.unwrap_or_default().to_owned());
        let bounds = (Bound::Excluded(first), Bound::Unbounded);
        let disabled = match hide_disabled {
            true => None,
            false => Some(self.disabled.range(bounds.clone()).peekable()),
        };
        let both = Both {
            enabled: self.enabled.range(bounds).peekable(),
            disabled,
        };
        both.take_while(move |(pool, _)| pool == pool_id)
            .map(|(_, id)| id.as_str())
    }
}

/// Two sorted ranges as one.
struct Both<'a> {
    enabled: Peekable<Range<'a, (String, String)>>,
    disabled: Option<Peekable<Range<'a, (String, String)>>>,
}

impl<'a> Iterator for Both<'a> {
    type Item = &'a (String, String);

    fn next(&mut self) -> Option<Self::Item> {
        let Some(disabled) = &mut self.disabled else {
            return self.enabled.next();
        };
        match (self.enabled.peek(), disabled.peek()) {
            (Some(enabled), Some(other)) if other < enabled => disabled.next(),
            (Some(_), _) => self.enabled.next(),
            (None, _) => disabled.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disabled_members_keep_their_place_among_the_others_and_can_be_hidden() {
        let mut members = Members::default();
        for (pool, id, disabled) in [
            ("a", "9", true),
            ("b", "1", false),
            ("b", "2", false),
            ("b", "3", true),
            ("b", "4", false),
            ("c", "0", false),
        ] {
            members.insert(pool, id, disabled);
        }
        members.disable("b", "1");
        members.disable("b", "none");

        for (after, hide, expected) in [
            (None, false, vec!["1", "2", "3", "4"]),
            (None, true, vec!["2", "4"]),
            (Some("2"), false, vec!["3", "4"]),
            (Some("2"), true, vec!["4"]),
        ] {
            let found: Vec<&str> = members.after("b", after, hide).collect();
            assert_eq!(found, expected);
        }

        for id in ["1", "2", "3", "4"] {
            members.remove("b", id);
        }
        assert_eq!(members.after("b", None, false).count(), 0);
        assert_eq!(members.after("a", None, false).count(), 1);
    }
}
