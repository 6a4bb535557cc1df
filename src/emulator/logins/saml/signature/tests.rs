//! Signatures of another implementation, and what attackers make of them. The documents
//! are those that tests/clients/python/saml.py makes.

use std::path::Path;

use roxmltree::Document;
use serde_json::Value;

use super::*;
use crate::emulator::logins::saml::{one_assertion, read};
use crate::emulator::read_saml_metadata;

const ASSERTION: &str = include_str!("../vectors/assertion.xml");
const RESPONSE: &str = include_str!("../vectors/response.xml");
const BOTH: &str = include_str!("../vectors/both.xml");
const PREFIXES: &str = include_str!("../vectors/prefixes.xml");
/// Signed responses: one without an assertion, one with an assertion that is not directly
/// in it.
const WITHOUT: &str = include_str!("../vectors/without.xml");
const NESTED: &str = include_str!("../vectors/nested.xml");
const SHA512_TOO: &str = include_str!("../vectors/sha512.xml");
const SHA1: &str = include_str!("../vectors/sha1.xml");
const INCLUSIVE: &str = include_str!("../vectors/inclusive.xml");
const OTHER_KEY: &str = include_str!("../vectors/other_key.xml");

#[test]
fn signatures_of_the_providers_key_are_good_and_others_are_not() {
    for (why, xml, good) in [
        ("the assertion is signed", ASSERTION, true),
        ("the response is signed", RESPONSE, true),
        ("both are signed", BOTH, true),
        ("a prefix is listed", PREFIXES, true),
        ("with SHA-512", SHA512_TOO, true),
        ("with SHA-1", SHA1, false),
        ("with inclusive canonicalization", INCLUSIVE, false),
        ("with the key that the document offers", OTHER_KEY, false),
    ] {
        assert_eq!(good_with(xml, &keys()), good, "{why}");
        assert!(!good_with(xml, &[]), "{why}, and no key");
    }
}

#[test]
fn another_spelling_of_the_same_document_is_good() {
    let spelled = ASSERTION
        .replace(
            r#"Version="2.0" ID="_assertion""#,
            "ID = '_assertion'\n  Version='2&#46;0'",
        )
        .replace("ann@example", "<![CDATA[ann@]]>exam<!-- c -->ple")
        .replace("&gt; \"c\"", "> &quot;c&quot;");

    assert_ne!(spelled, ASSERTION);
    assert!(good_with(&spelled, &keys()));
}

