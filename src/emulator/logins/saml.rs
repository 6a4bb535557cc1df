//! SAML assertions.
//!
//! Of a provider whose metadata is known, the signature is verified and all else checked
//! that the service looks at; of others, only the subject and the attributes are read.
//! Either way there is one assertion in a document, and what stands elsewhere in it says
//! nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

use crate::emulator::error::Error;
use crate::emulator::issuers::{SamlProvider, unverifiable};
use crate::emulator::xml::children;

mod canonical;
mod signature;
mod terms;

/// The attribute that lists the roles of a user, as pairs of ARNs of a role and a
/// provider.
pub(in crate::emulator) const ROLES: &str = "https://aws.amazon.com/SAML/Attributes/Role";

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// How an assertion confirms a subject that has nothing to show but the assertion.
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What an assertion says.
#[derive(Default)]
pub(super) struct Assertion {
    pub(super) subject: Option<String>,
    /// Lists of texts.
    pub(super) attributes: Map<String, Value>,
    /// Lists of audiences, of each of which it has to be meant for one.
    audiences: Vec<Vec<String>>,
    /// Whether it asks for more of its subject than to bring it.
    not_for_bearers: bool,
    /// The dates before which, and from which on, it is of no use to a bearer.
    not_before: Vec<String>,
    not_on_or_after: Vec<String>,
}

/// Reads an assertion, which is XML in base64, and believes it.
pub(super) fn believed(token: &str) -> Result<Assertion, Error> {
    let xml = unpacked(token)?;
    let document = parsed(&xml)?;
    one_assertion(&document).map(read)
}

/// Reads an assertion and refuses one that is not good for `provider`, as the request
/// calls it, at the time `now`, in seconds since the epoch.
pub(super) fn verified(token: &str, provider: &SamlProvider, now: u64) -> Result<Assertion, Error> {
    let xml = unpacked(token)?;
    let document = parsed(&xml)?;
    let element = one_assertion(&document)?;
    let issuer = children(element, "Issuer").find_map(text);
    if issuer.as_ref() != Some(&provider.entity_id) {
        return Err(Error::invalid_login_token(
            "Issuer doesn't match providerName",
        ));
    }
    if !signature::is_good(element, &provider.keys) {
        return Err(unverifiable());
    }
    if !succeeded(document.root_element()) {
        return Err(refused());
    }
    let assertion = read(element);
    terms::check(&assertion, provider, now).map(|()| assertion)
}

fn unpacked(token: &str) -> Result<String, Error> {
    let packed: String = token.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| refused())?;
    String::from_utf8(bytes).map_err(|_| refused())
}

fn parsed(xml: &str) -> Result<Document<'_>, Error> {
    Document::parse(xml).map_err(|_| refused())
}

fn one_assertion<'a, 'input>(document: &'a Document<'input>) -> Result<Node<'a, 'input>, Error> {
    let mut found = document
        .descendants()
        .filter(|node| node.tag_name().name() == "Assertion");
    match (found.next(), found.next()) {
        (Some(assertion), None) => Ok(assertion),
        _ => Err(refused()),
    }
}

/// Whether a response tells of success, where it tells how the request went at all.
fn succeeded(response: Node<'_, '_>) -> bool {
    children(response, "Status").all(|status| {
        let mut codes = children(status, "StatusCode").peekable();
        codes.peek().is_some() && codes.all(|code| code.attribute("Value") == Some(SUCCESS))
    })
}

/// Reads what stands in the assertion, in the places that SAML has for it.
fn read(element: Node<'_, '_>) -> Assertion {
    let mut read = Assertion::default();
    let subject = || children(element, "Subject");
    let confirmations: Vec<_> = subject()
        .flat_map(|subject| children(subject, "SubjectConfirmation"))
        .collect();
    let bearers = || {
        let of_kind = confirmations.iter().copied();
        of_kind.filter(|confirmation| confirmation.attribute("Method") == Some(BEARER))
    };
    let conditions = || children(element, "Conditions");
    read.subject = subject()
        .flat_map(|subject| children(subject, "NameID"))
        .find_map(text);
    read.not_for_bearers = !confirmations.is_empty() && bearers().next().is_none();
    let data = bearers().flat_map(|bearer| children(bearer, "SubjectConfirmationData"));
    for dated in conditions().chain(data) {
        let date = |name| dated.attribute(name).map(str::to_owned);
        read.not_before.extend(date("NotBefore"));
        read.not_on_or_after.extend(date("NotOnOrAfter"));
    }
    read.audiences = conditions()
        .flat_map(|conditions| children(conditions, "AudienceRestriction"))
        .map(|restriction| {
            let audiences = children(restriction, "Audience");
            audiences.filter_map(text).collect()
        })
        .collect();
    let statements = children(element, "AttributeStatement");
    for attribute in statements.flat_map(|statement| children(statement, "Attribute")) {
        let values = children(attribute, "AttributeValue")
            .filter_map(text)
            .map(Value::String);
        let known = attribute.attribute("Name").and_then(|name| {
            let known = read.attributes.entry(name).or_insert_with(|| json!([]));
            known.as_array_mut()
        });
        if let Some(known) = known {
            known.extend(values);
        }
    }
    read
}

