//! A mistake in the configuration, told so that it can be put right.

use std::fmt;
use std::path::PathBuf;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(&'static str),
}

/// A mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Mistake {
    pub(super) origin: Source,
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
    pub(super) reason: String,
    pub(super) accepted: Option<String>,
}

/// Every mistake that was found; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Mistakes(pub(super) Vec<Mistake>);

impl Mistake {
    fn text(&self) -> String {
        let mut text = format!("{}: ", self.origin);
        if let Some(key) = &self.key {
            text.push_str(key);
            if let Some(value) = &self.value {
                text.push_str(&format!(" = {value:?}"));
            }
            text.push_str(": ");
        }
        text.push_str(&self.reason);
        if let Some(accepted) = &self.accepted {
            text.push_str("; accepted: ");
            text.push_str(accepted);
        }
        text
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => formatter.write_str("default"),
            Source::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Source::Variable(name) => formatter.write_str(name),
            Source::Flag(name) => formatter.write_str(name),
        }
    }
}

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(Mistake::text).collect();
    lines.join("\n")
}
