//! SAML assertions.
//!
//! Their signatures are *not* verified. Of a provider whose metadata is known, all
//! else is checked that the service looks at; of others, only the subject and the
//! attributes are read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use super::jwt::GRACE;
use crate::emulator::error::Error;
use crate::emulator::issuers::SamlProvider;

/// The attribute that lists the roles of a user, as pairs of ARNs of a role and a
/// provider.
pub(in crate::emulator) const ROLES: &str = "https://aws.amazon.com/SAML/Attributes/Role";

/// What an assertion says.
#[derive(Default)]
pub(super) struct Assertion {
    pub(super) subject: Option<String>,
    /// Lists of texts.
    pub(super) attributes: Map<String, Value>,
    assertions: usize,
    issuer: Option<String>,
    audiences: Vec<String>,
    /// The dates before which, and from which on, it is of no use.
    not_before: Vec<String>,
    not_on_or_after: Vec<String>,
}

/// Reads an assertion, which is XML in base64.
pub(super) fn read(token: &str) -> Result<Assertion, Error> {
    let packed: String = token.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| refused())?;
    let xml = String::from_utf8(bytes).map_err(|_| refused())?;
    let document = Document::parse(&xml).map_err(|_| refused())?;
    let mut read = Assertion::default();
    for node in document.descendants().filter(Node::is_element) {
        match node.tag_name().name() {
            "Assertion" => {
                read.assertions += 1;
                // A response around it has an issuer of its own.
                let mut children = node.children();
                let issuer = children.find(|child| child.tag_name().name() == "Issuer");
                read.issuer = issuer.and_then(text);
            }
            "NameID" if read.subject.is_none() => read.subject = text(node),
            "Audience" => read.audiences.extend(text(node)),
            "Conditions" | "SubjectConfirmationData" => {
                let date = |name| node.attribute(name).map(str::to_owned);
                read.not_before.extend(date("NotBefore"));
                read.not_on_or_after.extend(date("NotOnOrAfter"));
            }
            "Attribute" => {
                let values = node
                    .children()
                    .filter(|child| child.tag_name().name() == "AttributeValue")
                    .filter_map(text)
                    .map(Value::String)
                    .collect();
                if let Some(name) = node.attribute("Name") {
                    read.attributes.insert(name.to_owned(), values);
                }
            }
            _ => {}
        }
    }
    Ok(read)
}

/// Checks an assertion that the request calls one of `provider`.
///
/// unverified: the texts, which are those of other tokens, and the order.
pub(super) fn check(assertion: &Assertion, provider: &SamlProvider, now: u64) -> Result<(), Error> {
    if assertion.assertions != 1 || assertion.subject.is_none() {
        return Err(refused());
    }
    if assertion.issuer.as_ref() != Some(&provider.entity_id) {
        return Err(Error::invalid_login_token(
            "Issuer doesn't match providerName",
        ));
    }
    for date in &assertion.not_on_or_after {
        let end = seconds(date)?;
        if now >= end.saturating_add(GRACE) {
            return Err(Error::invalid_login_token(format!(
                "Token expired: {now} >= {end}"
            )));
        }
    }
    for date in &assertion.not_before {
        if now.saturating_add(GRACE) < seconds(date)? {
            return Err(refused());
        }
    }
    if !assertion.audiences.iter().any(|audience| is_aws(audience)) {
        return Err(Error::unsupported_provider());
    }
    let roles = assertion.attributes.get(ROLES).and_then(Value::as_array);
    let names_provider = |pair: &Value| {
        let mut arns = pair.as_str().unwrap_or_default().split(',');
        arns.any(|arn| arn.trim() == provider.arn)
    };
    match roles.is_some_and(|roles| roles.iter().any(names_provider)) {
        true => Ok(()),
        false => Err(refused()),
    }
}

/// AWS as the audience, in any partition and region.
fn is_aws(audience: &str) -> bool {
    let is_sign_in = |rest: &str| {
        [
            "aws.amazon.com/saml",
            "amazonaws.cn/saml",
            "amazonaws-us-gov.com/saml",
        ]
        .iter()
        .any(|end| rest == format!("signin.{end}") || rest.ends_with(&format!(".signin.{end}")))
    };
    audience == "urn:amazon:webservices"
        || audience.starts_with("urn:amazon:webservices:")
        || audience.strip_prefix("https://").is_some_and(is_sign_in)
}

fn seconds(date: &str) -> Result<u64, Error> {
    let date = humantime::parse_rfc3339(date).map_err(|_| refused())?;
    date.duration_since(std::time::SystemTime::UNIX_EPOCH)
        .map(|since| since.as_secs())
        .map_err(|_| refused())
}

