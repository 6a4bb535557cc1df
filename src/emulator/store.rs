//! The state: pools, identities, and which login belongs to which identity.
//!
//! Every pool belongs to a tenant, and its identities with it. Whoever locks the
//! store says through which [`Viewer`] it is looked at; what belongs to other tenants
//! is then not there.

use std::collections::{BTreeMap, BTreeSet};

mod changes;
mod contents;
mod identities;
mod members;
mod tenants;

pub(super) use changes::{Row, Table};
pub(super) use contents::Contents;
pub(super) use tenants::{Viewer, is_a_tenant};

use super::error::Error;
use super::identity::{Identity, Login};
use super::pool::Pool;
use super::random::Random;
use changes::Changes;
use members::Members;
use tenants::Tenants;

/// Everything the emulator remembers.
#[derive(Default)]
pub(super) struct Store {
    pools: BTreeMap<String, Pool>,
    identities: BTreeMap<String, Identity>,
    members: Members,
    owners: BTreeMap<(String, Login), String>,
    tenants: Tenants,
    viewer: Viewer,
    random: Random,
    changes: Changes,
}

impl Store {
    /// An empty store that takes identifiers from `random`. Changes are noted for
    /// [`Store::take_changes`] only if somebody is going to take them.
    pub(super) fn new(random: Random, notes_changes: bool) -> Self {
        Self {
            random,
            changes: Changes::new(notes_changes),
            ..Self::default()
        }
    }

    /// Who looks from here on.
    pub(super) fn look_as(&mut self, viewer: &Viewer) {
        self.viewer.clone_from(viewer);
    }

    /// A pool lives in the region that its identifier names; seen from another
    /// region it is not there.
    pub(super) fn pool(&self, region: &str, id: &str) -> Result<&Pool, Error> {
        self.pools
            .get(id)
            .filter(|pool| is_in(region, id) && self.viewer.sees(pool))
            .ok_or_else(|| Error::pool_not_found(id))
    }

    pub(super) fn pool_mut(&mut self, region: &str, id: &str) -> Result<&mut Pool, Error> {
        let viewer = &self.viewer;
        let pool = self
            .pools
            .get_mut(id)
            .filter(|pool| is_in(region, id) && viewer.sees(pool))
            .ok_or_else(|| Error::pool_not_found(id))?;
        self.changes.note(Table::Pools, id);
        Ok(pool)
    }

    /// The viewer's pools of a region after an identifier, in the order of identifiers.
    pub(super) fn pools_after<'a>(
        &'a self,
        region: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Pool> {
        self.tenants
            .pools_after(self.viewer.tenant(), after.unwrap_or(region))
            .filter(move |id| is_in(region, id))
            .filter_map(|id| self.pools.get(id))
    }

    /// The regions that have pools.
    pub(super) fn regions(&self) -> BTreeSet<&str> {
        self.pools
            .values()
            .map(|pool| pool.configuration.region())
            .collect()
    }

    /// An identifier that nothing has, in a region. It comes from the viewer's own
    /// sequence.
    pub(super) fn new_pool_id(&mut self, region: &str) -> Result<String, Error> {
        self.tenants.admit(self.viewer.tenant())?;
        let tenant = self.viewer.tenant().to_owned();
        Ok(self.new_id(region, &tenant))
    }

    /// Adds a pool, which belongs to the viewer.
    pub(super) fn insert_pool(&mut self, mut pool: Pool) {
        let id = pool.configuration.identity_pool_id.clone();
        self.viewer.tenant().clone_into(&mut pool.tenant);
        self.tenants.add_pool(&pool.tenant, &id);
        self.changes.note(Table::Pools, &id);
        self.pools.insert(id, pool);
    }

    /// Removes a pool and all its identities.
    pub(super) fn remove_pool(&mut self, region: &str, id: &str) -> Result<(), Error> {
        self.pool(region, id)?;
        let identities: Vec<String> = self
            .identities_after(id, None, false)
            .map(|identity| identity.id.clone())
            .collect();
        for identity in identities {
            self.remove_identity(region, &identity);
        }
        if let Some(pool) = self.pools.remove(id) {
            self.tenants.remove_pool(&pool.tenant, id);
            self.changes.note(Table::Pools, id);
        }
        Ok(())
    }

