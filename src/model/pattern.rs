//! The model's regular expressions.

use std::sync::LazyLock;

use regex::Regex;

/// A regular expression that a whole string has to match.
///
/// AWS's own text is kept for messages. What is matched is an equivalent that is
/// explicit about character classes: `\w` and `\s` are ASCII in the service.
#[derive(Debug)]
pub struct Pattern {
    /// The pattern as AWS writes it.
    pub text: &'static str,
    regex: LazyLock<Regex>,
}

impl Pattern {
    /// Whether the whole of `value` matches.
    pub fn matches(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }
}

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $text:literal as $regex:literal;)+) => {
        $($(#[$doc])* pub(super) static $name: Pattern = Pattern {
            text: $text,
            regex: LazyLock::new(|| compile(concat!("^(?:", $regex, ")$"))),
        };)+

        #[cfg(test)]
        static ALL: &[&Pattern] = &[$(&$name),+];
    };
}

patterns! {
    /// An account identifier.
    ACCOUNT_ID = r"\d+" as r"[0-9]+";
    /// An identity pool's or identity's identifier.
    ID = r"[\w-]+:[0-9a-f-]+" as r"[0-9A-Za-z_-]+:[0-9a-f-]+";
    /// An identity pool's name.
    POOL_NAME = r"[\w\s+=,.@-]+" as r"[0-9A-Za-z_\t\n\x0B\x0C\r +=,.@-]+";
    /// A developer provider's name.
    DEVELOPER_PROVIDER = r"[\w._-]+" as r"[0-9A-Za-z_.-]+";
    /// An application identifier at a social login provider.
    PROVIDER_ID = r"[\w.;_/-]+" as r"[0-9A-Za-z_.;/-]+";
    /// A user pool's provider name.
    USER_POOL = r"[\w._:/-]+" as r"[0-9A-Za-z_.:/-]+";
    /// A user pool's client.
    CLIENT_ID = r"[\w_]+" as r"[0-9A-Za-z_]+";
    /// A role type.
    ROLE_TYPE = r"(un)?authenticated" as r"(un)?authenticated";
    /// A claim's name.
    CLAIM = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+" as r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+";
    /// A pagination token.
    PAGINATION_KEY = r"[\S]+" as r"[^\t\n\x0B\x0C\r ]+";
}

fn compile(regex: &str) -> Regex {
    #[expect(
        clippy::expect_used,
        reason = "the patterns are constants and a test compiles each"
    )]
    Regex::new(regex).expect("constant pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_refuses_the_empty_string() {
        for pattern in ALL {
            assert!(!pattern.matches(""), "{}", pattern.text);
        }
    }

    #[test]
    fn a_pattern_covers_the_whole_string_and_ascii_word_characters_only() {
        assert!(ID.matches("eu-west-1:0b8a-ff"));
        assert!(!ID.matches("eu-west-1:0b8a-ff\n"));
        assert!(!ID.matches("eu-west-1:0B8A"));
        assert!(!ID.matches("é:0b"));
        assert!(POOL_NAME.matches("a b\tc+=,.@-_"));
        assert!(!POOL_NAME.matches("naïve"));
        assert!(CLAIM.matches("cognito:groups€"));
        assert!(!CLAIM.matches("with space"));
        assert!(PAGINATION_KEY.matches("a\u{00a0}b"));
        assert!(!PAGINATION_KEY.matches("a b"));
    }
}
