//! Which identity a set of logins leads to, and what is linked or merged on the
//! way.

use super::error::Error;
use super::identity::{Login, Standing};
use super::store::Store;

/// The identity of these logins, made if there is none. Logins of several
/// identities merge them into the eldest.
pub(super) fn resolve(
    store: &mut Store,
    pool: (&str, &str),
    logins: &[Login],
    now: f64,
) -> Result<String, Error> {
    let (region, pool_id) = pool;
    let owner = owners(store, pool_id, logins).into_iter().next();
    let id = owner.unwrap_or_else(|| store.create(region, pool_id, now));
    plan_into(store, pool_id, &id, logins).carry_out(store, logins, now)
}

/// What has to happen so that logins lead to one identity: `others` are merged into
/// `survivor`. Making a plan changes nothing.
#[derive(Debug)]
pub(super) struct Plan {
    survivor: String,
    others: Vec<String>,
}

/// The plan for a request that names the identity `id`. The survivor is another
/// identity where the one asked for is merged into it.
///
/// `vouched` says that a token of our own stands for the identity.
pub(super) fn plan(
    store: &Store,
    region: &str,
    id: &str,
    logins: &[Login],
    vouched: bool,
) -> Result<Plan, Error> {
    let identity = store.identity(region, id)?;
    let known = vouched || logins.iter().any(|login| identity.logins.contains(login));
    let mut owners = owners(store, &identity.pool_id, logins).into_iter();
    match identity.standing() {
        Standing::Authenticated if known => Ok(Plan::into(id, owners)),
        Standing::Authenticated => Err(Error::logins_do_not_match()),
        Standing::Guest => Ok(match owners.next() {
            None => Plan::into(id, owners),
            Some(eldest) => Plan::into(&eldest, owners.chain([id.to_owned()])),
        }),
        // unverified: a disabled identity leads to where its logins are.
        Standing::Disabled => match owners.next() {
            None => Err(Error::logins_do_not_match()),
            Some(eldest) => Ok(Plan::into(&eldest, owners)),
        },
    }
}

/// The plan for an identity that gets all of the logins, whoever had them.
pub(super) fn plan_into(store: &Store, pool_id: &str, id: &str, logins: &[Login]) -> Plan {
    Plan::into(id, owners(store, pool_id, logins).into_iter())
}

impl Plan {
    fn into(survivor: &str, owners: impl Iterator<Item = String>) -> Self {
        Self {
            survivor: survivor.to_owned(),
            others: owners.filter(|owner| owner != survivor).collect(),
        }
    }

    /// Merges and links, and says who survives.
    pub(super) fn carry_out(
        self,
        store: &mut Store,
        logins: &[Login],
        now: f64,
    ) -> Result<String, Error> {
        store.join(&self.survivor, &self.others, logins, now)?;
        Ok(self.survivor)
    }
}

/// The identities that own any of the logins, eldest first.
///
/// unverified: which one of several survives a merge.
fn owners(store: &Store, pool_id: &str, logins: &[Login]) -> Vec<String> {
    let mut owners: Vec<_> = logins
        .iter()
        .filter_map(|login| store.owner(pool_id, login))
        .collect();
    owners.sort_by(|one, other| {
        one.created
            .total_cmp(&other.created)
            .then_with(|| one.id.cmp(&other.id))
    });
    owners.dedup_by(|one, other| one.id == other.id);
    owners.into_iter().map(|owner| owner.id.clone()).collect()
}
