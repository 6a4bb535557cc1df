//! Making, showing, changing, removing and listing identity pools.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Call, pool_rules};
use crate::emulator::error::Error;
use crate::emulator::paging;
use crate::emulator::pool::{Configuration, Pool, UserPool};

/// What Create and Update say about a pool.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wanted {
    identity_pool_name: String,
    allow_unauthenticated_identities: bool,
    allow_classic_flow: Option<bool>,
    supported_login_providers: Option<BTreeMap<String, String>>,
    developer_provider_name: Option<String>,
    #[serde(rename = "OpenIdConnectProviderARNs")]
    open_id_connect_provider_arns: Option<Vec<String>>,
    cognito_identity_providers: Option<Vec<UserPool>>,
    #[serde(rename = "SamlProviderARNs")]
    saml_provider_arns: Option<Vec<String>>,
    identity_pool_tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    identity_pool_id: String,
    #[serde(flatten)]
    wanted: Wanted,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    identity_pool_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    max_results: usize,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    identity_pools: Vec<Short>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Short {
    identity_pool_id: String,
    identity_pool_name: String,
}

pub(super) fn create(call: &Call<'_>, wanted: Wanted) -> Result<Configuration, Error> {
    let mut store = call.store();
    let id = store.new_pool_id(&call.region)?;
    let configuration = wanted.over(id, None, BTreeMap::new());
    pool_rules::check(call, &configuration)?;
    let most = call.emulator.settings.quotas.pools();
    if most != usize::MAX && store.pools_after(&call.region, None).count() >= most {
        // unverified: the text is not on record.
        return Err(Error::limit(format!(
            "An account cannot have more than {most} identity pools."
        )));
    }
    store.insert_pool(Pool {
        tenant: String::new(),
        configuration: configuration.clone(),
        roles: BTreeMap::new(),
        role_mappings: BTreeMap::new(),
        principal_tags: BTreeMap::new(),
    });
    Ok(configuration)
}

pub(super) fn describe(call: &Call<'_>, input: One) -> Result<Configuration, Error> {
    let store = call.store();
    let pool = store.pool(&call.region, &input.identity_pool_id)?;
    Ok(pool.configuration.clone())
}

/// Replaces the whole pool. What is left out falls back to its default, except the
/// developer provider's name and the tags, which stay.
///
/// unverified: role mappings and principal tags of providers that go stay as well.
pub(super) fn update(call: &Call<'_>, input: Update) -> Result<Configuration, Error> {
    let Update {
        identity_pool_id: id,
        wanted,
    } = input;
    let mut store = call.store();
    let pool = store.pool_mut(&call.region, &id)?;
    let stored = &pool.configuration;
    let developer = stored.developer_provider_name.clone();
    let renamed =
        wanted.developer_provider_name.is_some() && wanted.developer_provider_name != developer;
    if developer.is_some() && renamed {
        // unverified: that it cannot change is documented, type and text are not.
        return Err(Error::invalid(
            "The developer provider name cannot be changed once it is set.",
        ));
    }
    let configuration = wanted.over(id, developer, stored.identity_pool_tags.clone());
    pool_rules::check(call, &configuration)?;
    pool.configuration = configuration.clone();
    Ok(configuration)
}

pub(super) fn delete(call: &Call<'_>, input: One) -> Result<(), Error> {
    call.store()
        .remove_pool(&call.region, &input.identity_pool_id)
}

/// unverified: the order, which is that of the identifiers here.
pub(super) fn list(call: &Call<'_>, input: List) -> Result<Listed, Error> {
    let name = format!("pools {}", call.region);
    let last = paging::last_shown(&name, input.next_token.as_deref())?;
    let store = call.store();
    let pools = store.pools_after(&call.region, last.as_deref());
    let (pools, next_token) = paging::page(&name, pools, input.max_results, |pool| {
        &pool.configuration.identity_pool_id
    });
    Ok(Listed {
        identity_pools: pools
            .into_iter()
            .map(|pool| Short {
                identity_pool_id: pool.configuration.identity_pool_id.clone(),
                identity_pool_name: pool.configuration.identity_pool_name.clone(),
            })
            .collect(),
        next_token,
    })
}

impl Wanted {
    /// The whole pool, with the two things that an omission does not reset.
    fn over(
        self,
        identity_pool_id: String,
        developer: Option<String>,
        tags: BTreeMap<String, String>,
    ) -> Configuration {
        Configuration {
            identity_pool_id,
            identity_pool_name: self.identity_pool_name,
            allow_unauthenticated_identities: self.allow_unauthenticated_identities,
            // unverified: that an update without it makes it unset again.
            allow_classic_flow: self.allow_classic_flow,
            // unverified: whether providers other than the documented ones are refused.
            supported_login_providers: self.supported_login_providers.unwrap_or_default(),
            developer_provider_name: self.developer_provider_name.or(developer),
            open_id_connect_provider_arns: self.open_id_connect_provider_arns.unwrap_or_default(),
            cognito_identity_providers: self.cognito_identity_providers.unwrap_or_default(),
            saml_provider_arns: self.saml_provider_arns.unwrap_or_default(),
            // unverified: that tags in an update replace all tags.
            identity_pool_tags: self.identity_pool_tags.unwrap_or(tags),
        }
    }
}