    /// Fills `bytes` for the owner of a pool with what nobody can guess, unless the
    /// generator is seeded.
    pub(super) fn fill(&mut self, pool_id: &str, bytes: &mut [u8]) -> Result<(), Error> {
        let tenant = self.tenant_of(pool_id);
        let drawn = self.tenants.drawn(&tenant);
        self.random
            .fill(&tenant, drawn, bytes)
            .map_err(|_| Error::internal())
    }

    pub(super) fn identity(&self, region: &str, id: &str) -> Result<&Identity, Error> {
        self.identities
            .get(id)
            .filter(|identity| is_in(region, id) && self.is_seen(&identity.pool_id))
            .ok_or_else(|| Error::identity_not_found(id))
    }

    /// The identities of a pool after an identifier, in the order of identifiers, with or
    /// without those that are disabled.
    pub(super) fn identities_after<'a>(
        &'a self,
        pool_id: &'a str,
        after: Option<&str>,
        hide_disabled: bool,
    ) -> impl Iterator<Item = &'a Identity> {
        self.members
            .after(pool_id, after, hide_disabled)
            .filter_map(|id| self.identities.get(id))
    }

    /// The identity that a login belongs to.
    pub(super) fn owner(&self, pool_id: &str, login: &Login) -> Option<&Identity> {
        let id = self.owners.get(&(pool_id.to_owned(), login.clone()))?;
        self.identities.get(id)
    }
}

impl Store {
    /// Without isolation there is nothing to look up.
    fn is_seen(&self, pool_id: &str) -> bool {
        self.viewer.sees_everything()
            || self
                .pools
                .get(pool_id)
                .is_some_and(|pool| self.viewer.sees(pool))
    }

    fn tenant_of(&self, pool_id: &str) -> String {
        self.pools
            .get(pool_id)
            .map_or_else(String::new, |pool| pool.tenant.clone())
    }

    fn new_id(&mut self, region: &str, tenant: &str) -> String {
        loop {
            let drawn = self.tenants.drawn(tenant);
            let id = format!("{region}:{}", self.random.uuid(tenant, drawn));
            // A seeded generator begins anew with each start, and what it made before
            // may have been kept.
            if !self.pools.contains_key(&id) && !self.identities.contains_key(&id) {
                return id;
            }
        }
    }
}

fn is_in(region: &str, id: &str) -> bool {
    id.split_once(':').is_some_and(|(home, _)| home == region)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = "eu-west-1:pool";

    #[test]
    fn a_sum_that_is_not_allowed_changes_nothing() {
        let mut store = Store::default();
        let [one, other] = ["ann", "bob"].map(|user| {
            let id = store.create("eu-west-1", POOL, 1.0);
            store.join(&id, &[], &[login(user)], 1.0).unwrap();
            id
        });

        let refused = store.join(&one, std::slice::from_ref(&other), &[], 2.0);

        assert!(refused.is_err());
        for (id, user) in [(one, "ann"), (other, "bob")] {
            let owner = store.owner(POOL, &login(user)).unwrap();
            assert_eq!(owner.id, id);
            assert_eq!((owner.disabled, owner.modified), (false, 1.0));
        }
    }

    #[test]
    fn a_removed_identity_leaves_its_logins_free() {
        let mut store = Store::default();
        let id = store.create("eu-west-1", POOL, 1.0);
        store.join(&id, &[], &[login("ann")], 1.0).unwrap();

        store.remove_identity("us-east-1", &id);
        assert!(store.owner(POOL, &login("ann")).is_some());

        store.remove_identity("eu-west-1", &id);
        assert!(store.owner(POOL, &login("ann")).is_none());
        assert_eq!(store.identities_after(POOL, None, false).count(), 0);
    }

    #[test]
    fn pools_of_a_region_are_not_those_of_one_with_a_longer_name() {
        assert!(is_in("eu-west-1", "eu-west-1:0a"));
        assert!(!is_in("eu-west-1", "eu-west-11:0a"));
        assert!(!is_in("eu-west-1", "eu-west-1"));
    }

    fn login(user: &str) -> Login {
        Login {
            provider: "idp.example".to_owned(),
            subject: user.to_owned(),
        }
    }
}
