//! The token in the header `authorization`.

use super::refusal::{Method, Refusal};

/// The longest token, in bytes.
pub(super) const MOST_BYTES: usize = 8 * 1024;

/// The token of a call, or nothing where it has no such header.
///
/// There is exactly one value, its scheme is `Bearer` in any case (RFC 7235), and the
/// token has the characters of RFC 6750. Two values are refused, because whoever stands
/// between could believe the other one.
pub(super) fn token<'a>(
    mut values: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(refused("more than one `authorization`"));
    }
    let text = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.is_ascii())
        .ok_or_else(|| refused("`authorization` is not ASCII"))?;
    let (scheme, token) = text
        .split_once(' ')
        .ok_or_else(|| refused("`authorization` is not a scheme and a token"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused("the scheme of `authorization` is not Bearer"));
    }
    let token = token.trim_matches(' ');
    if token.is_empty() {
        return Err(refused("the token is empty"));
    }
    if token.len() > MOST_BYTES {
        return Err(refused(format!(
            "the token has more than {MOST_BYTES} bytes"
        )));
    }
    if !token.bytes().all(is_of_a_token) {
        return Err(refused("the token has characters that tokens do not have"));
    }
    Ok(Some(token))
}

fn is_of_a_token(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

fn refused(cause: impl Into<String>) -> Refusal {
    Refusal::new(Method::Token, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_in_one_header_by_the_scheme_bearer() {
        for (values, expected) in [
            (&[][..], None),
            (&["Bearer abc.DEF-1_2~+/=="], Some("abc.DEF-1_2~+/==")),
            (&["bEARER abc"], Some("abc")),
            (&["Bearer  abc "], Some("abc")),
        ] {
            assert_eq!(read(values), Ok(expected), "{values:?}");
        }
        let longest = "a".repeat(MOST_BYTES);
        assert_eq!(read(&[&format!("Bearer {longest}")]), Ok(Some(&*longest)));
    }

    #[test]
    fn anything_else_is_refused() {
        let longer = format!("Bearer {}", "a".repeat(MOST_BYTES + 1));
        for (values, says) in [
            (&[&*longer][..], "more than 8192 bytes"),
            (&["Bearer a", "Bearer a"], "more than one"),
            (&["Bearer a, Bearer b"], "characters"),
            (&["Basic dXNlcjpwYXNz"], "not Bearer"),
            (&["Bearer"], "a scheme and a token"),
            (&["Bearer "], "empty"),
            (&[""], "a scheme and a token"),
            (&["Bearer\tabc"], "a scheme and a token"),
            (&["Bearer ä"], "not ASCII"),
        ] {
            let cause = read(values).unwrap_err();
            assert!(cause.contains(says), "{values:?}: {cause}");
        }
        assert!(token([&b"Bearer \xff"[..]].into_iter()).is_err());
    }

    fn read<'a>(values: &[&'a str]) -> Result<Option<&'a str>, String> {
        token(values.iter().map(|value| value.as_bytes())).map_err(|refusal| refusal.cause)
    }
}
