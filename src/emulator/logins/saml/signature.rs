//! The signature of an assertion, as far as SAML has XML Signature: enveloped, over the
//! assertion or the response around it, by exclusive canonicalization and RSA.
//!
//! What is verified is what is used. There is one assertion in a document and no `ID`
//! twice. The assertion is the document itself or stands directly in the response, and so
//! never in a signature, which its own digest leaves out. A signature stands directly in
//! what it signs and refers to that by its `ID`, and whoever reads the assertion
//! afterwards reads children of that element that are no signature, and nothing else.
//! Whatever key the document itself offers is not looked at.
//!
//! unverified: which algorithms the service accepts. SHA-1, which no longer protects
//! against forgery, and inclusive canonicalization are refused here.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

use super::canonical::canonical;
use super::{all_text, children};
use crate::emulator::issuers::SigningKey;

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

const METHODS: [(&str, &RsaParameters); 3] = [
    (
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        &RSA_PKCS1_2048_8192_SHA256,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        &RSA_PKCS1_2048_8192_SHA384,
    ),
    (
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        &RSA_PKCS1_2048_8192_SHA512,
    ),
];

const DIGESTS: [(&str, &digest::Algorithm); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", &SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", &SHA384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", &SHA512),
];

/// Whether the assertion, or the response that it stands directly in, is signed with one
/// of the keys. Where both are signed, both signatures have to be good.
pub(super) fn is_good(assertion: Node<'_, '_>, keys: &[SigningKey]) -> bool {
    let root = assertion.document().root_element();
    if !assertion.has_tag_name((SAML, "Assertion")) || names_twice(root) {
        return false;
    }
    let mut signed = vec![assertion];
    match assertion.parent_element() {
        None => {}
        Some(parent) if parent == root && root.has_tag_name((PROTOCOL, "Response")) => {
            signed.push(root);
        }
        Some(_) => return false,
    }
    let mut found = 0_usize;
    for element in signed {
        let mut signatures = children(element, "Signature");
        let Some(signature) = signatures.next() else {
            continue;
        };
        if signatures.next().is_some() || !verify(element, signature, keys).unwrap_or_default() {
            return false;
        }
        found = found.saturating_add(1);
    }
    found > 0
}

/// Whether an `ID`, in any spelling, is there twice, so that it could mean two elements.
fn names_twice(root: Node<'_, '_>) -> bool {
    let mut seen = BTreeSet::new();
    root.descendants()
        .flat_map(|node| node.attributes())
        .filter(|attribute| attribute.name().eq_ignore_ascii_case("id"))
        .any(|attribute| !seen.insert(attribute.value()))
}

/// Nothing, where the signature has not the form that SAML gives it.
fn verify(element: Node<'_, '_>, signature: Node<'_, '_>, keys: &[SigningKey]) -> Option<bool> {
    if !signature.has_tag_name((SIGNATURE, "Signature")) {
        return None;
    }
    let info = only(signature, "SignedInfo")?;
    let reference = only(info, "Reference")?;
    let id = element.attribute("ID").filter(|id| !id.is_empty())?;
    if reference.attribute("URI")?.strip_prefix('#') != Some(id) {
        return None;
    }
    let mut transforms = children(only(reference, "Transforms")?, "Transform");
    let (enveloped, exclusive) = (transforms.next()?, transforms.next()?);
    if transforms.next().is_some() || enveloped.attribute("Algorithm") != Some(ENVELOPED) {
        return None;
    }
    let content = canonical(element, Some(signature.id()), &prefixes(exclusive)?);
    let algorithm = algorithm(&DIGESTS, only(reference, "DigestMethod")?)?;
    let expected = bytes(only(reference, "DigestValue")?)?;
    if digest::digest(algorithm, content.as_bytes()).as_ref() != expected {
        return Some(false);
    }
    let signed = canonical(
        info,
        None,
        &prefixes(only(info, "CanonicalizationMethod")?)?,
    );
    let method = self::algorithm(&METHODS, only(info, "SignatureMethod")?)?;
    let value = bytes(only(signature, "SignatureValue")?)?;
    Some(keys.iter().any(|key| {
        UnparsedPublicKey::new(method, key.der())
            .verify(signed.as_bytes(), &value)
            .is_ok()
    }))
}

/// The prefixes that a step of exclusive canonicalization lists; nothing for a step of
/// another kind.
fn prefixes<'a>(step: Node<'a, '_>) -> Option<BTreeSet<&'a str>> {
    if step.attribute("Algorithm") != Some(EXCLUSIVE) {
        return None;
    }
    let listed = children(step, "InclusiveNamespaces").next();
    let listed = listed.and_then(|list| list.attribute("PrefixList"));
    Some(listed.unwrap_or_default().split_whitespace().collect())
}

fn algorithm<T: Copy>(known: &[(&str, T)], element: Node<'_, '_>) -> Option<T> {
    let name = element.attribute("Algorithm")?;
    known
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, algorithm)| *algorithm)
}

/// The one child of this name.
fn only<'a, 'input>(parent: Node<'a, 'input>, name: &'static str) -> Option<Node<'a, 'input>> {
    let mut found = children(parent, name);
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

fn bytes(element: Node<'_, '_>) -> Option<Vec<u8>> {
    let packed: String = all_text(element).split_ascii_whitespace().collect();
    STANDARD.decode(packed).ok()
}

#[cfg(test)]
mod tests;
