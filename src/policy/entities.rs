//! Who and what a call is about, as entities of the schema.

use std::sync::LazyLock;

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression as Expression};

use super::candidate::Mentions;
use super::made::Made;
use super::schema::SCHEMA;
use super::{Action, Facts, names};
use crate::call::{Resource, Subject};
use crate::caller::Caller;

/// The actions with the groups they are in.
#[expect(
    clippy::expect_used,
    reason = "the schema is compiled into the binary and a test reads its actions"
)]
pub(super) static ACTIONS: LazyLock<Entities> = LazyLock::new(|| {
    SCHEMA
        .action_entities()
        .expect("the actions of a valid schema are entities")
});

/// A thing that a call is about.
pub(super) struct Target<'a> {
    /// Its name.
    pub(super) uid: EntityUid,
    /// The pool that it is in, where that is known.
    pub(super) pool: Option<EntityUid>,
    thing: Thing<'a>,
}

#[derive(Clone, Copy)]
enum Thing<'a> {
    Server,
    Account,
    Pool(&'a str),
    /// With the pool it is in, where that is known.
    Identity(&'a str, Option<&'a str>),
}

/// What a call is about, one by one.
pub(super) fn targets<'a>(subject: Option<&'a Subject>, facts: &'a Facts) -> Vec<Target<'a>> {
    let identity = |id: &'a String| {
        let pool = facts.pool_of_identity.get(id);
        Thing::Identity(id, pool.map(String::as_str))
    };
    let things = match subject.map(|subject| &subject.resource) {
        None => vec![Thing::Server],
        Some(Resource::Account) => vec![Thing::Account],
        Some(Resource::Pool(id)) => vec![Thing::Pool(id)],
        Some(Resource::Identity(id)) => vec![identity(id)],
        Some(Resource::Identities(ids)) => ids.iter().map(identity).collect(),
    };
    things.into_iter().map(Target::new).collect()
}

impl<'a> Target<'a> {
    fn new(thing: Thing<'a>) -> Self {
        let (uid, pool) = match thing {
            Thing::Server => (names::server(), None),
            Thing::Account => (names::account(), None),
            Thing::Pool(id) => (names::pool(id), None),
            Thing::Identity(id, pool) => (names::identity(id), pool.map(names::pool)),
        };
        Self { uid, pool, thing }
    }
}

/// What entities are made from.
pub(super) struct Source<'a> {
    pub(super) facts: &'a Facts,
    /// The region that is called.
    pub(super) region: &'a str,
    /// What policies mention; nothing else is made.
    pub(super) mentioned: Mentions,
    /// What was made before.
    pub(super) made: &'a Made,
}

impl Source<'_> {
    /// The caller with its roles and attributes.
    pub(super) fn caller(&self, caller: &Caller) -> Result<Option<Entity>, String> {
        if !self.mentioned.caller {
            return Ok(None);
        }
        let with_roles = self.mentioned.hierarchy;
        let made = self.made.caller(caller, with_roles, || {
            let roles = caller.roles().iter().filter(|_| with_roles);
            let (id, proof) = (text(caller.id()), text(caller.proof().name()));
            entity(
                names::caller(caller.id()),
                [("id", id), ("proof", proof)],
                roles.map(|role| names::role(role)),
                caller.attributes(),
            )
        });
        made.map(Some)
    }

    /// The caller and everything else that a policy can come across when it is asked
    /// about `target`.
    pub(super) fn entities(
        &self,
        caller: Option<Entity>,
        action: Action,
        target: &Target<'_>,
    ) -> Result<Entities, String> {
        let mut entities: Vec<Entity> = caller.into_iter().collect();
        if self.mentioned.resource {
            self.add_target(target, &mut entities)?;
        }
        if self.mentioned.hierarchy {
            entities.extend(ACTIONS.get(&action.uid()).cloned());
        }
        // Faster than `from_entities`, which is made for hierarchies with cycles in them.
        let entities = Entities::empty().add_entities(entities, None);
        entities.map_err(|error| error.to_string())
    }

    fn add_target(&self, target: &Target<'_>, entities: &mut Vec<Entity>) -> Result<(), String> {
        let entity = match target.thing {
            Thing::Server => Entity::with_uid(target.uid.clone()),
            Thing::Account => self.account()?,
            Thing::Pool(id) => self.pool(id)?,
            Thing::Identity(id, pool) => {
                if let Some(pool) = pool {
                    entities.push(self.pool(pool)?);
                }
                self.identity(id, target.pool.as_ref())?
            }
        };
        entities.push(entity);
        Ok(())
    }

    fn account(&self) -> Result<Entity, String> {
        let mut attributes = vec![("region", text(self.region))];
        attributes.extend(self.place());
        entity(names::account(), attributes, [], [])
    }

    fn pool(&self, id: &str) -> Result<Entity, String> {
        let tags = self.facts.tags_of_pool.get(id);
        self.made.pool(id, self.region, self.facts, || {
            let mut attributes = vec![
                ("id", text(id)),
                ("region", text(self.region)),
                ("tags_known", Expression::new_bool(tags.is_some())),
            ];
            attributes.extend(self.place());
            let tags = tags.map(|tags| tags.iter());
            entity(names::pool(id), attributes, [], tags.into_iter().flatten())
        })
    }

    fn identity(&self, id: &str, pool: Option<&EntityUid>) -> Result<Entity, String> {
        let mut attributes = vec![("id", text(id)), ("region", text(self.region))];
        attributes.extend(self.place());
        let reference = pool.cloned().map(Expression::new_entity_uid);
        attributes.extend(reference.map(|pool| ("pool", pool)));
        let parent = pool.filter(|_| self.mentioned.hierarchy);
        entity(names::identity(id), attributes, parent.cloned(), [])
    }

    /// The account and the target, as far as they are known.
    fn place(&self) -> impl Iterator<Item = (&'static str, Expression)> {
        let account = self.facts.account.as_deref();
        let target = self.facts.target.as_deref();
        let account = account.map(|account| ("account", text(account)));
        let target = target.map(|target| ("target", text(target)));
        account.into_iter().chain(target)
    }
}

fn entity<'a>(
    uid: EntityUid,
    attributes: impl IntoIterator<Item = (&'static str, Expression)>,
    parents: impl IntoIterator<Item = EntityUid>,
    tags: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<Entity, String> {
    let attributes = attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let tags = tags
        .into_iter()
        .map(|(key, value)| (key.clone(), text(value)));
    Entity::new_with_tags(uid, attributes, parents, tags).map_err(|error| error.to_string())
}

fn text(value: &str) -> Expression {
    Expression::new_string(value.to_owned())
}
