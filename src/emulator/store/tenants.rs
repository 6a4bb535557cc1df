//! Who owns which pools, and who sees what.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::call::Tenant as Name;
use crate::emulator::error::Error;
use crate::emulator::pool::Pool;

/// How many tenants there can be.
const MOST_TENANTS: usize = 10_000;

/// Through whose eyes the store is looked at.
#[derive(Clone, Debug)]
pub(in crate::emulator) struct Viewer {
    tenant: String,
    sees_everything: bool,
}

/// One tenant for all: there is no isolation.
impl Default for Viewer {
    fn default() -> Self {
        Self {
            tenant: String::new(),
            sees_everything: true,
        }
    }
}

impl Viewer {
    /// Sees what belongs to `tenant` and nothing else.
    pub(in crate::emulator) fn only(tenant: String) -> Self {
        Self {
            tenant,
            sees_everything: false,
        }
    }

    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(super) fn sees(&self, pool: &Pool) -> bool {
        self.sees_everything || self.tenant == pool.tenant
    }

    pub(super) fn sees_everything(&self) -> bool {
        self.sees_everything
    }
}

/// Whether a tenant may be called so. Without isolation it has no name.
pub(in crate::emulator) fn is_a_tenant(name: &str) -> bool {
    name.is_empty() || Name::from_caller(name.as_bytes()).is_some()
}

/// All tenants.
#[derive(Default)]
pub(super) struct Tenants(BTreeMap<String, Tenant>);

#[derive(Default)]
struct Tenant {
    pools: BTreeSet<String>,
    drawn: u64,
}

impl Tenants {
    /// Refuses a new tenant where there are enough. One without pools makes room.
    pub(super) fn admit(&mut self, tenant: &str) -> Result<(), Error> {
        if self.0.len() < MOST_TENANTS || self.0.contains_key(tenant) {
            return Ok(());
        }
        self.0.retain(|_, tenant| !tenant.pools.is_empty());
        if self.0.len() < MOST_TENANTS {
            return Ok(());
        }
        Err(Error::limit(format!(
            "The emulator cannot keep more than {MOST_TENANTS} isolated stores."
        )))
    }

    pub(super) fn add_pool(&mut self, tenant: &str, id: &str) {
        let tenant = self.0.entry(tenant.to_owned()).or_default();
        tenant.pools.insert(id.to_owned());
    }

    pub(super) fn remove_pool(&mut self, tenant: &str, id: &str) {
        if let Some(tenant) = self.0.get_mut(tenant) {
            tenant.pools.remove(id);
        }
    }

    /// The pools of a tenant whose identifiers come after `after`.
    pub(super) fn pools_after<'a>(
        &'a self,
        tenant: &str,
        after: &'a str,
    ) -> impl Iterator<Item = &'a String> {
        let bounds = (Bound::Excluded(after), Bound::Unbounded);
        self.0
            .get(tenant)
            .into_iter()
            .flat_map(move |tenant| tenant.pools.range::<str, _>(bounds))
    }

    /// How many blocks the tenant has taken from a seeded generator.
    pub(super) fn drawn(&mut self, tenant: &str) -> &mut u64 {
        &mut self.0.entry(tenant.to_owned()).or_default().drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_without_pools_make_room_and_others_do_not() {
        let mut tenants = Tenants::default();
        for number in 0..MOST_TENANTS {
            tenants.add_pool(&format!("tenant {number}"), "pool");
        }

        assert!(tenants.admit("tenant 0").is_ok());
        assert!(tenants.admit("one more").is_err());

        tenants.remove_pool("tenant 7", "pool");
        assert!(tenants.admit("one more").is_ok());
    }
}
