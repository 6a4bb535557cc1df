//! What can be set about limits.

use std::path::{Path, PathBuf};

use super::limits::Limits;
use super::redis::RedisSettings;
use super::window::Window;

/// What can be set about limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file of limits.
    pub limits_file: Option<PathBuf>,
    /// What is in it; without one, the defaults.
    pub limits: Limits,
    /// The regions that calls may go to: the file may name no others.
    pub regions: Vec<String>,
    /// When callers are limited.
    pub in_force: InForce,
    /// Whether calls go to AWS.
    pub faces_aws: bool,
    /// How many calls of an address may fail to say who calls, before others of it are
    /// not looked at.
    pub failed_authentications: Window,
    /// Where callers are counted.
    pub store: Store,
    /// How Redis is reached, where they are counted there.
    pub redis: RedisSettings,
    /// What becomes of calls while it is not.
    pub on_store_failure: OnStoreFailure,
    /// How many replicas there are, this one included.
    pub replicas: u32,
}

/// Where callers are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// In this process, for it alone.
    #[default]
    Memory,
    /// In Redis, for all replicas together.
    Redis,
}

/// What becomes of calls while Redis does not count callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStoreFailure {
    /// Each replica decides alone, by its part of every limit.
    #[default]
    Local,
    /// The same, and what issues identities, tokens or credentials is refused.
    DenyIssue,
    /// All that is limited is refused.
    Deny,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits_file: None,
            limits: Limits::default(),
            regions: Vec::new(),
            in_force: InForce::default(),
            faces_aws: false,
            // Reference: security, T-Q1.
            failed_authentications: Window::per_second(50, 100),
            store: Store::default(),
            redis: RedisSettings::default(),
            on_store_failure: OnStoreFailure::default(),
            replicas: 1,
        }
    }
}

/// When callers are limited, and the account's quotas guarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InForce {
    /// In front of AWS, and wherever there is a file of limits.
    #[default]
    Aws,
    /// Always.
    Always,
    /// Never; to be written out.
    Never,
}

impl Settings {
    /// Reads a file of limits that is to be in force with everything else that is set.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn read_limits(&self, file: &Path) -> Result<Limits, Vec<String>> {
        let limits = Limits::read(file)?;
        let names = limits.account().regions.keys();
        let unknown: Vec<String> = names
            .filter(|name| !self.regions.contains(name))
            .map(|name| format!("account.regions.{name}: no call may go there (upstream.regions)"))
            .collect();
        match unknown.is_empty() {
            true => Ok(limits),
            false => Err(unknown),
        }
    }

    /// Whether the account's quotas are guarded: in front of AWS, or where a file says
    /// something about the account.
    pub fn guards_account(&self) -> bool {
        match self.in_force {
            InForce::Aws => self.faces_aws || self.limits.account().is_written,
            InForce::Always => true,
            InForce::Never => false,
        }
    }

    /// Whether callers are limited.
    pub fn is_on(&self) -> bool {
        match self.in_force {
            InForce::Aws => self.faces_aws || self.limits_file.is_some(),
            InForce::Always => true,
            InForce::Never => false,
        }
    }
}
