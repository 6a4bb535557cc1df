//! What a policy asks for that the request does not say, found in its text, so that it
//! is looked up for those calls only whose policies ask.

use cedar_policy::{Policy, PrincipalConstraint, ResourceConstraint};
use serde_json::{Map, Value};

use super::Action;
use crate::operation::ResourceField;

/// What policies ask for that the request does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The tags of the pool that the call names.
    pub tags: bool,
    /// The pool of the identity that the call names.
    pub pool_of_identity: bool,
}

impl Needs {
    /// What a policy asks for. Where that is not plain the answer is that it asks.
    pub(super) fn of(policy: &Policy) -> Self {
        let mut needs = Needs {
            tags: false,
            pool_of_identity: matches!(
                policy.resource_constraint(),
                ResourceConstraint::In(_) | ResourceConstraint::IsIn(..)
            ),
        };
        match policy.to_json() {
            Ok(json) => match json.get("conditions") {
                Some(conditions) => needs.add(conditions),
                None => needs = Self::ALL,
            },
            Err(_) => needs = Self::ALL,
        }
        needs
    }

    const ALL: Needs = Needs {
        tags: true,
        pool_of_identity: true,
    };

    /// What is asked for by both.
    pub(super) fn or(self, other: Needs) -> Self {
        Self {
            tags: self.tags || other.tags,
            pool_of_identity: self.pool_of_identity || other.pool_of_identity,
        }
    }

    /// What is left of it for an action: the account and poolgate have no tags, and only
    /// identities are in pools.
    pub(super) fn for_action(self, action: Action) -> Self {
        let (pool, identity) = match action {
            Action::Reflection => (false, false),
            Action::Operation(operation) => match operation.resource_field() {
                ResourceField::Account => (false, false),
                ResourceField::Pool(_) | ResourceField::PoolArn(_) => (true, false),
                ResourceField::Identity(_) | ResourceField::Identities(_) => (false, true),
            },
        };
        Self {
            // The tags of an identity's pool are asked for by way of the pool.
            tags: self.tags && (pool || identity && self.pool_of_identity),
            pool_of_identity: self.pool_of_identity && identity,
        }
    }

    /// Walks through an expression in Cedar's JSON, where the key of an object is an
    /// operator or the name of a function.
    fn add(&mut self, expression: &Value) {
        match expression {
            Value::Array(elements) => elements.iter().for_each(|element| self.add(element)),
            Value::Object(operators) => {
                for (operator, operands) in operators {
                    self.add_operator(operator, operands);
                    self.add(operands);
                }
            }
            _ => {}
        }
    }

    fn add_operator(&mut self, operator: &str, operands: &Value) {
        let Some(operands) = operands.as_object() else {
            return;
        };
        match operator {
            "hasTag" | "getTag" => self.tags |= !is_of_caller(operands),
            "." | "has" => {
                let attribute = operands.get("attr").and_then(Value::as_str);
                self.tags |= attribute == Some("tags_known");
                self.pool_of_identity |= attribute == Some("pool");
            }
            "in" => self.pool_of_identity |= !is_of_caller(operands),
            "is" => self.pool_of_identity |= operands.contains_key("in") && !is_of_caller(operands),
            _ => {}
        }
    }
}

/// Whether the operator is applied to the caller or the action.
fn is_of_caller(operands: &Map<String, Value>) -> bool {
    let variable = operands
        .get("left")
        .and_then(|left| left.get("Var"))
        .and_then(Value::as_str);
    matches!(variable, Some("principal" | "action"))
}

/// The caller or the role that a policy names in its head.
pub(super) fn head_of_principal(policy: &Policy) -> Option<cedar_policy::EntityUid> {
    match policy.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
        PrincipalConstraint::In(uid)
        | PrincipalConstraint::Eq(uid)
        | PrincipalConstraint::IsIn(_, uid) => Some(uid),
    }
}

/// The resource, or what it is in, that a policy names in its head.
pub(super) fn head_of_resource(policy: &Policy) -> Option<cedar_policy::EntityUid> {
    match policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
        ResourceConstraint::In(uid)
        | ResourceConstraint::Eq(uid)
        | ResourceConstraint::IsIn(_, uid) => Some(uid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;

    #[test]
    fn a_policy_asks_for_what_its_text_mentions_of_the_resource() {
        let no = (false, false);
        let tags = (true, false);
        let pool = (false, true);
        for (head, condition, (tags, pool_of_identity)) in [
            ("resource", "true", no),
            (
                "resource",
                "principal.hasTag(\"t\") && principal.getTag(\"t\") == \"a\"",
                no,
            ),
            ("resource", "principal in Poolgate::Role::\"a\"", no),
            ("resource", "action in Poolgate::Action::\"read\"", no),
            ("resource == Poolgate::IdentityPool::\"a\"", "true", no),
            ("resource is Poolgate::IdentityPool", "true", no),
            ("resource", "context has hasTag", no),
            ("resource", "resource.hasTag(\"t\")", tags),
            ("resource", "principal.hasTag(resource.getTag(\"t\"))", tags),
            (
                "resource",
                "(if true then resource else resource).hasTag(\"t\")",
                tags,
            ),
            ("resource", "resource.tags_known", tags),
            ("resource", "resource has pool", pool),
            ("resource", "resource.pool.hasTag(\"t\")", (true, true)),
            ("resource in Poolgate::IdentityPool::\"a\"", "true", pool),
            (
                "resource is Poolgate::Identity in Poolgate::IdentityPool::\"a\"",
                "true",
                pool,
            ),
            (
                "resource",
                "resource in Poolgate::IdentityPool::\"a\"",
                pool,
            ),
            (
                "resource",
                "[1].contains(if resource in [Poolgate::IdentityPool::\"a\"] then 1 else 2)",
                pool,
            ),
            (
                "resource",
                "resource is Poolgate::Identity in Poolgate::IdentityPool::\"a\"",
                pool,
            ),
        ] {
            let text = format!("permit (principal, action, {head}) when {{ {condition} }};");
            let expected = Needs {
                tags,
                pool_of_identity,
            };
            assert_eq!(Needs::of(&text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn tags_are_those_of_pools_and_only_identities_are_in_some() {
        for (action, tags, pool_of_identity) in [
            (Operation::CreateIdentityPool.into(), false, false),
            (Operation::TagResource.into(), true, false),
            (Operation::GetId.into(), true, false),
            (Operation::DeleteIdentities.into(), true, true),
            (Operation::GetOpenIdToken.into(), true, true),
            (Action::Reflection, false, false),
        ] {
            let expected = Needs {
                tags,
                pool_of_identity,
            };
            assert_eq!(Needs::ALL.for_action(action), expected, "{action:?}");
        }
    }
}
