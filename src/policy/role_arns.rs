//! A list of role ARNs with wildcards.

use regex::RegexSet;

/// Role ARNs, as they are or with `*` for any run of characters.
///
/// The empty list covers nothing, and `*` alone covers every role.
#[derive(Clone, Debug)]
pub struct RoleArns(RegexSet);

impl RoleArns {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// Every entry that is neither `*` nor begins with `arn:`, and a list of a size
    /// that cannot be searched.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut patterns = Vec::new();
        let mut wrong = Vec::new();
        for entry in entries {
            if entry == "*" || entry.starts_with("arn:") {
                let parts: Vec<String> = entry.split('*').map(regex::escape).collect();
                patterns.push(format!("(?s)^{}$", parts.join(".*")));
            } else {
                wrong.push(format!("`{entry}` is neither an ARN nor `*`"));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.join(", "));
        }
        RegexSet::new(patterns)
            .map(Self)
            .map_err(|error| format!("cannot be searched: {error}"))
    }

    /// Whether the list covers a role.
    pub fn covers(&self, arn: &str) -> bool {
        self.0.is_match(arn)
    }
}

impl PartialEq for RoleArns {
    fn eq(&self, other: &Self) -> bool {
        self.0.patterns() == other.0.patterns()
    }
}

impl Eq for RoleArns {}

impl Default for RoleArns {
    fn default() -> Self {
        Self(RegexSet::empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_covered_by_its_name_or_by_a_wildcard_and_by_nothing_that_looks_alike() {
        let list = [
            "arn:aws:iam::111111111111:role/app.guest",
            "arn:aws:iam::111111111111:role/shop/*",
        ];
        let list = RoleArns::parse(list).unwrap();
        for (arn, covered, why) in [
            ("arn:aws:iam::111111111111:role/app.guest", true, "as it is"),
            ("arn:aws:iam::111111111111:role/shop/a/b", true, "wildcard"),
            ("arn:aws:iam::111111111111:role/shop/", true, "empty run"),
            (
                "arn:aws:iam::111111111111:role/app-guest",
                false,
                "a dot is a dot",
            ),
            ("arn:aws:iam::111111111111:role/app.guest2", false, "longer"),
            (
                "arn:aws:iam::222222222222:role/shop/a",
                false,
                "other account",
            ),
            ("arn:aws:iam::111111111111:role/Shop/a", false, "other case"),
            (" arn:aws:iam::111111111111:role/shop/a", false, "a space"),
            (
                "arn:aws:iam::2:role/x arn:aws:iam::111111111111:role/shop/a",
                false,
                "in the middle",
            ),
            (
                "arn:aws:iam::111111111111:role/app.guest\n",
                false,
                "a line",
            ),
            ("", false, "empty"),
        ] {
            assert_eq!(list.covers(arn), covered, "{why}");
        }
    }

    #[test]
    fn the_empty_list_covers_nothing_and_an_asterisk_everything() {
        assert!(!RoleArns::default().covers("arn:aws:iam::1:role/a"));
        assert!(!RoleArns::parse([]).unwrap().covers(""));
        assert!(
            RoleArns::parse(["*"])
                .unwrap()
                .covers("arn:aws:iam::1:role/a\nb")
        );
    }

    #[test]
    fn what_is_no_arn_is_refused_by_name() {
        let mistake = RoleArns::parse(["arn:aws:iam::1:role/a", "role/b", ""]).unwrap_err();
        assert_eq!(
            mistake,
            "`role/b` is neither an ARN nor `*`, `` is neither an ARN nor `*`"
        );
    }
}
