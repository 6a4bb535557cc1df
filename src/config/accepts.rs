//! What a key accepts: how a value is read from its text, and how the accepted
//! values are told to people.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

use crate::telemetry;

/// How a value is written in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// In quotation marks.
    Quoted,
    /// As it is: a number, `true` or `false`.
    Bare,
    /// A list of quoted words.
    List,
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

    /// Whether the text may hold a secret and is not to be shown.
    fn hides(&self, _text: &str) -> bool {
        false
    }
}

/// An IP address with a port.
pub(super) struct Address;

impl Accepts for Address {
    type Value = SocketAddr;

    fn parse(&self, text: &str) -> Result<SocketAddr, String> {
        text.parse()
            .map_err(|_| "not an IP address with a port".to_owned())
    }

    fn accepted(&self) -> String {
        "an IP address with a port, such as `127.0.0.1:50051` or `[::1]:50051`".to_owned()
    }
}

/// An IP address with a port, or `off`.
pub(super) struct AddressOrOff;

impl Accepts for AddressOrOff {
    type Value = Option<SocketAddr>;

    fn parse(&self, text: &str) -> Result<Option<SocketAddr>, String> {
        if text == "off" {
            return Ok(None);
        }
        Address.parse(text).map(Some)
    }

    fn accepted(&self) -> String {
        format!("{}, or `off`", Address.accepted())
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

    fn shape(&self) -> Shape {
        Shape::Bare
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

    fn shape(&self) -> Shape {
        Shape::Bare
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

/// The name of an AWS region.
pub(super) struct Region;

impl Accepts for Region {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let dashes = text.matches('-').count();
        if dashes < 2 || !text.chars().all(plain) || text.starts_with('-') || text.ends_with('-') {
            return Err(format!("`{text}` is not the name of an AWS region"));
        }
        Ok(text.to_owned())
    }

    fn accepted(&self) -> String {
        "the name of an AWS region, such as `eu-west-1`".to_owned()
    }
}

/// Names of AWS regions.
pub(super) struct Regions;

impl Accepts for Regions {
    type Value = Vec<String>;

    fn parse(&self, text: &str) -> Result<Vec<String>, String> {
        text.split(',')
            .map(|name| Region.parse(name.trim()))
            .collect()
    }

    fn accepted(&self) -> String {
        "a list of AWS regions; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }
}

/// An address of an HTTP service.
pub(super) struct Url;

impl Accepts for Url {
    type Value = Option<String>;

    fn parse(&self, text: &str) -> Result<Option<String>, String> {
        let uri: http::Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("not an http or https URL".to_owned());
        }
        if uri
            .authority()
            .is_none_or(|name| name.as_str().contains('@'))
        {
            return Err("a URL with a user name or password".to_owned());
        }
        if uri.query().is_some() {
            return Err("a URL with a query".to_owned());
        }
        Ok(Some(text.to_owned()))
    }

    fn accepted(&self) -> String {
        "an http or https URL, such as `http://127.0.0.1:4566`".to_owned()
    }

    fn hides(&self, text: &str) -> bool {
        text.contains(['@', '?'])
    }
}

/// The number of an AWS account.
pub(super) struct AccountId;

impl Accepts for AccountId {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, String> {
        if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("not 12 digits".to_owned());
        }
        Ok(text.to_owned())
    }

    fn accepted(&self) -> String {
        "12 digits".to_owned()
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
