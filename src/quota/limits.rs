//! The limits in the order in which they are looked for.

use std::fmt::{self, Write};
use std::path::Path;

use super::account::Account;
use super::limit::Limit;
use super::read;
use super::window::Window;
use crate::operation::Effect;
use crate::settings_file;

/// The names of limits that no file writes begin so.
pub(super) const DEFAULT: &str = "default-";

/// What is in force where no file says more (reference: security, 4.4 and 4.3).
const RATES: [(&str, Effect, Window); 3] = [
    ("default-read", Effect::Read, Window::per_second(50, 100)),
    ("default-write", Effect::Write, Window::per_second(5, 10)),
    ("default-issue", Effect::Issue, Window::per_second(25, 50)),
];
const IN_FLIGHT: (&str, u32) = ("default-in-flight", 64);

/// Limits, in the order in which they are looked for. Of those that are in force, and of
/// those that are tried, the first that fits a call counts: the first with windows for how
/// often, the first with a number of calls in flight for how many at once.
///
/// Beside them stands what a file says about the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    limits: Vec<Limit>,
    account: Account,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Limits {
    /// These limits, and behind them those that are in force where none of these fits.
    pub fn new(mut limits: Vec<Limit>) -> Self {
        for (name, effect, window) in RATES {
            let mut limit = Limit::default_for(name, Some(effect));
            limit.windows.push(window);
            limits.push(limit);
        }
        let (name, most) = IN_FLIGHT;
        let mut limit = Limit::default_for(name, None);
        limit.in_flight = Some(most);
        limits.push(limit);
        Self {
            limits,
            account: Account::default(),
        }
    }

    /// Reads a file of limits.
    ///
    /// # Errors
    ///
    /// Every mistake in it, each with its line.
    pub fn read(path: &Path) -> Result<Self, Vec<String>> {
        let text = settings_file::read(path)
            .map_err(|reason| vec![format!("{} {reason}", path.display())])?;
        Self::parse(&text)
    }

    /// Reads the text of a file of limits.
    ///
    /// # Errors
    ///
    /// Every mistake in it, each with its line.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let (limits, account) = read::limits(text)?;
        Ok(Self {
            account,
            ..Self::new(limits)
        })
    }

    /// What is said about the account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Limit> {
        self.limits.iter()
    }
}

/// What is in force where no file says more, as a Markdown table.
pub fn default_table() -> String {
    let mut table = String::from("| Limit | Of each caller |\n|---|---|\n");
    for limit in Limits::default().iter() {
        let line = limit.to_string();
        let (name, rest) = line.split_once(": ").unwrap_or_default();
        let (what, much) = rest.split_once(" of each caller: ").unwrap_or_default();
        // Writing into a `String` cannot fail.
        let _ = writeln!(table, "| `{name}` | {what}: {much} |");
    }
    table
}

/// A line for each.
impl fmt::Display for Limits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.iter().map(Limit::to_string).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_there_are_defaults_for_every_operation() {
        assert_eq!(
            Limits::default().to_string(),
            "default-read: read of each caller: 50/s burst 100\n\
             default-write: write of each caller: 5/s burst 10\n\
             default-issue: issue of each caller: 25/s burst 50\n\
             default-in-flight: all of each caller: 64 in flight"
        );
    }
}
