//! What can be set about limits.

use std::path::PathBuf;

use super::limits::Limits;
use super::window::Window;

/// What can be set about limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file of limits.
    pub limits_file: Option<PathBuf>,
    /// What is in it; without one, the defaults.
    pub limits: Limits,
    /// When callers are limited.
    pub in_force: InForce,
    /// Whether calls go to AWS.
    pub faces_aws: bool,
    /// How many calls of an address may fail to say who calls, before others of it are
    /// not looked at.
    pub failed_authentications: Window,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits_file: None,
            limits: Limits::default(),
            in_force: InForce::default(),
            faces_aws: false,
            // Reference: security, T-Q1.
            failed_authentications: Window::per_second(50, 100),
        }
    }
}

/// When callers are limited.
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
    /// Whether callers are limited.
    pub fn is_on(&self) -> bool {
        match self.in_force {
            InForce::Aws => self.faces_aws || self.limits_file.is_some(),
            InForce::Always => true,
            InForce::Never => false,
        }
    }
}
