//! What a key accepts: how a value is read from its text, and how the accepted
//! values are told to people.

use std::marker::PhantomData;
use std::time::Duration;

use serde_json::{Value, json};

use crate::telemetry;

mod addresses;
mod aws;
mod directory;
mod files;
mod login_providers;
mod policy;
mod quota;
mod socket;
mod tables;
mod targets;

pub(super) use addresses::{Address, AddressOrOff, Url};
pub(super) use aws::{AccountId, QuotaOverrides, Region, Regions};
pub(super) use directory::Directory;
pub(super) use files::{FilePath, FilePaths, SecretFile, SecretKeysFile};
pub(super) use login_providers::{IssuerUrls, SamlFiles};
pub(super) use policy::{Guardrails, Paths, RoleArns, Tag};
pub(super) use quota::Window;
pub(super) use socket::SocketPath;
pub(super) use tables::TargetTables;
pub(super) use targets::Targets;

/// How a value is written in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// In quotation marks.
    Quoted,
    /// As it is: a number, `true` or `false`.
    Bare,
    /// A list of quoted words.
    List,
    /// A list of tables.
    Tables,
}

/// What a key accepts.
pub(super) trait Accepts: Sync {
    type Value;

    /// Reads a value; an error says what is wrong with the text.
    fn parse(&self, text: &str) -> Result<Self::Value, String>;

    /// The accepted values, in words.
    fn accepted(&self) -> String;

    fn shape(&self) -> Shape {
        Shape::Quoted
    }

    /// What a JSON Schema can say of the values.
    fn schema(&self) -> Value {
        match self.shape() {
            Shape::Quoted => json!({ "type": "string" }),
            Shape::Bare => json!({ "type": ["boolean", "integer"] }),
            Shape::List => json!({ "type": "array", "items": { "type": "string" } }),
            Shape::Tables => json!({ "type": "array", "items": { "type": "object" } }),
        }
    }

    /// Whether the text may hold a secret, or be one, and is not to be shown.
    fn hides(&self, _text: &str) -> bool {
        false
    }
}

/// One of a few words.
pub(super) struct OneOf<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Copy + Sync> Accepts for OneOf<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Result<T, String> {
        self.0
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value)
            .ok_or_else(|| "not one of the known words".to_owned())
    }

    fn accepted(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|(word, _)| format!("`{word}`")).collect();
        words.join(", ")
    }

    fn schema(&self) -> Value {
        let words: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
        json!({ "enum": words })
    }
}

/// `true` or `false`.
pub(super) struct Flag;

impl Accepts for Flag {
    type Value = bool;

    fn parse(&self, text: &str) -> Result<bool, String> {
        text.parse().map_err(|_| "not true or false".to_owned())
    }

    fn accepted(&self) -> String {
        "`true`, `false`".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "boolean" })
    }

    fn shape(&self) -> Shape {
        Shape::Bare
    }
}

/// A name, such as that of a role.
pub(super) struct Name;

impl Accepts for Name {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, String> {
        match text.trim().is_empty() {
            true => Err("empty".to_owned()),
            false => Ok(text.to_owned()),
        }
    }

    fn accepted(&self) -> String {
        "a name".to_owned()
    }
}

/// The same, where unset is a value of its own.
pub(super) struct Maybe<A>(pub(super) A);

impl<A: Accepts> Accepts for Maybe<A> {
    type Value = Option<A::Value>;

    fn parse(&self, text: &str) -> Result<Self::Value, String> {
        self.0.parse(text).map(Some)
    }

    fn accepted(&self) -> String {
        self.0.accepted()
    }

    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn schema(&self) -> Value {
        self.0.schema()
    }

    fn hides(&self, text: &str) -> bool {
        self.0.hides(text)
    }
}

/// A whole number in a range.
pub(super) struct Whole<T> {
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) number: PhantomData<fn() -> T>,
}

impl<T: TryFrom<u64>> Accepts for Whole<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Result<T, String> {
        let number: u64 = text.parse().map_err(|_| "not a whole number".to_owned())?;
        if number < self.least {
            return Err("too small".to_owned());
        }
        if number > self.most {
            return Err("too large".to_owned());
        }
        T::try_from(number).map_err(|_| "too large".to_owned())
    }

    fn accepted(&self) -> String {
        format!("{} to {}", self.least, self.most)
    }

    fn schema(&self) -> Value {
        json!({ "type": "integer", "minimum": self.least, "maximum": self.most })
    }

    fn shape(&self) -> Shape {
        Shape::Bare
    }
}

/// A part of a whole.
pub(super) struct Ratio;

impl Accepts for Ratio {
    type Value = f64;

    fn parse(&self, text: &str) -> Result<f64, String> {
        let ratio: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
        match (0.0..=1.0).contains(&ratio) {
            true => Ok(ratio),
            false => Err("not between 0 and 1".to_owned()),
        }
    }

    fn accepted(&self) -> String {
        "a number from 0 to 1".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Bare
    }

    fn schema(&self) -> Value {
        json!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// A duration with its unit, in a range.
pub(super) struct Span {
    pub(super) least: Duration,
    pub(super) most: Duration,
}

impl Accepts for Span {
    type Value = Duration;

    fn parse(&self, text: &str) -> Result<Duration, String> {
        let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
        if duration < self.least {
            return Err("too short".to_owned());
        }
        if duration > self.most {
            return Err("too long".to_owned());
        }
        Ok(duration)
    }

    fn accepted(&self) -> String {
        let least = humantime::format_duration(self.least);
        let most = humantime::format_duration(self.most);
        format!("a duration with its unit, {least} to {most}")
    }
}

/// Which events are logged.
pub(super) struct LogLevel;

impl Accepts for LogLevel {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, String> {
        telemetry::log::check(text).map(|()| text.to_owned())
    }

    fn accepted(&self) -> String {
        "a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or levels of targets such as `info,poolgate::server=debug`"
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_empty() {
        assert_eq!(Name.parse("admin"), Ok("admin".to_owned()));
        assert!(Name.parse(" ").is_err());
    }

    #[test]
    fn a_range_includes_its_ends() {
        let whole: Whole<u32> = Whole {
            least: 2,
            most: 4,
            number: PhantomData,
        };
        assert_eq!(whole.parse("2"), Ok(2));
        assert_eq!(whole.parse("4"), Ok(4));
        assert_eq!(whole.parse("1"), Err("too small".to_owned()));
        assert_eq!(whole.parse("5"), Err("too large".to_owned()));
        assert_eq!(whole.parse("-3"), Err("not a whole number".to_owned()));
    }

    #[test]
    fn a_ratio_is_a_part_of_one() {
        assert_eq!(Ratio.parse("0.25"), Ok(0.25));
        assert_eq!(Ratio.parse("1"), Ok(1.0));
        for text in ["1.1", "-0.1", "NaN", "half"] {
            assert!(Ratio.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_needs_its_unit() {
        let span = Span {
            least: Duration::from_millis(10),
            most: Duration::from_secs(60),
        };
        assert_eq!(span.parse("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(span.parse("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(span.parse("61s"), Err("too long".to_owned()));
        assert!(span.parse("5").is_err());
    }
}
