//! Entities that were made for a call before: callers and pools come again and again.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::Entity;
use quick_cache::sync::Cache;

use super::Facts;
use crate::caller::Caller;

/// How many callers and how many pools are kept, about.
const MOST: usize = 1_000;

/// Entities by the name of their thing, each with what it was made from. One that was made
/// from anything else is made anew.
pub(super) struct Made {
    callers: Cache<String, Arc<MadeCaller>>,
    pools: Cache<String, Arc<MadePool>>,
}

struct MadeCaller {
    caller: Caller,
    with_roles: bool,
    entity: Entity,
}

struct MadePool {
    tags: Option<Arc<Tags>>,
    region: String,
    account: Option<Arc<str>>,
    target: Option<Arc<str>>,
    entity: Entity,
}

type Tags = BTreeMap<String, String>;

impl Made {
    pub(super) fn new() -> Self {
        Self {
            callers: Cache::new(MOST),
            pools: Cache::new(MOST),
        }
    }

    /// The entity of a caller, with its roles or without.
    pub(super) fn caller(
        &self,
        caller: &Caller,
        with_roles: bool,
        make: impl FnOnce() -> Result<Entity, String>,
    ) -> Result<Entity, String> {
        if let Some(made) = self.callers.get(caller.id())
            && made.caller == *caller
            && made.with_roles == with_roles
        {
            return Ok(made.entity.clone());
        }
        let entity = make()?;
        let made = MadeCaller {
            caller: caller.clone(),
            with_roles,
            entity: entity.clone(),
        };
        self.callers.insert(caller.id().to_owned(), Arc::new(made));
        Ok(entity)
    }

    /// The entity of a pool in this region, with these facts about it.
    pub(super) fn pool(
        &self,
        id: &str,
        region: &str,
        facts: &Facts,
        make: impl FnOnce() -> Result<Entity, String>,
    ) -> Result<Entity, String> {
        let tags = facts.tags_of_pool.get(id);
        if let Some(made) = self.pools.get(id)
            && made.tags.as_ref() == tags
            && made.region == region
            && made.account == facts.account
            && made.target == facts.target
        {
            return Ok(made.entity.clone());
        }
        let entity = make()?;
        let made = MadePool {
            tags: tags.cloned(),
            region: region.to_owned(),
            account: facts.account.clone(),
            target: facts.target.clone(),
            entity: entity.clone(),
        };
        self.pools.insert(id.to_owned(), Arc::new(made));
        Ok(entity)
    }
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
            Caller::new("a", Proof::Anonymous, roles, BTreeMap::new())
        };
        let entity = |name: &str| Ok(Entity::with_uid(names::caller(name)));

        let first = made.caller(&of("one"), true, || entity("first")).unwrap();
        let again = made.caller(&of("one"), true, || entity("again")).unwrap();
        let other = made.caller(&of("other"), true, || entity("other")).unwrap();

        assert_eq!(again.uid(), first.uid());
        assert_eq!(other.uid(), names::caller("other"));
    }

    #[test]
    fn a_pool_of_another_target_or_account_is_made_anew() {
        let made = Made::new();
        let entity = |name: &str| Ok(Entity::with_uid(names::pool(name)));
        let in_shop = Facts {
            target: Some("shop".into()),
            account: Some("111111111111".into()),
            ..Facts::default()
        };
        let in_bank = Facts {
            account: Some("222222222222".into()),
            ..in_shop.clone()
        };
        let by_name = Facts {
            target: Some("shop-admin".into()),
            ..in_bank.clone()
        };

        for (facts, expected) in [
            (&in_shop, "first"),
            (&in_shop, "first"),
            (&in_bank, "second"),
            (&by_name, "third"),
        ] {
            let next = made.pool("a", "eu", facts, || entity(expected)).unwrap();
            assert_eq!(next.uid(), names::pool(expected));
        }
    }

    #[test]
    fn a_pool_whose_tags_are_others_is_made_anew() {
        let made = Made::new();
        let tags_of = |tag: &str| Arc::new(BTreeMap::from([(tag.to_owned(), String::new())]));
        let entity = |name: &str| Ok(Entity::with_uid(names::pool(name)));

        for (tags, expected) in [
            (Some("one"), "first"),
            (Some("one"), "first"),
            (None, "unknown"),
            (Some("other"), "third"),
        ] {
            let tags = tags.map(tags_of);
            let facts = Facts {
                tags_of_pool: tags
                    .map(|tags| ("a".to_owned(), tags))
                    .into_iter()
                    .collect(),
                ..Facts::default()
            };
            let next = made.pool("a", "eu", &facts, || entity(expected));
            let next = next.unwrap();
            assert_eq!(next.uid(), names::pool(expected));
        }
    }
}
