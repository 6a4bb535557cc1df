//! What is known of SAML providers: the metadata they publish about themselves.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use crate::emulator::xml::children;
use crate::settings_file;

/// The shortest RSA key that is trusted, in bits.
const SHORTEST_KEY: usize = 2048;

/// A SAML provider whose assertions are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlProvider {
    /// Its ARN in IAM, which is also its key in a logins map.
    pub arn: String,
    /// The name it has for itself, and puts into its assertions.
    pub entity_id: String,
    /// What verifies its assertions. One of them is enough; without any, none is good.
    pub keys: Vec<SigningKey>,
}

/// The RSA key of a provider, as X.509 writes it (`SubjectPublicKeyInfo` in DER).
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

/// It is public, and too long to be of use in a log.
impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads the key out of a certificate in base64. What else the certificate says, its
    /// dates among it, means nothing in metadata.
    fn of_certificate(text: &str) -> Result<Self, String> {
        let packed: String = text.split_ascii_whitespace().collect();
        let der = STANDARD.decode(packed).map_err(|_| "not base64")?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| "not X.509")?;
        let key = certificate.public_key();
        match key.parsed() {
            Ok(PublicKey::RSA(rsa)) if rsa.key_size() >= SHORTEST_KEY => Ok(Self(key.raw.to_vec())),
            Ok(PublicKey::RSA(_)) => Err(format!("its RSA key is below {SHORTEST_KEY} bits")),
            _ => Err("its key is not of RSA".to_owned()),
        }
    }

    pub(in crate::emulator) fn der(&self) -> &[u8] {
        &self.0
    }
}

/// Reads a provider's metadata; an error says what is wrong with it.
pub fn read(arn: &str, path: &Path) -> Result<SamlProvider, String> {
    let text = settings_file::read(path)?;
    let document = Document::parse(&text).map_err(|error| error.to_string())?;
    let entity = document.root_element();
    if entity.tag_name().name() != "EntityDescriptor" {
        return Err("not metadata of a SAML provider: no `EntityDescriptor`".to_owned());
    }
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    if entity_id.is_empty() {
        return Err("the `EntityDescriptor` has no `entityID`".to_owned());
    }
    let keys: Vec<SigningKey> = certificates(entity)
        .map(|certificate| {
            let text = certificate.text().unwrap_or_default();
            let key = SigningKey::of_certificate(text);
            key.map_err(|reason| format!("an `X509Certificate` cannot be used: {reason}"))
        })
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(
            "no `X509Certificate` for signing in a `KeyDescriptor` of an `IDPSSODescriptor`"
                .to_owned(),
        );
    }
    Ok(SamlProvider {
        arn: arn.to_owned(),
        entity_id: entity_id.to_owned(),
        keys,
    })
}

/// The certificates that a provider of identities signs with.
fn certificates<'a, 'input>(
    entity: Node<'a, 'input>,
) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    children(entity, "IDPSSODescriptor")
        .flat_map(|role| children(role, "KeyDescriptor"))
        .filter(|key| key.attribute("use") != Some("encryption"))
        .flat_map(|key| {
            key.descendants()
                .filter(|node| node.tag_name().name() == "X509Certificate")
        })
}
