//! The caller's name, as AWS takes it: in the name of a session and in its tag.
//!
//! AWS has an alphabet and a length for each, and names of callers have none of that. What
//! does not fit is altered, and a digest of the whole is put to its end, so that no two
//! callers have one name. What looks like an altered name is altered as well.

use aws_lc_rs::digest::{SHA256, digest};

/// What AWS takes as the name of a session (STS's API reference, `RoleSessionName`).
const NAME: Rule = Rule {
    least: 2,
    most: 64,
    others: "_+=,.@-",
    substitute: '-',
};

/// What AWS takes as the value of a session's tag. Letters of other alphabets would do as
/// well, but AWS counts them in another way than we do.
const TAG: Rule = Rule {
    least: 1,
    most: 256,
    others: " _.:/=+-@",
    substitute: '-',
};

/// What stands before a digest, and how many digits it has.
const MARK: char = '.';
const DIGITS: usize = 16;

struct Rule {
    least: usize,
    most: usize,
    /// What there may be beside letters and digits.
    others: &'static str,
    substitute: char,
}

/// The name of a caller's session.
pub(super) fn session_name(caller: &str) -> String {
    NAME.fitted(caller)
}

/// The value of the tag that names the caller.
pub(super) fn tag_value(caller: &str) -> String {
    TAG.fitted(caller)
}

impl Rule {
    fn fitted(&self, name: &str) -> String {
        let fits = (self.least..=self.most).contains(&name.len())
            && name.chars().all(|letter| self.has(letter))
            // A space at an end is lost on the way.
            && name.trim() == name;
        if fits && !is_altered(name) {
            return name.to_owned();
        }
        let letters = name.chars().map(|letter| match self.has(letter) {
            true => letter,
            false => self.substitute,
        });
        let room = self.most - DIGITS - MARK.len_utf8();
        // Its end, because names begin with their issuer.
        let letters: Vec<char> = letters.collect();
        let end = letters.len().saturating_sub(room)..;
        let mut altered: String = letters.get(end).unwrap_or_default().iter().collect();
        altered = altered.trim().to_owned();
        altered.push(MARK);
        altered.extend(digits(name));
        altered
    }

    fn has(&self, letter: char) -> bool {
        letter.is_ascii_alphanumeric() || self.others.contains(letter)
    }
}

/// Whether a name ends as altered ones do.
fn is_altered(name: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    name.rsplit_once(MARK)
        .is_some_and(|(_, end)| end.len() == DIGITS && end.bytes().all(hexadecimal))
}

fn digits(name: &str) -> impl Iterator<Item = char> {
    let digest = digest(&SHA256, name.as_bytes());
    let bytes: Vec<u8> = digest.as_ref().iter().copied().take(DIGITS / 2).collect();
    let digit = |number: u8| char::from_digit(number.into(), 16).unwrap_or('0');
    bytes
        .into_iter()
        .flat_map(move |byte| [digit(byte >> 4), digit(byte & 15)])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_fits_stays_as_it_is() {
        assert_eq!(session_name("shop@example.org"), "shop@example.org");
        assert_eq!(tag_value("token:ann"), "token:ann");
        assert_eq!(
            tag_value("spiffe://example.org/shop"),
            "spiffe://example.org/shop"
        );
    }

    #[test]
    fn what_does_not_fit_is_altered_and_nobody_else_has_that_name() {
        let long = "x".repeat(300);
        let longer = "x".repeat(301);
        assert_eq!(session_name("token:ann"), "token-ann.9b00d8942e7cb5b3");
        let altered = session_name("token:shop");
        assert!(altered.starts_with("token-shop."), "{altered}");
        let callers = [
            "token:shop",
            "token-shop",
            "token/shop",
            altered.as_str(),
            "",
            "x",
            " x",
            "x ",
            long.as_str(),
            longer.as_str(),
            "https://issuer.example.org|ann",
            "https://issuer.example.org/ann",
            "Jörg",
        ];

        for name in [session_name, tag_value] {
            let names: HashSet<String> = callers.into_iter().map(name).collect();
            assert_eq!(names.len(), callers.len(), "{names:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_caller_is_called_aws_takes_it(caller in ".{0,400}") {
            let (name, tag) = (session_name(&caller), tag_value(&caller));
            let fits = |others: &'static str| {
                move |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter)
            };

            prop_assert!((2..=64).contains(&name.len()) && name.chars().all(fits("_+=,.@-")));
            prop_assert!((1..=256).contains(&tag.len()) && tag.chars().all(fits(" _.:/=+-@")));
        }
    }
}
