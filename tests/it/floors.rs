//! Who may use whom, held against the sources, so that the map in the crate's docs
//! stays true. Where a test here fails, move the code; the tables change only when
//! the design does.

mod comments;
mod path;
mod planted;
mod source;
mod table;

use std::path::Path as Folder;

use path::Path;
use planted::{PLANTED, Planted};
use source::Source;
pub(crate) use source::rust_files;
use table::*;

#[test]
fn every_room_keeps_to_its_floor() {
    let sources = source::read_all(Folder::new("src"));
    assert!(!sources.is_empty());

    let found: Vec<String> = sources.iter().flat_map(violations).collect();

    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Everything in the file that breaks a rule, as sentences.
fn violations(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |line: usize, text: String| {
        found.push(format!("src/{}:{line}: {text}", source.path));
    };

    if !source.has_docs {
        say(1, "begins without `//!` docs".to_owned());
    }
    if source.lines > MOST_LINES {
        let lines = source.lines;
        say(
            1,
            format!("has {lines} lines without its tests, {MOST_LINES} are the most"),
        );
    }
    let room = source.room();
    let is_known = room == "lib" || WORDS.contains(&room) || may_use(source).is_some();
    if !is_known {
        say(
            1,
            format!("the room `{room}` stands on no floor; give it one in tests/it/floors.rs"),
        );
    }
    for path in path::all(&source.code) {
        if let Some(other) = uses_room(source, &path)
            && other != room
            && room != "lib"
            && is_known
            && !WORDS.contains(&other)
            && !may_use(source).is_some_and(|rooms| rooms.contains(&other))
        {
            say(path.line, format!("`{room}` may not use `{other}`"));
        }
        if let Some((name, places)) = restricted_crate(&path)
            && !stands_in(source, places)
        {
            say(
                path.line,
                format!("the crate `{name}` is named in {} only", places.join(", ")),
            );
        }
        if (path.has("Instant", |name| name == "now")
            || path.has("SystemTime", |name| name == "now"))
            && !stands_in(source, CLOCK)
        {
            say(
                path.line,
                "the clock is read in clock.rs only; take a `Clock`".to_owned(),
            );
        }
        if path.has("env", |name| name.starts_with("var")) && !stands_in(source, ENVIRONMENT) {
            say(
                path.line,
                "the environment is read in config.rs only".to_owned(),
            );
        }
        if path.has("Status", |name| {
            name.starts_with(char::is_lowercase) && !READS_STATUS.contains(&name)
        }) && !stands_in(source, STATUS)
        {
            say(
                path.line,
                "a `Status` is built in status.rs only; use a `Failure`".to_owned(),
            );
        }
    }
    if !stands_in(source, RPC_PATHS) {
        for (number, line) in source.code_and_strings.lines().enumerate() {
            if line.contains("/cognito.identity.v1.") {
                say(
                    number + 1,
                    "paths of RPCs stand in operation.rs only".to_owned(),
                );
            }
        }
    }
    found
}

/// What the file may use beside the words; nothing for rooms that have no row.
fn may_use(source: &Source) -> Option<&'static [&'static str]> {
    if ENGINES.contains(&source.room()) {
        return Some(&[]);
    }
    HIGHER
        .iter()
        .filter(|(place, _)| stands_in(source, &[place]))
        .max_by_key(|(place, _)| place.len())
        .map(|(_, rooms)| *rooms)
}

/// The room that a path leads into.
fn uses_room<'a>(source: &Source, path: &'a Path) -> Option<&'a str> {
    let segments = &path.segments;
    let ups = segments
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    let is_from_root = match segments.first()?.as_str() {
        "crate" => true,
        "poolgate" => source.path == "main.rs",
        _ => false,
    };
    if is_from_root {
        segments.get(1).map(String::as_str)
    } else if ups > 0 && ups == source.modules().len() {
        segments.get(ups).map(String::as_str)
    } else {
        None
    }
}

fn restricted_crate(path: &Path) -> Option<(&str, &'static [&'static str])> {
    let name = path.segments.first()?;
    CRATES
        .iter()
        .find(|(restricted, _)| match restricted.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == restricted,
        })
        .map(|(_, places)| (name.as_str(), *places))
}

/// Whether the file is one of `places` or lies below one.
fn stands_in(source: &Source, places: &[&str]) -> bool {
    let modules = source.modules();
    places.iter().any(|place| {
        let place: Vec<&str> = place.split('/').collect();
        modules.starts_with(&place)
    })
}

#[test]
fn each_rule_notices_a_planted_violation() {
    for planted in PLANTED {
        let Planted {
            why,
            path,
            code,
            says,
        } = planted;
        let found = violations(&Source::new(path, &format!("//! Docs.\n{code}\n")));

        assert_eq!(found.len(), 1, "{why}: {found:?}");
        assert!(found[0].contains(says), "{why}: {found:?}");
    }

    let undocumented = violations(&Source::new("quota.rs", "// Words.\n"));
    assert!(
        undocumented[0].contains("begins without"),
        "{undocumented:?}"
    );
    let long = "//! Docs.\n".repeat(MOST_LINES + 1);
    let long = violations(&Source::new("quota.rs", &long));
    assert!(long[0].contains("has 301 lines"), "{long:?}");
}

#[test]
fn comments_and_tests_may_say_anything() {
    for Planted {
        why, path, code, ..
    } in PLANTED.iter().filter(|planted| planted.path != "util.rs")
    {
        let content = format!("//! Docs.\n// {code}\n#[cfg(test)]\nmod tests {{ {code} }}\n");
        let found = violations(&Source::new(path, &content));

        assert!(found.is_empty(), "{why}: {found:?}");
    }
    let tests = format!(
        "//! Docs.\n#[cfg(test)]\nmod tests {{{}}}\n",
        "\n".repeat(400)
    );
    assert!(violations(&Source::new("quota.rs", &tests)).is_empty());
}
