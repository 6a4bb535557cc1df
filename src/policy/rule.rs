//! One policy that was read.

use std::path::PathBuf;

use cedar_policy::{Policy, PolicyId};

use super::Mistake;
use super::source::Statement;

/// The annotation that names a policy.
const NAME: &str = "id";

/// One policy that was read.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Its name, which is also the policy's identifier for Cedar.
    pub(super) name: String,
    /// The policy.
    pub(super) policy: Policy,
    /// The file it is in.
    pub(super) file: PathBuf,
    /// The line it begins at.
    pub(super) line: usize,
    /// Its text.
    pub(super) text: String,
}

impl Rule {
    /// Reads one statement.
    ///
    /// # Errors
    ///
    /// What is not one policy, is a template, or has no name.
    pub(super) fn read(statement: Statement) -> Result<Self, Mistake> {
        let Statement { file, line, text } = statement;
        let mistake = |reason: String| Mistake::in_file(&file, Some(line), reason);
        let policy = Policy::parse(None, &text).map_err(|errors| {
            let mut reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
            reasons.dedup();
            mistake(reasons.join("; "))
        })?;
        let name = policy.annotation(NAME).map(str::trim).unwrap_or_default();
        if name.is_empty() {
            let reason = format!("a policy without a name; write `@{NAME}(\"...\")` above it");
            return Err(mistake(reason));
        }
        if name.contains([',', '`']) || name.chars().any(char::is_control) {
            let reason = "a name has no comma, no backtick and no control character";
            return Err(mistake(reason.to_owned()).named(name));
        }
        Ok(Self {
            policy: policy.new_id(PolicyId::new(name)),
            name: name.to_owned(),
            file,
            line,
            text,
        })
    }

    /// A mistake in this policy.
    pub(super) fn mistake(&self, reason: impl Into<String>) -> Mistake {
        Mistake::in_file(&self.file, Some(self.line), reason).named(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<Rule, String> {
        Rule::read(Statement {
            file: Path::new("a.cedar").to_owned(),
            line: 7,
            text: text.to_owned(),
        })
        .map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn a_policy_is_known_by_its_name() {
        let rule = read("@id(\"all\") permit (principal, action, resource);").unwrap();

        assert_eq!(rule.name, "all");
        assert_eq!(rule.policy.id().to_string(), "all");
    }

    #[test]
    fn what_is_no_policy_with_a_name_is_refused_with_its_place() {
        for (text, expected, why) in [
            (
                "permit (principal, action, resource);",
                "a.cedar:7: a policy without a name; write `@id(\"...\")` above it",
                "no name",
            ),
            (
                "@id(\"\") permit (principal, action, resource);",
                "a.cedar:7: a policy without a name",
                "an empty name",
            ),
            (
                "@id(\"a,b\") permit (principal, action, resource);",
                "a.cedar:7: `a,b`: a name has no comma",
                "names are joined with commas for callers",
            ),
            (
                "@id(\"a\") permit (principal == ?principal, action, resource);",
                "a.cedar:7: expected a static policy, got a template",
                "a template",
            ),
            (
                "@id(\"a\") permit (principal, action, resource)",
                "a.cedar:7: unexpected end of input",
                "no semicolon",
            ),
            (";", "a.cedar:7: unexpected token `;`", "a stray semicolon"),
        ] {
            let mistake = read(text).unwrap_err();
            assert!(mistake.starts_with(expected), "{why}: {mistake}");
        }
    }
}
