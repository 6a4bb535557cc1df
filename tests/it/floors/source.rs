//! Source files as the rules see them: without comments and without tests.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::comments::{blank, without_comments};

/// One file of `src/`.
pub(super) struct Source {
    /// Its path below `src/`, such as `layers/inspect.rs`.
    pub(super) path: String,
    /// Whether it begins with `//!`; files of tests need not.
    pub(super) has_docs: bool,
    /// How many lines it has outside its tests.
    pub(super) lines: usize,
    /// The code, with comments, strings and tests blanked out.
    pub(super) code: String,
    /// The same with strings left in.
    pub(super) code_and_strings: String,
}

impl Source {
    pub(super) fn new(path: &str, content: &str) -> Self {
        let (mut code, mut code_and_strings) = without_comments(content);
        let mut lines = content.lines().count();
        if is_test_file(content) {
            lines = 0;
            code = String::new();
            code_and_strings = String::new();
        }
        for (start, end) in test_items(&code) {
            lines -= code[start..end].lines().count();
            code.replace_range(start..end, &blank(&code[start..end]));
            let strings = blank(&code_and_strings[start..end]);
            code_and_strings.replace_range(start..end, &strings);
        }
        Self {
            path: path.to_owned(),
            has_docs: content.starts_with("//!"),
            lines,
            code,
            code_and_strings,
        }
    }

    /// The names of the modules from the crate's root to this file.
    pub(super) fn modules(&self) -> Vec<&str> {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        match path {
            "lib" => Vec::new(),
            path => path.split('/').collect(),
        }
    }

    /// The room: the first of [`Self::modules`].
    pub(super) fn room(&self) -> &str {
        self.modules().first().copied().unwrap_or("lib")
    }
}

/// Every file below `folder`; those that are compiled for tests only come without
/// code.
pub(super) fn read_all(folder: &Path) -> Vec<Source> {
    let files = rust_files(folder);
    let tests: HashSet<String> = files
        .iter()
        .flat_map(|(path, content)| test_modules(path, content))
        .collect();
    files
        .iter()
        .map(|(path, content)| {
            let of_tests = tests
                .iter()
                .any(|test| path == &format!("{test}.rs") || path.starts_with(&format!("{test}/")));
            let mut source = Source::new(path, content);
            if of_tests {
                source.has_docs = true;
                source.lines = 0;
                source.code.clear();
                source.code_and_strings.clear();
            }
            source
        })
        .collect()
}

/// The path and the text of each file of Rust below `folder`, by their paths.
pub(crate) fn rust_files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(folder, folder, &mut files);
    files.sort();
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.push((below.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// `#![cfg(test)]` at the top.
fn is_test_file(content: &str) -> bool {
    content.lines().any(|line| line.trim() == "#![cfg(test)]")
}

/// Where the modules lie that the file declares with `#[cfg(test)] mod name;`.
fn test_modules(path: &str, content: &str) -> Vec<String> {
    let (code, _) = without_comments(content);
    let folder = match path.rsplit('/').next() {
        Some("lib.rs" | "main.rs" | "mod.rs") => path.rsplit_once('/').map_or("", |(up, _)| up),
        _ => path.trim_end_matches(".rs"),
    };
    test_items(&code)
        .into_iter()
        .filter_map(|(start, end)| {
            let item = code[start..end].strip_suffix(';')?;
            let (before, name) = item.rsplit_once("mod ")?;
            (!before.contains('{')).then(|| match folder {
                "" => name.trim().to_owned(),
                folder => format!("{folder}/{}", name.trim()),
            })
        })
        .collect()
}

/// From where to where the items go that stand under `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    let mut items: Vec<(usize, usize)> = Vec::new();
    for (start, _) in code.match_indices(ATTRIBUTE) {
        if items.last().is_none_or(|(_, end)| start >= *end) {
            let begin = start + ATTRIBUTE.len();
            items.push((start, begin + end_of_item(&code[begin..])));
        }
    }
    items
}

/// An item ends with a `;` or a closing brace, a field or an arm also with a `,`.
fn end_of_item(code: &str) -> usize {
    let mut rest = code.trim_start();
    while rest.starts_with("#[") {
        rest = rest[end_of_group(rest)..].trim_start();
    }
    const ITEMS: &[&str] = &[
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "let",
        "macro_rules",
        "mod",
        "pub",
        "static",
        "struct",
        "trait",
        "type",
        "unsafe",
        "use",
    ];
    let word = rest.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    let is_item = word
        .clone()
        .next()
        .is_some_and(|word| ITEMS.contains(&word));
    let skipped = code.len() - rest.len();
    let mut depth = 0_i32;
    for (at, character) in rest.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        let ends = match character {
            ';' => depth == 0,
            ',' => depth == 0 && !is_item,
            '}' => depth <= 0,
            _ => depth < 0,
        };
        if ends {
            // A brace that was opened before the item is not part of it.
            let own = usize::from(depth >= 0);
            return skipped + at + own;
        }
    }
    code.len()
}

/// Where the attribute ends that `code` begins with.
fn end_of_group(code: &str) -> usize {
    let mut depth = 0_i32;
    for (at, character) in code.char_indices() {
        match character {
            '[' => depth += 1,
            ']' if depth == 1 => return at + 1,
            ']' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn comments_strings_and_tests_are_left_out() {
    let source = Source::new(
        "a.rs",
        r##"//! Docs.
fn one<'a>() { /* x /* y */ z */ call("str//ing", 'c', '"', r#"raw "quoted" "#, b"x"); } // end
#[cfg(test)]
#[allow(dead_code)]
static ALL: [u8; 2] = [1, 2];
struct Two { #[cfg(test)] three: Vec<(u8, u8)>, four: u8 }
#[cfg(test)]
mod tests { fn f() { g("}") } }
"##,
    );

    let words: Vec<&str> = source.code.split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "fn one<'a>() { call( , , , , b ); } struct Two { four: u8 }"
    );
    assert!(source.code_and_strings.contains("str//ing"));
    assert_eq!(source.lines, 8 - 3 - 1 - 2);
}

#[test]
fn files_of_test_modules_are_known_by_their_declaration() {
    let declared = "mod a;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod testing;\n";

    assert_eq!(
        test_modules("server/listen.rs", declared),
        ["server/listen/tests", "server/listen/testing"]
    );
    assert_eq!(test_modules("lib.rs", declared), ["tests", "testing"]);
}
