//! What can be set about policies.

use std::path::PathBuf;
use std::time::Duration;

use super::RoleArns;

/// What can be set about policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Files of policies, and directories whose `*.cedar` files are read. Empty: there
    /// are no policies, and nobody is asked.
    pub files: Vec<PathBuf>,
    /// The same for policies that are tried and not enforced.
    pub shadow_files: Vec<PathBuf>,
    /// The file of samples that have to hold before policies take effect.
    pub samples_file: Option<PathBuf>,
    /// The names of guardrails that are switched off.
    pub guardrails_off: Vec<String>,
    /// The tag of pools in production.
    pub production_tag: ProductionTag,
    /// The roles that pools may be given and credentials be asked for.
    pub allowed_role_arns: RoleArns,
    /// How long a developer token may hold at most.
    pub max_token_duration: Duration,
    /// The role that may do what guardrails keep from others.
    pub admin_role: String,
    /// The region of operations that name no pool and no identity.
    pub region: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            shadow_files: Vec::new(),
            samples_file: None,
            guardrails_off: Vec::new(),
            production_tag: ProductionTag::default(),
            allowed_role_arns: RoleArns::default(),
            max_token_duration: Duration::from_secs(60 * 60),
            admin_role: "admin".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }
}

impl Settings {
    /// Every file and directory that is read.
    pub fn paths(&self) -> Vec<PathBuf> {
        let policies = self.files.iter().chain(&self.shadow_files);
        policies.chain(&self.samples_file).cloned().collect()
    }

    /// Whether there are policies at all.
    pub fn is_on(&self) -> bool {
        !self.files.is_empty()
    }
}

/// The tag that makes a pool one in production. Key and value are compared as they are:
/// AWS tells upper and lower case apart in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductionTag {
    /// The tag's key.
    pub key: String,
    /// The tag's value, which may be empty.
    pub value: String,
}

impl Default for ProductionTag {
    fn default() -> Self {
        Self {
            key: "environment".to_owned(),
            value: "production".to_owned(),
        }
    }
}

impl ProductionTag {
    /// Reads `key=value`. The key ends at the first `=`.
    ///
    /// # Errors
    ///
    /// When there is no `=` or no key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or("without `=` between key and value")?;
        if key.is_empty() {
            return Err("without a key".to_owned());
        }
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_production_tag_has_a_key_and_perhaps_an_empty_value() {
        let tag = |key: &str, value: &str| ProductionTag {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(ProductionTag::parse("stage=live"), Ok(tag("stage", "live")));
        assert_eq!(ProductionTag::parse("live="), Ok(tag("live", "")));
        assert_eq!(ProductionTag::parse("a=b=c"), Ok(tag("a", "b=c")));
        assert!(ProductionTag::parse("live").is_err());
        assert!(ProductionTag::parse("=live").is_err());
    }
}