#[test]
fn what_was_changed_added_or_moved_is_not_signed() {
    let signature = between(ASSERTION, "<ds:Signature", "</ds:Signature>");
    let assertion = between(ASSERTION, "<saml:Assertion", "</saml:Assertion>");
    let forged = assertion
        .replace(signature, "")
        .replace("ann@example", "eve@example")
        .replace("_assertion", "_forged");
    let reference = between(ASSERTION, "<ds:Reference", "</ds:Reference>");
    let (last, end) = ("</samlp:Response>", "</samlp:Response>");
    let cases = [
        ("another subject", ASSERTION.replace("ann@example", "eve@example")),
        ("another role", ASSERTION.replace("role/user", "role/admin")),
        ("another date", ASSERTION.replace("2027-01-15T08:05", "2028-01-15T08:05")),
        ("no signature", ASSERTION.replace(signature, "")),
        ("another value", ASSERTION.replace("SignatureValue>", "SignatureValue>AAAA")),
        ("another digest", ASSERTION.replace("DigestValue>", "DigestValue>AAAA")),
        (
            "the signature where it does not belong",
            ASSERTION.replace(signature, "").replace(last, &format!("{signature}{end}")),
        ),
        (
            "a forged assertion beside the signed one",
            ASSERTION.replace(last, &format!("{forged}{end}")),
        ),
        (
            "a forged assertion around the signed one",
            ASSERTION.replace(
                assertion,
                &forged.replace(
                    "<saml:Subject>",
                    &format!("{}<saml:Subject>", signature.replace(
                        "</ds:Signature>",
                        &format!("<ds:Object>{assertion}</ds:Object></ds:Signature>"),
                    )),
                ),
            ),
        ),
        (
            "a forged assertion, the signed one called something else",
            ASSERTION.replace(
                assertion,
                &format!("{}{}", forged.replace("<saml:Subject>", &format!("{signature}<saml:Subject>")),
                    assertion.replace("saml:Assertion", "saml:Advice")),
            ),
        ),
        (
            "a forged assertion with the signed one's name",
            ASSERTION.replace(
                assertion,
                &format!("<Extensions>{}</Extensions>{}", assertion.replace("saml:Assertion", "saml:Advice"),
                    forged.replace("_forged", "_assertion")
                        .replace("<saml:Subject>", &format!("{signature}<saml:Subject>"))),
            ),
        ),
        (
            "the same name elsewhere",
            ASSERTION.replace(r#"ID="_response""#, r#"Id="_assertion""#),
        ),
        (
            "a second reference",
            ASSERTION.replace(reference, &format!("{reference}{reference}")),
        ),
        (
            "a second signature",
            ASSERTION.replace(signature, &format!("{signature}{signature}")),
        ),
        (
            "a reference to the whole document",
            ASSERTION.replace("#_assertion", ""),
        ),
        (
            "another transformation",
            ASSERTION.replace("xmldsig#enveloped-signature", "xmldsig#base64"),
        ),
        (
            "a transformation more",
            ASSERTION.replace(
                "</ds:Transforms>",
                "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/></ds:Transforms>",
            ),
        ),
        (
            "a signature by a secret that everybody knows",
            ASSERTION.replace("xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256"),
        ),
        (
            "an assertion of another standard",
            ASSERTION.replace("SAML:2.0:assertion", "SAML:1.0:assertion"),
        ),
        (
            "both signed, and the assertion changed",
            BOTH.replace("ann@example", "eve@example"),
        ),
        (
            "both signed, and the response changed",
            BOTH.replacen("https://idp.example", "https://eve.example", 1),
        ),
    ];
    for (why, xml) in cases {
        assert!(
            ![ASSERTION, BOTH].contains(&xml.as_str()),
            "{why}: not changed"
        );
        assert!(!good_with(&xml, &keys()), "{why}");
    }
}

/// The digest leaves out the whole signature, and so whatever is put into it.
#[test]
fn what_stands_in_the_signature_of_a_response_is_not_signed() {
    let forged = between(ASSERTION, "<saml:Assertion", "</saml:Assertion>")
        .replace(between(ASSERTION, "<ds:Signature", "</ds:Signature>"), "");
    for wrapped in [forged.clone(), format!("<ds:Object>{forged}</ds:Object>")] {
        let xml = WITHOUT.replace("</ds:Signature>", &format!("{wrapped}</ds:Signature>"));

        assert_ne!(xml, WITHOUT);
        assert!(!good_with(&xml, &keys()), "{wrapped}");
    }
}

#[test]
fn an_assertion_counts_directly_in_the_response_or_as_the_document() {
    let signed = between(ASSERTION, "<saml:Assertion", "</saml:Assertion>");
    let around =
        |name: &str| ASSERTION.replace(signed, &format!("<samlp:{name}>{signed}</samlp:{name}>"));
    for (why, xml, good) in [
        ("directly in the response", ASSERTION, true),
        ("the document", signed, true),
        ("further inside a signed response", NESTED, false),
        ("signed, further inside", &around("Extensions"), false),
        ("in something else", &format!("<a>{signed}</a>"), false),
        (
            "a response in something else",
            &format!("<a>{RESPONSE}</a>"),
            false,
        ),
    ] {
        assert_eq!(good_with(xml, &keys()), good, "{why}");
    }
}

#[test]
fn whatever_letter_is_changed_the_assertion_is_refused_or_says_the_same() {
    let keys = keys();
    let said = said_by(ASSERTION, &keys);
    assert!(said.is_some());
    let mut same = 0;
    for place in 0..ASSERTION.len() {
        let mut bytes = ASSERTION.as_bytes().to_vec();
        bytes[place] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();

        let now = said_by(&changed, &keys);

        assert!(now.is_none() || now == said, "{place}: {changed}");
        same += usize::from(now.is_some());
    }
    // Such as those of the response, which is not signed, and of the offered key.
    assert!(same > 0 && same < ASSERTION.len() / 2, "{same}");
}

type Said = (
    Option<String>,
    Value,
    Vec<Vec<String>>,
    Vec<String>,
    Vec<String>,
);

/// What the assertion of a document says, if it is good.
fn said_by(xml: &str, keys: &[SigningKey]) -> Option<Said> {
    let document = Document::parse(xml).ok()?;
    let assertion = one_assertion(&document).ok()?;
    let said = is_good(assertion, keys).then(|| read(assertion))?;
    Some((
        said.subject,
        Value::Object(said.attributes),
        said.audiences,
        said.not_before,
        said.not_on_or_after,
    ))
}

/// Whether an assertion of the document would be used.
fn good_with(xml: &str, keys: &[SigningKey]) -> bool {
    let document = Document::parse(xml).unwrap();
    one_assertion(&document).is_ok_and(|assertion| is_good(assertion, keys))
}

fn keys() -> Vec<SigningKey> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/emulator/logins/saml/vectors/metadata.xml"
    );
    read_saml_metadata("arn", Path::new(path)).unwrap().keys
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let from = text.find(begin).unwrap();
    let rest = text.get(from..).unwrap();
    rest.get(..rest.find(end).unwrap() + end.len()).unwrap()
}
