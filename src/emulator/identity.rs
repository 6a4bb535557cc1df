//! An identity and its logins.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A user of a provider. The token that proves it changes; this does not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    pub(super) provider: String,
    pub(super) subject: String,
}

/// An identity.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) pool_id: String,
    pub(super) logins: BTreeSet<Login>,
    pub(super) disabled: bool,
    pub(super) created: f64,
    pub(super) modified: f64,
}

/// What an identity can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Guest,
    Authenticated,
    Disabled,
}

impl Identity {
    pub(super) fn standing(&self) -> Standing {
        if self.disabled {
            Standing::Disabled
        } else if self.logins.is_empty() {
            Standing::Guest
        } else {
            Standing::Authenticated
        }
    }

    /// The names of its providers, each once.
    pub(super) fn providers(&self) -> BTreeSet<&str> {
        self.logins
            .iter()
            .map(|login| login.provider.as_str())
            .collect()
    }
}
