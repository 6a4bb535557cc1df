//! The same suite once more, with a state that is kept on the disk.
#![expect(
    clippy::duplicate_mod,
    reason = "every test of behaviour runs for each kind of storage"
)]

#[path = "classic_flow.rs"]
mod classic_flow;
#[path = "enhanced_flow.rs"]
mod enhanced_flow;
#[path = "fetched_keys.rs"]
mod fetched_keys;
#[path = "issuers.rs"]
mod issuers;
#[path = "logins.rs"]
mod logins;
#[path = "pools.rs"]
mod pools;
#[path = "quotas.rs"]
mod quotas;
#[path = "snapshot.rs"]
mod snapshot;
#[path = "sts.rs"]
mod sts;
#[path = "tags.rs"]
mod tags;
#[path = "wire.rs"]
mod wire;

use std::ops::Deref;

use super::*;

/// The world of the suite, but on the disk.
struct World(super::World);

impl World {
    fn new() -> Self {
        Self(super::World::on_disk())
    }

    fn with(settings: Settings) -> Self {
        Self::fetching(settings, None)
    }

    fn fetching(settings: Settings, source: Option<Arc<dyn Fetch>>) -> Self {
        Self(super::World::on_disk_with(settings, source))
    }
}

impl Deref for World {
    type Target = super::World;

    fn deref(&self) -> &super::World {
        &self.0
    }
}
