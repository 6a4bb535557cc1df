//! What the emulator has to be told.

use std::path::PathBuf;

use super::faults::Rules;
use super::issuers::{Issuer, Keys, LoginTokens, SamlProvider};
use super::quotas::Quotas;
use super::signature::SecretKeys;
use super::time::Pace;

/// What the emulator has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The AWS account that everything belongs to.
    pub account_id: String,
    /// The region of a request that neither its host nor its signature places.
    pub default_region: String,
    /// The directory that keeps the state; nothing to keep it in memory alone.
    pub data_dir: Option<PathBuf>,
    /// Who shares a store with whom.
    pub isolation: Isolation,
    /// The number that identifiers, access keys and secrets follow from; nothing to
    /// have them random.
    pub seed: Option<u64>,
    /// What becomes of login tokens whose issuer's keys are not known.
    pub login_tokens: LoginTokens,
    /// The login providers whose tokens are verified.
    pub issuers: Vec<Issuer>,
    /// The addresses of the issuers that live in this process.
    pub test_issuers: Vec<String>,
    /// The SAML providers whose assertions are checked.
    pub saml_providers: Vec<SamlProvider>,
    /// The secrets of access keys, which requests over a socket are held against. While
    /// none is known, every signature that is well-formed is good.
    pub secret_keys: SecretKeys,
    /// AWS's quotas, off by default.
    pub quotas: Quotas,
    /// What goes wrong on purpose, from the start on.
    pub faults: Rules,
    /// Whether the emulator's clock goes by itself.
    pub pace: Pace,
}

impl Settings {
    /// Whether keys of login providers have to be fetched.
    pub fn fetches_keys(&self) -> bool {
        let mut issuers = self.issuers.iter();
        issuers.any(|issuer| matches!(issuer.keys, Keys::Fetched(_)))
    }
}

/// Who shares a store with whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Everybody with everybody.
    #[default]
    None,
    /// Requests that are signed with the same access key. The four operations that are
    /// not signed find the store by the pool or the identity that they name.
    PerAccessKey,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account_id: "123456789012".to_owned(),
            default_region: "us-east-1".to_owned(),
            data_dir: None,
            isolation: Isolation::None,
            seed: None,
            login_tokens: LoginTokens::default(),
            issuers: Vec::new(),
            test_issuers: Vec::new(),
            saml_providers: Vec::new(),
            secret_keys: SecretKeys::default(),
            quotas: Quotas::default(),
            faults: Rules::default(),
            pace: Pace::default(),
        }
    }
}
