//! Entities that were made for a call before: callers and pools come again and again.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::Entity;
use quick_cache::sync::Cache;

use crate::caller::Caller;

/// How many callers and how many pools are kept, about.
const MOST: usize = 1_000;

/// Entities by the name of their thing, each with what it was made from. One that was made
/// from anything else is made anew.
pub(super) struct Made {
    callers: Cache<Box<str>, Arc<(OfCaller, Entity)>>,
    pools: Cache<Box<str>, Arc<(OfPool, Entity)>>,
}

/// What the entity of a caller is made from.
#[derive(PartialEq)]
pub(super) struct OfCaller {
    pub(super) caller: Caller,
    pub(super) with_roles: bool,
}

/// What the entity of a pool is made from.
#[derive(PartialEq)]
pub(super) struct OfPool {
    pub(super) tags: Option<Arc<BTreeMap<String, String>>>,
    pub(super) region: Box<str>,
    pub(super) account: Option<Box<str>>,
}

impl Made {
    pub(super) fn new() -> Self {
        Self {
            callers: Cache::new(MOST),
            pools: Cache::new(MOST),
        }
    }

    pub(super) fn caller(
        &self,
        of: OfCaller,
        make: impl FnOnce() -> Result<Entity, String>,
    ) -> Result<Entity, String> {
        let name = of.caller.id().into();
        kept_or_made(&self.callers, name, of, make)
    }

    pub(super) fn pool(
        &self,
        id: &str,
        of: OfPool,
        make: impl FnOnce() -> Result<Entity, String>,
    ) -> Result<Entity, String> {
        kept_or_made(&self.pools, id.into(), of, make)
    }
}

fn kept_or_made<T: PartialEq>(
    kept: &Cache<Box<str>, Arc<(T, Entity)>>,
    name: Box<str>,
    of: T,
    make: impl FnOnce() -> Result<Entity, String>,
) -> Result<Entity, String> {
    if let Some(kept) = kept.get(&name)
        && kept.0 == of
    {
        return Ok(kept.1.clone());
    }
    let entity = make()?;
    kept.insert(name, Arc::new((of, entity.clone())));
    Ok(entity)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::caller::Proof;
    use crate::policy::names;

    #[test]
    fn a_caller_of_the_same_name_who_has_other_roles_is_made_anew() {
        let made = Made::new();
        let of = |role: &str| {
            let roles = BTreeSet::from([role.to_owned()]);
            OfCaller {
                caller: Caller::new("a", Proof::Anonymous, roles, BTreeMap::new()),
                with_roles: true,
            }
        };
        let entity = |name: &str| Ok(Entity::with_uid(names::caller(name)));

        let first = made.caller(of("one"), || entity("first")).unwrap();
        let again = made.caller(of("one"), || entity("again")).unwrap();
        let other = made.caller(of("other"), || entity("other")).unwrap();

        assert_eq!(again.uid(), first.uid());
        assert_eq!(other.uid(), names::caller("other"));
    }

    #[test]
    fn a_pool_whose_tags_are_others_is_made_anew() {
        let made = Made::new();
        let of = |tags: Option<&str>| OfPool {
            tags: tags.map(|tag| Arc::new(BTreeMap::from([(tag.to_owned(), String::new())]))),
            region: "eu-west-1".into(),
            account: None,
        };
        let entity = |name: &str| Ok(Entity::with_uid(names::pool(name)));

        for (tags, expected) in [
            (Some("one"), "first"),
            (Some("one"), "first"),
            (None, "unknown"),
            (Some("other"), "third"),
        ] {
            let next = made.pool("a", of(tags), || entity(expected)).unwrap();
            assert_eq!(next.uid(), names::pool(expected));
        }
    }
}
