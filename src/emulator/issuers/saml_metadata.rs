//! What is known of SAML providers: the metadata they publish about themselves.

use std::fs;
use std::path::Path;

/// A SAML provider whose assertions are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlProvider {
    /// Its ARN in IAM, which is also its key in a logins map.
    pub arn: String,
    /// The name it has for itself, and puts into its assertions.
    pub entity_id: String,
}

/// Reads a provider's metadata; an error says what is wrong with it.
pub fn read(arn: &str, path: &Path) -> Result<SamlProvider, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let document = roxmltree::Document::parse(&text).map_err(|error| error.to_string())?;
    let entity = document.root_element();
    if entity.tag_name().name() != "EntityDescriptor" {
        return Err("not metadata of a SAML provider: no `EntityDescriptor`".to_owned());
    }
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    if entity_id.is_empty() {
        return Err("the `EntityDescriptor` has no `entityID`".to_owned());
    }
    Ok(SamlProvider {
        arn: arn.to_owned(),
        entity_id: entity_id.to_owned(),
    })
}
