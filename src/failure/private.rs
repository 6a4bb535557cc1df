//! What callers are not told.

use std::fmt;
use std::sync::Arc;

/// What stands in its place.
const HIDDEN: &str = "…";

/// Texts that callers are not told, such as the numbers of the accounts that are called and
/// the ARNs of their roles. Clones share them, and `Debug` shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Private(Arc<[String]>);

impl Private {
    /// Hides each of these, wherever it stands in a text.
    pub fn new(mut texts: Vec<String>) -> Self {
        texts.retain(|text| !text.is_empty());
        // What holds another one goes before it, because nothing of it is to be left.
        texts.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        texts.dedup();
        Self(texts.into())
    }

    /// The text without them.
    pub fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for private in self.0.iter().filter(|private| text.contains(*private)) {
            hidden = hidden.replace(private, HIDDEN);
        }
        hidden
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Private").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_hidden_wherever_it_stands_and_nothing_is_left_of_it() {
        let role = "arn:aws:iam::111111111111:role/poolgate".to_owned();
        let account = "111111111111".to_owned();
        let private = Private::new(vec![account.clone(), role.clone(), String::new()]);

        assert_eq!(
            private.hide(&format!("{role} may not, says {account}; {account}{role}")),
            "… may not, says …; ……"
        );
        assert_eq!(private.hide("nothing of it"), "nothing of it");
        assert!(!format!("{private:?}").contains(&account));
    }
}
