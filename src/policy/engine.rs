//! The policies in force, which can be replaced while calls are decided.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Mistake, Policies, Settings};

/// The policies in force.
#[derive(Debug)]
pub struct Engine(ArcSwap<Policies>);

impl Engine {
    /// An engine with these policies in force.
    pub fn new(policies: Policies) -> Self {
        Self(ArcSwap::from_pointee(policies))
    }

    /// The policies in force. Ask all questions of one call of the same, so that a
    /// reload in between does not matter: what they need and what they decide.
    pub fn policies(&self) -> Arc<Policies> {
        self.0.load_full()
    }

    /// Reads the policies again and puts them in force, as a whole, once the samples
    /// hold.
    ///
    /// # Errors
    ///
    /// Every mistake, as [`Policies::load`] tells them; the policies in force stay.
    pub fn reload(&self, settings: &Settings) -> Result<(), Vec<Mistake>> {
        let policies = Policies::load(settings)?;
        self.0.store(Arc::new(policies));
        Ok(())
    }
}
