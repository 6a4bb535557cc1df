//! Blanks out comments and strings, so that only code is left.

/// The code without comments: once without and once with what is in strings. Every
/// byte keeps its place.
pub(super) fn without_comments(content: &str) -> (String, String) {
    let mut code = String::with_capacity(content.len());
    let mut code_and_strings = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(first) = rest.chars().next() {
        let follows_word = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let (length, kind) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), Kind::Comment)
        } else if rest.starts_with("/*") {
            (block_comment(rest), Kind::Comment)
        } else if let Some(length) = raw_string(rest).filter(|_| !follows_word) {
            (length, Kind::String)
        } else if first == '"' {
            (quoted(rest, '"'), Kind::String)
        } else if let Some(length) = character_literal(rest) {
            (length, Kind::String)
        } else {
            (first.len_utf8(), Kind::Code)
        };
        let (piece, after) = rest.split_at(length);
        let blanked = blank(piece);
        code.push_str(if kind == Kind::Code { piece } else { &blanked });
        code_and_strings.push_str(if kind == Kind::Comment {
            &blanked
        } else {
            piece
        });
        rest = after;
    }
    (code, code_and_strings)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    String,
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, _) in text.match_indices(['/', '*']) {
        if text[at..].starts_with("/*") {
            depth += 1;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return at + 2;
            }
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - inner.len();
    Some(
        inner
            .find(&end)
            .map_or(text.len(), |at| start + at + end.len()),
    )
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// `'x'` and `'\n'`, but not the lifetime `'x`.
fn character_literal(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let mut characters = inner.chars();
    match characters.next()? {
        '\\' => Some(quoted(text, '\'')),
        only => (characters.next() == Some('\'')).then(|| only.len_utf8() + 2),
    }
}

/// As many bytes, all of them spaces except for line ends.
pub(super) fn blank(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}
