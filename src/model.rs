//! AWS's model of the operations' inputs: which members there are, which are
//! required, and their bounds and patterns.
//!
//! The table in `shapes` is botocore's model of `cognito-identity`
//! (2014-06-30), compared with it member by member by
//! `tests/model/compare_with_botocore.py`. [`check()`] finds every place where
//! a JSON object breaks the model and words it as AWS does (reference: the
//! constraint texts of AWS's front end, as in `Value 'x' at 'identityPoolId'
//! failed to satisfy constraint: Member must satisfy regular expression pattern:
//! [\w-]+:[0-9a-f-]+`).

mod check;
mod path;
mod pattern;
mod shapes;
mod shown;

pub use check::{Violation, check, summary};
pub use path::{Path, Step, field_name, path_of_member};
pub use pattern::Pattern;
pub use shapes::input;

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// AWS's name, such as `IdentityPoolId`.
    pub name: &'static str,
    /// Whether AWS refuses a request without it.
    pub required: bool,
    /// What it holds.
    pub shape: &'static Shape,
}

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// A string.
    Text {
        /// The fewest characters.
        min: usize,
        /// The most characters.
        max: usize,
        /// What the whole string has to match.
        pattern: Option<&'static Pattern>,
        /// Whether the value is secret and never shown.
        secret: bool,
    },
    /// One of a closed set of strings, in the order AWS lists them in errors.
    Choice(&'static [&'static str]),
    /// A whole number.
    Integer {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// True or false.
    Flag,
    /// A list.
    List {
        /// What each element is.
        of: &'static Shape,
        /// The fewest elements.
        min: usize,
        /// The most elements, where the model has a bound.
        max: Option<usize>,
    },
    /// A map with string keys.
    Map {
        /// What each key is.
        key: &'static Shape,
        /// What each value is.
        value: &'static Shape,
        /// The most entries, where the model has a bound.
        max: Option<usize>,
    },
    /// A structure.
    Structure(&'static [Member]),
}

impl Shape {
    /// Whether a value of this shape, or one inside it, is secret.
    pub fn is_secret(&self) -> bool {
        match self {
            Shape::Text { secret, .. } => *secret,
            Shape::List { of, .. } => of.is_secret(),
            Shape::Map { value, .. } => value.is_secret(),
            Shape::Structure(members) => members.iter().any(|member| member.shape.is_secret()),
            Shape::Choice(_) | Shape::Integer { .. } | Shape::Flag => false,
        }
    }
}
