//! Where calls go.

use std::fmt;
use std::sync::Arc;

/// A region, and the target whose account is called there. Shown it is `eu-west-1`, or
/// `eu-west-1 of target `shop``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The region.
    pub region: Arc<str>,
    /// The target, where targets are set up.
    pub target: Option<Arc<str>>,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.region)?;
        match &self.target {
            Some(target) => write!(formatter, " of target `{target}`"),
            None => Ok(()),
        }
    }
}