fn text(node: Node<'_, '_>) -> Option<String> {
    let text = all_text(node);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The text of an element as its canonical form has it: a comment does not end it.
fn all_text(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|text| text.text())
        .collect()
}

/// unverified: the text is not on record.
fn refused() -> Error {
    Error::invalid_login_token("Not a valid SAML assertion.")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::emulator::read_saml_metadata;

    const DOCUMENT: &str = "<Response><Issuer>outside</Issuer><NameID>outside</NameID>\
        <Attribute Name='team'><AttributeValue>outside</AttributeValue></Attribute>\
        <Assertion><Issuer>idp</Issuer><Subject><NameID>ann<!-- -->@example</NameID></Subject>\
        <AttributeStatement><Attribute Name='team'><AttributeValue> a&amp;b </AttributeValue>\
        <AttributeValue>c</AttributeValue></Attribute></AttributeStatement></Assertion>\
        <NameID>outside</NameID></Response>";

    #[test]
    fn what_stands_in_the_assertion_is_read_whole_and_nothing_else() {
        let assertion = believed(&STANDARD.encode(DOCUMENT)).unwrap();

        assert_eq!(assertion.subject.as_deref(), Some("ann@example"));
        assert_eq!(assertion.attributes["team"], json!(["a&b", "c"]));
    }

    #[test]
    fn an_attribute_that_is_there_twice_has_the_values_of_both() {
        let more = "<Attribute Name='team'><AttributeValue>d</AttributeValue></Attribute>\
            <Attribute Name='team'/></AttributeStatement>";
        let xml = DOCUMENT.replace("</AttributeStatement>", more);

        let assertion = believed(&STANDARD.encode(xml)).unwrap();

        assert_eq!(assertion.attributes["team"], json!(["a&b", "c", "d"]));
    }

    #[test]
    fn a_response_has_to_tell_of_success_where_it_tells_of_anything() {
        const SIGNED: &str = include_str!("saml/vectors/assertion.xml");
        let with = |status: &str| {
            SIGNED.replacen("<saml:Assertion", &format!("{status}<saml:Assertion"), 1)
        };
        let code = |value: &str| format!("<samlp:StatusCode Value='{value}'/>");
        let status = |codes: &str| format!("<samlp:Status>{codes}</samlp:Status>");
        let good = code("urn:oasis:names:tc:SAML:2.0:status:Success");
        let bad = code("urn:oasis:names:tc:SAML:2.0:status:Responder");
        for (why, xml, accepted) in [
            ("no status", SIGNED.to_owned(), true),
            ("success", with(&status(&good)), true),
            ("a failure", with(&status(&bad)), false),
            (
                "a failure, signed",
                include_str!("saml/vectors/failed.xml").to_owned(),
                false,
            ),
            ("both", with(&status(&format!("{good}{bad}"))), false),
            (
                "one after the other",
                with(&format!("{}{}", status(&good), status(&bad))),
                false,
            ),
            ("no code", with(&status("")), false),
        ] {
            let answer = verified(&STANDARD.encode(xml), &provider(), NOW);

            let expected = (!accepted).then(refused);
            assert_eq!(answer.err(), expected, "{why}");
        }
    }

    /// 2027-01-15T08:00:00Z.
    const NOW: u64 = 1_800_000_000;

    fn provider() -> SamlProvider {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/emulator/logins/saml/vectors/metadata.xml"
        );
        let arn = "arn:aws:iam::123456789012:saml-provider/idp";
        read_saml_metadata(arn, Path::new(path)).unwrap()
    }

    #[test]
    fn what_is_not_one_assertion_in_base64_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
        let open = "<a>".repeat(12_000);
        let two = "<a><Assertion/><Assertion/></a>";
        for text in ["not xml", "<a>", "<a/>", bomb, &open, two] {
            assert!(believed(&STANDARD.encode(text)).is_err(), "{text}");
        }
        assert!(believed("not base64!").is_err());
    }
}
