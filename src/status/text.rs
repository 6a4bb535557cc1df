//! Texts within bounds: a status travels in headers, and clients bound those.

/// The text, cut to so many bytes with a mark at the end.
pub(super) fn within(text: &str, bytes: usize) -> String {
    cut(text, bytes, char::len_utf8)
}

/// The text, cut to so many bytes as gRPC sends a message: percent-encoded, so that
/// all but printable ASCII takes three bytes for one.
pub(super) fn within_sent(text: &str, bytes: usize) -> String {
    cut(text, bytes, |character| match character {
        ' '..='~' if character != '%' => 1,
        other => 3 * other.len_utf8(),
    })
}

fn cut(text: &str, bytes: usize, size: impl Fn(char) -> usize) -> String {
    let mut left = bytes;
    for (position, character) in text.char_indices() {
        match left.checked_sub(size(character)) {
            Some(rest) => left = rest,
            None => return format!("{}…", text.get(..position).unwrap_or_default()),
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_by_the_bytes_it_takes() {
        assert_eq!(within("short", 5), "short");
        assert_eq!(within("longer", 5), "longe…");
        assert_eq!(within("aéé", 4), "aé…");
        assert_eq!(within_sent("a%é", 10), "a%é");
        assert_eq!(within_sent("a%é", 9), "a%…");
    }
}
