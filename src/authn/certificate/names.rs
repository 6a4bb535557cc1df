//! SPIFFE IDs and DNS names.

/// The longest SPIFFE ID, in bytes.
const MOST_BYTES: usize = 2048;

/// The trust domain of a caller's SPIFFE ID, or what is wrong with the text.
///
/// The rules are those of the SPIFFE ID standard, sections 2.1 to 2.3, and of the
/// X.509-SVID standard, section 4: a caller's ID has a path.
pub(in crate::authn) fn spiffe_id(text: &str) -> Result<&str, &'static str> {
    if text.len() > MOST_BYTES {
        return Err("longer than 2048 bytes");
    }
    let rest = text
        .strip_prefix("spiffe://")
        .ok_or("not a URI that begins with `spiffe://`")?;
    let (domain, path) = rest.split_once('/').ok_or("without a path")?;
    if !trust_domain(domain) {
        return Err("the trust domain has other characters than `a-z0-9._-`, or none");
    }
    for segment in path.split('/') {
        if segment.is_empty() {
            return Err("the path has an empty segment");
        }
        if segment == "." || segment == ".." {
            return Err("the path has a segment `.` or `..`");
        }
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !segment.bytes().all(good) {
            return Err("the path has other characters than `A-Za-z0-9._-`");
        }
    }
    Ok(domain)
}

/// Whether a text can be the name of a trust domain.
pub(in crate::authn) fn trust_domain(text: &str) -> bool {
    let good =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=255).contains(&text.len()) && text.bytes().all(good)
}

/// A host's name in lower case, or what is wrong with it. There are no wildcards, as a
/// caller is one.
pub(in crate::authn) fn dns_name(text: &str) -> Result<String, &'static str> {
    let label = |label: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(good)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match text.len() <= 253 && text.split('.').all(label) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("not the DNS name of one host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_name() {
        for (text, name) in [
            ("Shop.Example.org", Some("shop.example.org")),
            ("localhost", Some("localhost")),
            ("*.example.org", None),
            ("shop.example.org.", None),
            ("shop..example.org", None),
            ("-shop.example.org", None),
            ("shop_1.example.org", None),
            ("", None),
        ] {
            assert_eq!(dns_name(text).ok().as_deref(), name, "{text}");
        }
    }
}
