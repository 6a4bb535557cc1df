//! Every message of the emulator, which has those of AWS that are on record.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;

use super::KNOWN;

const ID: &str = "us-east-1:00000000-0000-4000-8000-000000000000";
const ARN: &str = "arn:aws:iam::123456789012:role/app-1";

/// What stands for a gap in a message.
const GAPS: [(&str, &str); 17] = [
    ("{account}", "123456789012"),
    ("{arn}", ARN),
    ("{claim}", "aud"),
    ("{end}", "1800000000"),
    ("{expires}", "1800000000"),
    ("{id}", ID),
    (
        "{key}",
        "cognito-idp.us-east-1.amazonaws.com/us-east-1_a:client",
    ),
    ("{MOST_LOGINS}", "20"),
    ("{MOST_RULES}", "25"),
    ("{MOST_TAGS}", "50"),
    ("{MOST_TENANTS}", "1000"),
    ("{most}", "60"),
    ("{name}", "accounts.google.com"),
    ("{now}", "1800000001"),
    ("{operation}", "TagResource"),
    ("{partition}", "aws"),
    ("{percent}", "101"),
];

/// What stands for gaps that have no name.
const UNNAMED: [(&str, &[&str]); 4] = [
    ("{} can not be converted to {}", &["STRING_VALUE", "Long"]),
    ("Identity is already linked to", &["accounts.google.com"]),
    ("Identity pool - {} does not", &[ID]),
    ("Invalid login token. Token expired", &["1800000000"]),
];

/// What is hidden, because values of requests are in it that nobody has looked at.
const HIDDEN: [&str; 3] = [
    "Tag key '{key}' contains invalid characters.",
    "The value of tag '{key}' contains invalid characters.",
    // What is told of a fault is its rule's own, and here is the one that is made of others.
    "Invalid login token. {reason}",
];

#[test]
fn a_message_of_the_emulator_is_shown_unless_it_is_hidden_on_purpose() {
    let messages = messages();
    assert!(messages.len() > 50, "{} messages", messages.len());
    let hidden: BTreeSet<&str> = messages
        .iter()
        .map(String::as_str)
        .filter(|message| !KNOWN.is_match(&filled(message)))
        .collect();

    assert_eq!(hidden, BTreeSet::from(HIDDEN));
}

/// A shown message has no room for a word more, wherever it stands.
#[test]
fn a_message_with_a_value_of_a_request_is_hidden() {
    for message in messages() {
        let filled = filled(&message);
        for value in ["eyJhbGciOiJSUzI1NiJ9.s3cret", "s3cret 1234", "s3cret\n"] {
            for spoiled in [format!("{filled} {value}"), format!("{value} {filled}")] {
                assert!(!KNOWN.is_match(&spoiled), "{spoiled}");
            }
        }
    }
}

fn filled(message: &str) -> String {
    let mut filled = message.to_owned();
    for (gap, value) in GAPS {
        filled = filled.replace(gap, value);
    }
    for (begin, values) in UNNAMED {
        if message.starts_with(begin) {
            for value in values {
                filled = filled.replacen("{}", value, 1);
            }
        }
    }
    filled
}

/// The texts of errors in the sources of the emulator, with the gaps that are filled in. What
/// is said of signatures is not among them: it is hidden, because it repeats headers.
fn messages() -> BTreeSet<String> {
    let made = Regex::new(
        r#"\b(?:Error|Self)::(\w+)\(\s*(?:Kind::\w+,\s*)?(?:format!\(\s*)?"((?:[^"\\]|\\.)+)""#,
    )
    .unwrap();
    let broken = Regex::new(r"\\\n\s*").unwrap();
    let mut sources = BTreeMap::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/emulator"),
        &mut sources,
    );
    let mut messages = BTreeSet::new();
    for source in sources.values() {
        let source = source.split("#[cfg(test)]").next().unwrap();
        let whole = broken.replace_all(source, "");
        for found in made.captures_iter(&whole) {
            let before = match &found[1] {
                "invalid_login_token" => "Invalid login token. ",
                _ => "",
            };
            messages.insert(format!("{before}{}", &found[2]));
        }
    }
    messages
}

fn read(folder: &Path, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_left_out = name.starts_with("tests") || name.starts_with("signature");
        if is_left_out || name.starts_with("sts") || name.starts_with("disk") {
            continue;
        }
        if path.is_dir() {
            read(&path, sources);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            sources.insert(path.display().to_string(), text);
        }
    }
}
