//! SAML assertions, read without verifying the signature.
//!
//! Two things are looked for, the subject's name and the attributes; the rest of
//! the document is not understood.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Map, Value};

use crate::emulator::error::Error;

/// The attribute that lists the roles of a user, as pairs of ARNs of a role and a
/// provider.
pub(in crate::emulator) const ROLES: &str = "https://aws.amazon.com/SAML/Attributes/Role";

static NAME_ID: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?s)<(?:\w+:)?NameID(?:\s[^>]*)?>\s*([^<]+?)\s*</"));
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    compile(r#"(?s)<(?:\w+:)?Attribute\s[^>]*?Name="([^"]+)"[^>]*>(.*?)</(?:\w+:)?Attribute>"#)
});
static ATTRIBUTE_VALUE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?s)<(?:\w+:)?AttributeValue(?:\s[^>]*)?>\s*([^<]+?)\s*</"));

/// What an assertion says.
pub(super) struct Assertion {
    pub(super) subject: Option<String>,
    /// Lists of texts.
    pub(super) attributes: Map<String, Value>,
}

/// Reads an assertion, which is XML in base64.
pub(super) fn read(token: &str) -> Result<Assertion, Error> {
    // unverified: the text is not on record.
    let refused = || Error::invalid_login_token("Not a valid SAML assertion.");
    let packed: String = token.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| refused())?;
    let xml = String::from_utf8(bytes).map_err(|_| refused())?;
    if !xml.trim_start().starts_with('<') {
        return Err(refused());
    }
    let attributes = ATTRIBUTE
        .captures_iter(&xml)
        .filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())))
        .map(|(name, content)| (unescape(name), values(content)))
        .collect();
    Ok(Assertion {
        subject: NAME_ID
            .captures(&xml)
            .and_then(|found| found.get(1))
            .map(|name| unescape(name.as_str())),
        attributes,
    })
}

fn values(content: &str) -> Value {
    ATTRIBUTE_VALUE
        .captures_iter(content)
        .filter_map(|found| found.get(1))
        .map(|value| Value::String(unescape(value.as_str())))
        .collect()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

fn compile(regex: &str) -> Regex {
    #[expect(
        clippy::expect_used,
        reason = "the patterns are constants and a test compiles each"
    )]
    Regex::new(regex).expect("constant pattern")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_subject_and_the_attributes_are_found() {
        let xml = r#"<samlp:Response><saml:Subject><saml:NameID Format="x">ann@example</saml:NameID>
            </saml:Subject><saml:AttributeStatement><saml:Attribute NameFormat="f" Name="team">
            <saml:AttributeValue xsi:type="xs:string">a&amp;b</saml:AttributeValue>
            <saml:AttributeValue>c</saml:AttributeValue></saml:Attribute>
            </saml:AttributeStatement></samlp:Response>"#;

        let assertion = read(&STANDARD.encode(xml)).unwrap();

        assert_eq!(assertion.subject.as_deref(), Some("ann@example"));
        assert_eq!(
            Value::Object(assertion.attributes),
            json!({"team": ["a&b", "c"]})
        );
    }

    #[test]
    fn what_is_not_xml_in_base64_is_refused() {
        assert!(read("not base64!").is_err());
        assert!(read(&STANDARD.encode("not xml")).is_err());
    }
}
