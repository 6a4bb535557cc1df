//! Who and what a call is about, as entities of the schema.

use std::sync::LazyLock;

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression as Expression};

use super::schema::SCHEMA;
use super::{Action, Facts, names};
use crate::call::{Resource, Subject};
use crate::caller::{Caller, Proof};

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
pub(super) struct Target {
    /// Its name.
    pub(super) uid: EntityUid,
    /// The pool that it is in, where that is known.
    pub(super) pool: Option<EntityUid>,
    entity: Entity,
    /// That pool.
    around: Option<Entity>,
}

/// The caller with its roles and attributes.
pub(super) fn caller(caller: &Caller) -> Result<Entity, String> {
    let proof = match caller.proof() {
        Proof::Anonymous => "anonymous",
        Proof::Certificate { .. } => "certificate",
        Proof::Jwt { .. } => "jwt",
        Proof::StaticToken { .. } => "token",
    };
    entity(
        names::caller(caller.id()),
        [("id", text(caller.id())), ("proof", text(proof))],
        caller.roles().iter().map(|role| names::role(role)),
        caller.attributes(),
    )
}

/// What a call is about, one by one. The region is that of the subject, or `region`
/// where it names none.
pub(super) fn targets(
    subject: Option<&Subject>,
    facts: &Facts,
    region: &str,
) -> Result<Vec<Target>, String> {
    let Some(subject) = subject else {
        return Ok(vec![Target {
            uid: names::server(),
            pool: None,
            around: None,
            entity: Entity::with_uid(names::server()),
        }]);
    };
    let region = subject.region.as_deref().unwrap_or(region);
    match &subject.resource {
        Resource::Account => Ok(vec![account(facts, region)?]),
        Resource::Pool(id) => Ok(vec![pool(id, facts, region)?]),
        Resource::Identity(id) => Ok(vec![identity(id, facts, region)?]),
        Resource::Identities(ids) => ids.iter().map(|id| identity(id, facts, region)).collect(),
    }
}

/// Everything that a policy can come across when it is asked about `target`.
pub(super) fn entities(action: Action, caller: Entity, target: Target) -> Result<Entities, String> {
    let action = ACTIONS.get(&action.uid()).cloned();
    let around = target.around.into_iter().chain(action);
    let entities = [caller, target.entity].into_iter().chain(around);
    Entities::from_entities(entities, None).map_err(|error| error.to_string())
}

fn account(facts: &Facts, region: &str) -> Result<Target, String> {
    let uid = names::account();
    let mut attributes = vec![("region", text(region))];
    attributes.extend(number(facts));
    Ok(Target {
        uid: uid.clone(),
        pool: None,
        around: None,
        entity: entity(uid, attributes, [], [])?,
    })
}

fn pool(id: &str, facts: &Facts, region: &str) -> Result<Target, String> {
    let entity = pool_entity(id, facts, region)?;
    Ok(Target {
        uid: entity.uid(),
        pool: None,
        around: None,
        entity,
    })
}

fn pool_entity(id: &str, facts: &Facts, region: &str) -> Result<Entity, String> {
    let tags = facts.tags_of_pool.get(id);
    let mut attributes = vec![
        ("id", text(id)),
        ("region", text(region)),
        ("tags_known", Expression::new_bool(tags.is_some())),
    ];
    attributes.extend(number(facts));
    entity(names::pool(id), attributes, [], tags.into_iter().flatten())
}

fn identity(id: &str, facts: &Facts, region: &str) -> Result<Target, String> {
    let uid = names::identity(id);
    let around = facts.pool_of_identity.get(id);
    let around = around
        .map(|pool_id| pool_entity(pool_id, facts, region))
        .transpose()?;
    let pool = around.as_ref().map(Entity::uid);
    let mut attributes = vec![("id", text(id)), ("region", text(region))];
    let reference = pool.clone().map(Expression::new_entity_uid);
    attributes.extend(reference.map(|pool| ("pool", pool)));
    Ok(Target {
        uid: uid.clone(),
        entity: entity(uid, attributes, pool.clone(), [])?,
        pool,
        around,
    })
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

fn number(facts: &Facts) -> Option<(&'static str, Expression)> {
    facts
        .account
        .as_deref()
        .map(|account| ("account", text(account)))
}

fn text(value: &str) -> Expression {
    Expression::new_string(value.to_owned())
}
