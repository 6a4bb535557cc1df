//! The whole state as one value, to be kept, shown and brought back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Store, is_in};
use crate::emulator::identity::Identity;
use crate::emulator::pool::Pool;
use crate::model;
use crate::operation::Operation;

/// All pools and identities.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::emulator) struct Contents {
    pub(in crate::emulator) pools: Vec<Pool>,
    pub(in crate::emulator) identities: Vec<Identity>,
}

/// Contents that no store can have. Says where, and shows no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::emulator) enum Contradiction {
    #[error("the pool `{0}` is there twice")]
    PoolTwice(String),
    #[error("the pool `{0}` breaks a rule of AWS's model")]
    Pool(String),
    #[error("the identity `{0}` breaks a rule of AWS's model")]
    Identity(String),
    #[error("the identity `{0}` is there twice")]
    IdentityTwice(String),
    #[error("the identity `{0}` is in no pool of its region")]
    NoPool(String),
    #[error("the identity `{0}` has logins that it cannot have")]
    Login(String),
    #[error("there are too many tenants")]
    TooManyTenants,
}

impl Store {
    /// A copy of everything, whoever owns it.
    pub(in crate::emulator) fn contents(&self) -> Contents {
        Contents {
            pools: self.pools.values().cloned().collect(),
            identities: self.identities.values().cloned().collect(),
        }
    }

    /// Puts `contents` in the place of everything. Where they contradict themselves,
    /// this store is of no use any more.
    pub(in crate::emulator) fn with(mut self, contents: Contents) -> Result<Self, Contradiction> {
        for pool in contents.pools {
            let id = pool.configuration.identity_pool_id.clone();
            if !keeps_the_model(&pool) {
                return Err(Contradiction::Pool(id));
            }
            if self.tenants.admit(&pool.tenant).is_err() {
                return Err(Contradiction::TooManyTenants);
            }
            self.tenants.add_pool(&pool.tenant, &id);
            if self.pools.insert(id.clone(), pool).is_some() {
                return Err(Contradiction::PoolTwice(id));
            }
        }
        for identity in contents.identities {
            self.put(identity)?;
        }
        Ok(self)
    }

    fn put(&mut self, identity: Identity) -> Result<(), Contradiction> {
        let id = identity.id.clone();
        let region = id.split_once(':').map_or("", |(region, _)| region);
        if !self.pools.contains_key(&identity.pool_id) || !is_in(region, &identity.pool_id) {
            return Err(Contradiction::NoPool(id));
        }
        if !is_an_identity(&id) {
            return Err(Contradiction::Identity(id));
        }
        if self.check_sum(&identity.pool_id, &identity.logins).is_err() {
            return Err(Contradiction::Login(id));
        }
        for login in &identity.logins {
            let key = (identity.pool_id.clone(), login.clone());
            if self.owners.insert(key, id.clone()).is_some() {
                return Err(Contradiction::Login(id));
            }
        }
        self.members
            .insert(&identity.pool_id, &id, identity.disabled);
        match self.identities.insert(id.clone(), identity) {
            Some(_) => Err(Contradiction::IdentityTwice(id)),
            None => Ok(()),
        }
    }
}

/// An update that sends the whole pool would be let through.
fn keeps_the_model(pool: &Pool) -> bool {
    let members = model::input(Operation::UpdateIdentityPool);
    let Ok(Value::Object(object)) = serde_json::to_value(&pool.configuration) else {
        return false;
    };
    model::check(members, &object, usize::MAX).is_empty()
}

fn is_an_identity(id: &str) -> bool {
    let members = model::input(Operation::DescribeIdentity);
    let object = Map::from_iter([("IdentityId".to_owned(), Value::from(id))]);
    model::check(members, &object, usize::MAX).is_empty()
}
