//! The whole state as one value, to be kept, shown and brought back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::tenants::is_a_tenant;
use super::{Store, is_in};
use crate::emulator::identity::{Identity, Login};
use crate::emulator::pool::{Pool, RoleMapping, TagMap};
use crate::emulator::region::is_iam_arn;
use crate::model;
use crate::operation::Operation;

/// The last second of the year 9999, since 1970.
const LATEST: f64 = 253_402_300_799.0;

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
    #[error("the pool `{0}` breaks a rule of AWS's")]
    Pool(String),
    #[error("the pool `{0}` has a tenant whose name cannot be one")]
    Tenant(String),
    #[error("the identity `{0}` breaks a rule of AWS's")]
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
            if !is_a_pool(&pool) {
                return Err(Contradiction::Pool(id));
            }
            if !is_a_tenant(&pool.tenant) {
                return Err(Contradiction::Tenant(id));
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
        if !is_an_identity(&identity) {
            return Err(Contradiction::Identity(id));
        }
        let is_empty = |login: &Login| login.provider.is_empty() || login.subject.is_empty();
        if self.check_sum(&identity.pool_id, &identity.logins).is_err()
            || identity.logins.iter().any(is_empty)
        {
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

/// The operations that make such a pool would be let through. The account may be another
/// than the one that it was made in, and providers may have gone.
fn is_a_pool(pool: &Pool) -> bool {
    let id = &pool.configuration.identity_pool_id;
    let mut roles = Map::from_iter([
        ("IdentityPoolId".to_owned(), json!(id)),
        ("Roles".to_owned(), json!(pool.roles)),
    ]);
    if !pool.role_mappings.is_empty() {
        roles.insert("RoleMappings".to_owned(), json!(pool.role_mappings));
    }
    let mapped = pool.role_mappings.values().flat_map(RoleMapping::roles);
    let mut arns = pool.roles.values().chain(mapped);
    let mut tag_maps = pool.principal_tags.iter();
    serde_json::to_value(&pool.configuration).is_ok_and(|configuration| {
        let configuration = configuration.as_object();
        configuration.is_some_and(|it| keeps_the_model(Operation::UpdateIdentityPool, it))
    }) && keeps_the_model(Operation::SetIdentityPoolRoles, &roles)
        && pool
            .role_mappings
            .values()
            .all(|mapping| mapping.check().is_ok())
        && arns.all(|arn| is_iam_arn(arn, "role", None))
        && tag_maps.all(|(provider, map)| is_a_tag_map(id, provider, map))
}

fn is_a_tag_map(pool_id: &str, provider: &str, map: &TagMap) -> bool {
    let map = Map::from_iter([
        ("IdentityPoolId".to_owned(), json!(pool_id)),
        ("IdentityProviderName".to_owned(), json!(provider)),
        ("PrincipalTags".to_owned(), json!(map.principal_tags)),
    ]);
    keeps_the_model(Operation::SetPrincipalTagAttributeMap, &map)
}

/// A disabled identity has lost its logins.
fn is_an_identity(identity: &Identity) -> bool {
    let id = Map::from_iter([("IdentityId".to_owned(), json!(identity.id))]);
    keeps_the_model(Operation::DescribeIdentity, &id)
        && (0.0..=LATEST).contains(&identity.created)
        && (0.0..=LATEST).contains(&identity.modified)
        && (!identity.disabled || identity.logins.is_empty())
}

fn keeps_the_model(operation: Operation, input: &Map<String, Value>) -> bool {
    model::check(model::input(operation), input, 0).is_empty()
}
