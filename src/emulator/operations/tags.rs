//! The tags of a pool, which is named by its ARN here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Call, pool_rules};
use crate::emulator::error::{Error, Kind};
use crate::emulator::region;
use crate::operation::Operation;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Untag {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    resource_arn: String,
}

/// An output without members.
#[derive(Serialize)]
pub(super) struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tags {
    tags: BTreeMap<String, String>,
}

/// Adds tags, and replaces those of the same key.
pub(super) fn tag(call: &Call<'_>, input: Tag) -> Result<Empty, Error> {
    let id = pool_id(call, Operation::TagResource, &input.resource_arn)?;
    let mut store = call.store();
    let pool = store.pool_mut(&call.region, id)?;
    let mut tags = pool.configuration.identity_pool_tags.clone();
    tags.extend(input.tags);
    pool_rules::check_tags(&tags)?;
    pool.configuration.identity_pool_tags = tags;
    Ok(Empty {})
}

/// Removes tags.
///
/// unverified: keys that the pool does not have are passed over.
pub(super) fn untag(call: &Call<'_>, input: Untag) -> Result<Empty, Error> {
    let id = pool_id(call, Operation::UntagResource, &input.resource_arn)?;
    let mut store = call.store();
    let pool = store.pool_mut(&call.region, id)?;
    for key in &input.tag_keys {
        pool.configuration.identity_pool_tags.remove(key);
    }
    Ok(Empty {})
}

pub(super) fn list(call: &Call<'_>, input: List) -> Result<Tags, Error> {
    let id = pool_id(call, Operation::ListTagsForResource, &input.resource_arn)?;
    let store = call.store();
    let pool = store.pool(&call.region, id)?;
    Ok(Tags {
        tags: pool.configuration.identity_pool_tags.clone(),
    })
}

/// The pool that an ARN names.
///
/// IAM looks at the text first, so what is not the ARN of a pool in this account is
/// denied and not invalid (unverified: one of another region, too). An empty account is one's own: clients that do not know
/// their account write it so.
fn pool_id<'a>(call: &Call<'_>, operation: Operation, arn: &'a str) -> Result<&'a str, Error> {
    let id = arn.rsplit_once('/').map_or("", |(_, id)| id);
    let of = |account: &str| region::pool_arn(&call.region, account, id);
    if !id.is_empty() && (arn == of(call.account()) || arn == of("")) {
        return Ok(id);
    }
    let account = call.account();
    let partition = region::partition(&call.region);
    Err(Error::new(
        Kind::AccessDenied,
        format!(
            "User: arn:{partition}:iam::{account}:user/emulator is not authorized to perform: \
             cognito-identity:{operation} on resource: {arn}"
        ),
    ))
}
