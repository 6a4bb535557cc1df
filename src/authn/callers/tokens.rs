//! The list `tokens`.

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use super::check_name;
use crate::authn::static_tokens::{Digest, Listed, StaticTokens, is_well_known};
use crate::caller::{Caller, Proof};
use crate::sections::Section;

pub(super) fn read(root: &Section<'_>) -> StaticTokens {
    let mut names = BTreeSet::new();
    let mut tokens = StaticTokens::default();
    for section in root.sections("tokens") {
        section.known(&["name", "sha256", "roles", "attributes", "expires"]);
        let name = section.wanted_text("name");
        let digest = digest(&section);
        let (roles, attributes) = (section.set("roles"), section.map("attributes"));
        let expires = section.time("expires").and_then(|time| {
            let seconds = seconds(&time);
            if seconds.is_none() {
                let reason = "not a time in UTC, such as 2027-01-01T00:00:00Z";
                section.mistake("expires", reason);
            }
            seconds
        });
        let Some(name) = name else {
            continue;
        };
        check_name(&section, &name, &mut names);
        let Some(digest) = digest else {
            continue;
        };
        let id = format!("token:{name}");
        let caller = Caller::new(id, Proof::StaticToken { name }, roles, attributes);
        let listed = Listed {
            digest,
            caller,
            expires,
        };
        if !tokens.add(listed) {
            section.mistake("sha256", "the same as that of a token before");
        }
    }
    tokens
}

fn digest(section: &Section<'_>) -> Option<Digest> {
    let text = section.wanted_text("sha256")?;
    let Some(digest) = bytes(&text) else {
        section.mistake("sha256", "not 64 hexadecimal digits");
        return None;
    };
    if is_well_known(&digest) {
        let reason =
            "the hash of a word that everybody tries; make a token with `openssl rand -base64 32`";
        section.mistake("sha256", reason);
        return None;
    }
    Some(digest)
}

fn bytes(text: &str) -> Option<Digest> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let digits = digits?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?))
        .collect();
    match digits.len() {
        64 => bytes.try_into().ok(),
        _ => None,
    }
}

/// Seconds since the Unix epoch.
fn seconds(time: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(time).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_in_utc() {
        for (time, expected) in [
            ("2027-01-01T00:00:00Z", Some(1_798_761_600)),
            ("2027-01-01T00:00:00.5Z", Some(1_798_761_600)),
            ("2027-01-01T00:00:00+01:00", None),
            ("2027-01-01T00:00:00", None),
            ("2027-01-01", None),
        ] {
            assert_eq!(seconds(time), expected, "{time}");
        }
    }

    #[test]
    fn a_hash_has_64_digits() {
        let digits = "00ff".repeat(16);

        assert_eq!(bytes(&digits).unwrap()[..2], [0, 0xff]);
        assert_eq!(bytes(&digits.to_uppercase()), bytes(&digits));
        for wrong in ["", "00", &"0".repeat(63), &"0".repeat(66), &"0g".repeat(32)] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
