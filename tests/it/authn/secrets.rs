//! Nothing in the room that tells callers apart compares secrets with `==`, which ends
//! at the first byte that differs. This reads the sources for the obvious.

use std::fs;
use std::path::{Path, PathBuf};

/// Names of what is secret, or is made of it.
const SECRETS: [&str; 5] = ["digest", "token", "secret", "signature", "sha256"];

const COMPARES: [&str; 5] = ["==", "!=", ".eq(", ".ne(", ".cmp("];

#[test]
fn secrets_are_not_compared_in_a_time_that_depends_on_them() {
    let mut read = 0;
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/authn")) {
        let text = fs::read_to_string(&path).unwrap();
        let found = comparisons(&text);

        assert!(found.is_empty(), "{}: {found:#?}", path.display());
        read += 1;
    }
    assert!(read > 10);
}

#[test]
fn a_planted_comparison_is_noticed() {
    for planted in [
        "if listed.digest == digest {",
        "    known.sha256 != hash",
        "tokens.iter().any(|known| known.secret.eq(token))",
    ] {
        assert_eq!(comparisons(planted).len(), 1, "{planted}");
    }
    let tests = "#[cfg(test)]\nmod tests { fn a() { assert!(token == token); } }";
    for harmless in [
        "id == \"token\"",
        "claims.len() == 3",
        "// token == token",
        tests,
    ] {
        assert_eq!(comparisons(harmless).len(), 0, "{harmless}");
    }
}

/// Lines outside tests and comments that compare something with the name of a secret.
fn comparisons(text: &str) -> Vec<&str> {
    let code = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"));
    code.filter(|line| !line.trim_start().starts_with("//"))
        .filter(|line| COMPARES.iter().any(|compare| line.contains(compare)))
        .filter(|line| {
            let code: String = line.split('"').step_by(2).collect();
            let mut words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            words.any(|word| SECRETS.contains(&word))
        })
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    });
    files
        .filter(|path| path.file_name().is_some_and(|name| name != "tests.rs"))
        .collect()
}
