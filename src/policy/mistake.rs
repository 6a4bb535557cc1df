//! A mistake in policies or samples, told so that it can be put right.

use std::fmt;
use std::path::{Path, PathBuf};

/// A mistake in policies or samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file it is in; nothing if it is in no file.
    pub file: Option<PathBuf>,
    /// The line that the policy or the sample begins at, from 1.
    pub line: Option<usize>,
    /// The name of the policy or the sample, if it has one.
    pub name: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl Mistake {
    /// A mistake in no file.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            file: None,
            line: None,
            name: None,
            reason: reason.into(),
        }
    }

    /// A mistake in a file.
    pub(super) fn in_file(file: &Path, line: Option<usize>, reason: impl Into<String>) -> Self {
        Self {
            file: Some(file.to_owned()),
            line,
            name: None,
            reason: reason.into(),
        }
    }

    pub(super) fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(formatter, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(formatter, "{line}:")?;
            }
            formatter.write_str(" ")?;
        }
        if let Some(name) = &self.name {
            write!(formatter, "`{name}`: ")?;
        }
        formatter.write_str(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_says_where_it_is_as_far_as_that_is_known() {
        let file = Path::new("a.cedar");
        for (mistake, expected) in [
            (Mistake::new("no"), "no"),
            (Mistake::in_file(file, None, "no"), "a.cedar: no"),
            (Mistake::in_file(file, Some(3), "no"), "a.cedar:3: no"),
            (
                Mistake::in_file(file, Some(3), "no").named("x"),
                "a.cedar:3: `x`: no",
            ),
        ] {
            assert_eq!(mistake.to_string(), expected);
        }
    }
}
