//! A row of the table of keys.

use serde_json::Value;

use super::accepts::{Accepts, Shape};
use super::sources::PREFIX;

/// A key whose values are what `A` accepts.
pub(super) struct Key<A> {
    /// Section and name, such as `server.listen`.
    pub(super) path: &'static str,
    /// The default as it would be written, or nothing when the key is unset.
    pub(super) default: Option<&'static str>,
    /// What values there are.
    pub(super) accepts: A,
    /// What the key does, in one or two sentences.
    pub(super) meaning: &'static str,
}

/// A key, whatever its values.
pub(super) trait AnyKey: Sync {
    fn path(&self) -> &'static str;
    fn default(&self) -> Option<&'static str>;
    fn meaning(&self) -> &'static str;
    fn accepted(&self) -> String;
    fn shape(&self) -> Shape;
    fn schema(&self) -> Value;
    fn hides(&self, text: &str) -> bool;

    /// The environment variable that sets the key.
    fn variable(&self) -> String {
        let name = self.path().replace('.', "__").to_uppercase();
        format!("{PREFIX}{name}")
    }

    /// The section that the key is in.
    fn section(&self) -> &'static str {
        self.path()
            .split_once('.')
            .map_or("", |(section, _)| section)
    }

    /// The key's name in its section.
    fn name(&self) -> &'static str {
        self.path().split_once('.').map_or("", |(_, name)| name)
    }
}

impl<A: Accepts> AnyKey for Key<A> {
    fn path(&self) -> &'static str {
        self.path
    }

    fn default(&self) -> Option<&'static str> {
        self.default
    }

    fn meaning(&self) -> &'static str {
        self.meaning
    }

    fn accepted(&self) -> String {
        self.accepts.accepted()
    }

    fn shape(&self) -> Shape {
        self.accepts.shape()
    }

    fn schema(&self) -> Value {
        self.accepts.schema()
    }

    fn hides(&self, text: &str) -> bool {
        self.accepts.hides(text)
    }
}