fn text(node: Node<'_, '_>) -> Option<String> {
    let text = node.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// unverified: the text is not on record.
fn refused() -> Error {
    Error::invalid_login_token("Not a valid SAML assertion.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2027-01-15T08:00:00Z.
    const NOW: u64 = 1_800_000_000;
    const ARN: &str = "arn:aws:iam::123456789012:saml-provider/idp";

    const GOOD: &str = r#"<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"
        xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>other</saml:Issuer>
        <saml:Assertion><saml:Issuer>https://idp.example</saml:Issuer>
        <saml:Subject><saml:NameID Format="x">ann@example</saml:NameID>
        <saml:SubjectConfirmation><saml:SubjectConfirmationData NotOnOrAfter="2027-01-15T08:05:00Z"/>
        </saml:SubjectConfirmation></saml:Subject>
        <saml:Conditions NotBefore="2027-01-15T07:55:00.123Z" NotOnOrAfter="2027-01-15T08:05:00Z">
        <saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience>
        </saml:AudienceRestriction></saml:Conditions><saml:AttributeStatement>
        <saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role"><saml:AttributeValue>
        arn:aws:iam::123456789012:role/user,arn:aws:iam::123456789012:saml-provider/idp
        </saml:AttributeValue></saml:Attribute><saml:Attribute Name="team">
        <saml:AttributeValue>a&amp;b</saml:AttributeValue><saml:AttributeValue>c</saml:AttributeValue>
        </saml:Attribute></saml:AttributeStatement></saml:Assertion></Response>"#;

    #[test]
    fn the_subject_and_the_attributes_are_found() {
        let assertion = read(&STANDARD.encode(GOOD)).unwrap();

        assert_eq!(assertion.subject.as_deref(), Some("ann@example"));
        assert_eq!(assertion.attributes["team"], json!(["a&b", "c"]));
    }

    #[test]
    fn an_assertion_of_a_known_provider_is_checked() {
        const MALFORMED: &str = "Not a valid SAML assertion.";
        let cases = [
            ("nothing is wrong", "", "", None),
            (
                "another issuer",
                "https://idp.example",
                "https://other.example",
                Some("Issuer doesn't match providerName"),
            ),
            (
                "expired",
                "NotOnOrAfter=\"2027-01-15T08:05:00Z\">",
                "NotOnOrAfter=\"2027-01-15T07:55:00Z\">",
                Some("Token expired: 1800000000 >= 1799999700"),
            ),
            (
                "late, but within the grace",
                "NotOnOrAfter=\"2027-01-15T08:05:00Z\">",
                "NotOnOrAfter=\"2027-01-15T07:55:01Z\">",
                None,
            ),
            (
                "not good yet",
                "2027-01-15T07:55:00.123Z",
                "2027-01-15T08:05:01Z",
                Some(MALFORMED),
            ),
            (
                "a date that is none",
                "2027-01-15T07:55:00.123Z",
                "soon",
                Some(MALFORMED),
            ),
            ("no name", "ann@example", "", Some(MALFORMED)),
            (
                "no role of this provider",
                "saml-provider/idp\n",
                "saml-provider/other\n",
                Some(MALFORMED),
            ),
            (
                "AWS's sign-in as audience",
                "urn:amazon:webservices",
                "https://eu-west-1.signin.aws.amazon.com/saml",
                None,
            ),
        ];
        for (why, from, to, refused) in cases {
            let xml = GOOD.replace(from, to);

            let answer = read(&STANDARD.encode(xml))
                .and_then(|assertion| check(&assertion, &provider(), NOW));

            let expected = refused.map(Error::invalid_login_token);
            assert_eq!(answer.err(), expected, "{why}");
        }
    }

    #[test]
    fn another_audience_is_another_provider() {
        for audience in [
            "https://shop.example",
            "https://evil-signin.aws.amazon.com/saml",
        ] {
            let xml = GOOD.replace("urn:amazon:webservices", audience);
            let assertion = read(&STANDARD.encode(xml)).unwrap();

            let refused = check(&assertion, &provider(), NOW).err();

            assert_eq!(refused, Some(Error::unsupported_provider()), "{audience}");
        }
    }

    #[test]
    fn what_is_not_xml_in_base64_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        let deep = "<a>".repeat(12_000);
        for text in ["not xml", "<a>", bomb, &deep] {
            assert!(read(&STANDARD.encode(text)).is_err());
        }
        assert!(read("not base64!").is_err());
    }

    fn provider() -> SamlProvider {
        SamlProvider {
            arn: ARN.to_owned(),
            entity_id: "https://idp.example".to_owned(),
        }
    }
}
