//! A file with headers for collectors, whose values are secrets.

use std::path::Path;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::settings_file;

/// What a request has of its own.
const OWN: [HeaderName; 5] = [
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
];

/// Reads a file of `name: value` lines; empty ones and those that begin with `#` are left
/// out. Values do not show in `Debug`.
///
/// # Errors
///
/// What is wrong, by the number of its line and without what stands there.
pub fn read(path: &Path) -> Result<HeaderMap, String> {
    parse(&settings_file::read(path)?)
}

fn parse(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) =
            header(line).ok_or_else(|| format!("line {number} is not `name: value`"))?;
        if OWN.contains(&name) {
            return Err(format!("line {number}: `{name}` cannot be set"));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let mut value: HeaderValue = value.trim().parse().ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_their_values_are_not_shown() {
        let headers =
            parse("# for the gateway\n\nAuthorization: Bearer a:b\r\nX-Scope: one\nX-Scope:two");

        let headers = headers.unwrap();
        assert_eq!(headers["authorization"], "Bearer a:b");
        let scopes: Vec<_> = headers.get_all("x-scope").into_iter().collect();
        assert_eq!(scopes, ["one", "two"]);
        assert!(!format!("{headers:?}").contains("Bearer"));
    }

    #[test]
    fn a_mistake_names_its_line_and_shows_no_secret() {
        for (text, mistake) in [
            ("a: b\nBearer s3cret", "line 2 is not `name: value`"),
            ("s3cret word: x", "line 1 is not `name: value`"),
            ("a: s3cret\u{7}", "line 1 is not `name: value`"),
            (
                "Content-Type: s3cret",
                "line 1: `content-type` cannot be set",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), mistake);
        }
        assert!(
            read(Path::new("/nowhere"))
                .unwrap_err()
                .starts_with("cannot be read")
        );
    }
}
