//! Opaque tokens for the next page.
//!
//! A token names the list it continues and the last entry it has shown, so it
//! stays good when that entry is deleted in between.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::Error;

/// The largest page of every list.
pub(super) const LARGEST: usize = 60;

/// The token that continues `list` after `last`.
pub(super) fn token(list: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}\n{last}"))
}

/// The last entry that the page before has shown; nothing for the first page.
pub(super) fn last_shown(list: &str, token: Option<&str>) -> Result<Option<String>, Error> {
    let Some(token) = token else { return Ok(None) };
    // unverified: type and text are not on record.
    let refused = || Error::invalid("Invalid NextToken");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
    let text = String::from_utf8(bytes).map_err(|_| refused())?;
    match text.split_once('\n') {
        Some((of, last)) if of == list => Ok(Some(last.to_owned())),
        _ => Err(refused()),
    }
}

/// One page of `entries`, and the token for the next one if there is one.
pub(super) fn page<T>(
    list: &str,
    entries: impl Iterator<Item = T>,
    size: usize,
    key: impl Fn(&T) -> &str,
) -> (Vec<T>, Option<String>) {
    let mut entries: Vec<T> = entries.take(size.saturating_add(1)).collect();
    let more = entries.len() > size;
    entries.truncate(size);
    let next = entries
        .last()
        .filter(|_| more)
        .map(|last| token(list, key(last)));
    (entries, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_list_only() {
        let token = token("identities of a", "key");

        let last = last_shown("identities of a", Some(&token));

        assert_eq!(last, Ok(Some("key".to_owned())));
        assert!(last_shown("identities of b", Some(&token)).is_err());
        assert!(last_shown("identities of a", Some("nonsense!")).is_err());
    }

    #[test]
    fn the_last_page_has_no_token() {
        let (first, next) = page("l", ["a", "b", "c"].into_iter(), 2, |entry| entry);
        assert_eq!(first, ["a", "b"]);
        assert_eq!(next, Some(token("l", "b")));

        let (last, next) = page("l", ["c", "d"].into_iter(), 2, |entry| entry);
        assert_eq!(last, ["c", "d"]);
        assert_eq!(next, None);
    }
}
