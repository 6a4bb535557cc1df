//! What is set about policies.

use std::path::PathBuf;

use super::files::{hides_paths, paths};
use super::{Accepts, Shape};
use crate::policy::{self, ProductionTag};

/// Paths of files and directories.
pub(in crate::config) struct Paths;

impl Accepts for Paths {
    type Value = Vec<PathBuf>;

    fn parse(&self, text: &str) -> Result<Vec<PathBuf>, String> {
        paths(text)
    }

    fn accepted(&self) -> String {
        "a list of files and of directories, whose `*.cedar` files are read; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn hides(&self, text: &str) -> bool {
        hides_paths(text)
    }
}

/// Names of guardrails.
pub(in crate::config) struct Guardrails;

impl Accepts for Guardrails {
    type Value = Vec<String>;

    fn parse(&self, text: &str) -> Result<Vec<String>, String> {
        let known = policy::guardrail_names();
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| !known.contains(name)) {
            Some(unknown) => Err(format!("`{unknown}` is not a guardrail")),
            None => Ok(names),
        }
    }

    fn accepted(&self) -> String {
        let names: Vec<String> = policy::guardrail_names()
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        format!(
            "a list of {}; in the environment separated by commas",
            names.join(", ")
        )
    }

    fn shape(&self) -> Shape {
        Shape::List
    }
}

/// A tag with its value.
pub(in crate::config) struct Tag;

impl Accepts for Tag {
    type Value = ProductionTag;

    fn parse(&self, text: &str) -> Result<ProductionTag, String> {
        ProductionTag::parse(text)
    }

    fn accepted(&self) -> String {
        "a tag and its value, `key=value`".to_owned()
    }
}

/// ARNs of roles with wildcards.
pub(in crate::config) struct RoleArns;

impl Accepts for RoleArns {
    type Value = policy::RoleArns;

    fn parse(&self, text: &str) -> Result<policy::RoleArns, String> {
        policy::RoleArns::parse(text.split(',').map(str::trim))
    }

    fn accepted(&self) -> String {
        "a list of ARNs, in which `*` stands for anything, such as `arn:aws:iam::123456789012:role/app-*`; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_paths_has_no_empty_one() {
        assert_eq!(
            Paths.parse("a.cedar, dir"),
            Ok(vec!["a.cedar".into(), "dir".into()])
        );
        assert!(Paths.parse("a.cedar,,b.cedar").is_err());
        assert!(Paths.parse("").is_err());
    }

    #[test]
    fn only_guardrails_can_be_switched_off() {
        assert!(Guardrails.parse("guardrail-deletions").is_ok());
        assert_eq!(
            Guardrails.parse("guardrail-deletions, deletions"),
            Err("`deletions` is not a guardrail".to_owned())
        );
    }
}
