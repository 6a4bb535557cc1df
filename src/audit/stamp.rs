//! Times in the names of files.

use std::time::SystemTime;

/// `20261125T050000Z`.
pub(super) fn stamp(time: SystemTime) -> String {
    let mut text = super::event_time(time);
    text.retain(|letter| !matches!(letter, '-' | ':'));
    text
}

pub(super) fn parse_stamp(stamp: &str) -> Option<SystemTime> {
    let digits: Vec<char> = stamp.chars().collect();
    let ([year @ .., m1, m2, d1, d2], ['T', h1, h2, n1, n2, s1, s2, 'Z']) =
        digits.split_at_checked(8)?
    else {
        return None;
    };
    let year: String = year.iter().collect();
    humantime::parse_rfc3339(&format!(
        "{year}-{m1}{m2}-{d1}{d2}T{h1}{h2}:{n1}{n2}:{s1}{s2}Z"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_says_when_and_others_are_none() {
        let time = humantime::parse_rfc3339("2026-11-25T05:06:07Z").unwrap();

        assert_eq!(stamp(time), "20261125T050607Z");
        assert_eq!(parse_stamp("20261125T050607Z"), Some(time));
        for other in [
            "",
            "20261125T050607",
            "20261125T056007Z",
            "20261125 050607Z",
        ] {
            assert_eq!(parse_stamp(other), None, "{other}");
        }
    }
}
