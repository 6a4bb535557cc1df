//! The words of the schema, as Cedar wants them.

use std::sync::LazyLock;

use cedar_policy::{EntityId, EntityTypeName, EntityUid};

use super::Action;

/// The namespace of everything in the schema.
pub(super) const NAMESPACE: &str = "Poolgate";

/// The id of the one account there is.
const UPSTREAM: &str = "upstream";

/// The id of the one server there is.
const POOLGATE: &str = "poolgate";

/// The types of entities.
struct Types {
    action: EntityTypeName,
    account: EntityTypeName,
    caller: EntityTypeName,
    identity: EntityTypeName,
    pool: EntityTypeName,
    role: EntityTypeName,
    server: EntityTypeName,
}

static TYPES: LazyLock<Types> = LazyLock::new(|| Types {
    action: type_name("Action"),
    account: type_name("Account"),
    caller: type_name("Caller"),
    identity: type_name("Identity"),
    pool: type_name("IdentityPool"),
    role: type_name("Role"),
    server: type_name("Server"),
});

impl Action {
    /// The action's name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Action::Operation(operation) => operation.name(),
            Action::Reflection => "reflection",
        }
    }

    pub(super) fn uid(self) -> EntityUid {
        uid(&TYPES.action, self.name())
    }

    /// Every action.
    pub(super) fn all() -> impl Iterator<Item = Action> {
        let operations = crate::operation::Operation::ALL.iter().copied();
        operations
            .map(Action::Operation)
            .chain([Action::Reflection])
    }
}

pub(super) fn account() -> EntityUid {
    uid(&TYPES.account, UPSTREAM)
}

pub(super) fn caller(id: &str) -> EntityUid {
    uid(&TYPES.caller, id)
}

pub(super) fn identity(id: &str) -> EntityUid {
    uid(&TYPES.identity, id)
}

pub(super) fn pool(id: &str) -> EntityUid {
    uid(&TYPES.pool, id)
}

pub(super) fn role(name: &str) -> EntityUid {
    uid(&TYPES.role, name)
}

pub(super) fn server() -> EntityUid {
    uid(&TYPES.server, POOLGATE)
}

/// Whether a type, written out, is that of the schema with this name.
pub(super) fn is_type(written: &str, basename: &str) -> bool {
    written.split_once("::") == Some((NAMESPACE, basename))
}

fn uid(type_name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name.clone(), EntityId::new(id))
}

#[expect(
    clippy::expect_used,
    reason = "the names are written above and a test makes each of them"
)]
fn type_name(basename: &str) -> EntityTypeName {
    format!("{NAMESPACE}::{basename}")
        .parse()
        .expect("a name of letters is a name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;

    #[test]
    fn names_are_written_with_the_namespace() {
        for (uid, expected) in [
            (account(), "Poolgate::Account::\"upstream\""),
            (caller("a"), "Poolgate::Caller::\"a\""),
            (identity("eu:0a"), "Poolgate::Identity::\"eu:0a\""),
            (pool("eu:0a"), "Poolgate::IdentityPool::\"eu:0a\""),
            (role("admin"), "Poolgate::Role::\"admin\""),
            (server(), "Poolgate::Server::\"poolgate\""),
            (
                Action::from(Operation::GetId).uid(),
                "Poolgate::Action::\"GetId\"",
            ),
        ] {
            assert_eq!(uid.to_string(), expected);
        }
    }
}
