//! Finds the paths in code: `crate::a::b`, and each of `use crate::{a, b::c}`.

/// A path and the line it begins on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

impl Path {
    /// Whether `first::second` is part of the path.
    pub(super) fn has(&self, first: &str, second: impl Fn(&str) -> bool) -> bool {
        self.segments
            .windows(2)
            .any(|pair| pair[0] == first && second(&pair[1]))
    }
}

/// Every path of at least two segments, and the single names that a `use` imports.
pub(super) fn all(code: &str) -> Vec<Path> {
    let tokens = tokens(code);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_use = tokens[at].text == "use";
        let start = if is_use { at + 1 } else { at };
        let continues = at > 0 && matches!(tokens[at - 1].text, "." | "::") && !leads(&tokens, at);
        if continues || !(is_use || tokens[start].is_word()) {
            at += 1;
            continue;
        }
        let mut found = Vec::new();
        at = expand(&tokens, start, &[], is_use, &mut found).max(at + 1);
        paths.extend(
            found
                .into_iter()
                .filter(|path| is_use || path.segments.len() > 1),
        );
    }
    paths
}

/// Whether the `::` before this token begins a path, as in `::tonic::Code`.
fn leads(tokens: &[Token<'_>], at: usize) -> bool {
    tokens[at - 1].text == "::"
        && (at < 2 || !(tokens[at - 2].is_word() || matches!(tokens[at - 2].text, ">" | "]" | ")")))
}

/// Reads one path and, in a `use`, the tree behind it. Gives back where it ends.
fn expand(
    tokens: &[Token<'_>],
    mut at: usize,
    before: &[String],
    is_use: bool,
    found: &mut Vec<Path>,
) -> usize {
    let mut segments = before.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    loop {
        match tokens.get(at) {
            Some(token) if token.text == "::" => at += 1,
            Some(token) if token.text == "{" && is_use => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = expand(tokens, at, &segments, is_use, found).max(at + 1);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            Some(token) if token.is_word() => {
                segments.push(token.text.to_owned());
                at += 1;
            }
            _ => break,
        }
        let goes_on = match tokens.get(at) {
            Some(token) if token.text == "::" => true,
            Some(token) => {
                tokens[at - 1].text == "::" && (token.is_word() || is_use && token.text == "{")
            }
            None => false,
        };
        if !goes_on {
            break;
        }
    }
    if segments.len() > before.len() {
        found.push(Path { line, segments });
    }
    // `as name` gives a new name, which is no path.
    if is_use && tokens.get(at).is_some_and(|token| token.text == "as") {
        at += 2;
    }
    at
}

struct Token<'a> {
    line: usize,
    text: &'a str,
}

impl Token<'_> {
    fn is_word(&self) -> bool {
        self.text.starts_with(is_word_character) && !self.text.starts_with(char::is_numeric)
    }
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Words, `::`, arrows and single characters.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if ["::", "->", "=>"].iter().any(|sign| rest.starts_with(sign)) {
                2
            } else if is_word_character(first) {
                rest.find(|character| !is_word_character(character))
                    .unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            let (text, after) = rest.split_at(length);
            tokens.push(Token {
                line: number + 1,
                text,
            });
            rest = after.trim_start();
        }
    }
    tokens
}

#[test]
fn paths_are_found_in_imports_and_in_code() {
    let code = "use crate::{a, b::{c, d as e}};\nuse tower;\nlet x: ::tonic::Code = Vec::<u8>::new();\nf(self.g, super::super::h::i)\n  .j(<K as l::M>::n);";
    let found: Vec<(usize, String)> = all(code)
        .into_iter()
        .map(|path| (path.line, path.segments.join("::")))
        .collect();

    let expected = [
        (1, "crate::a"),
        (1, "crate::b::c"),
        (1, "crate::b::d"),
        (2, "tower"),
        (3, "tonic::Code"),
        (4, "super::super::h::i"),
        (5, "l::M"),
    ];
    assert_eq!(found, expected.map(|(line, path)| (line, path.to_owned())),);
}
