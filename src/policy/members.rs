//! The members of a request, read for policies.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::call::Subject;
use crate::model::field_name;
use crate::pool_field::PoolField;

/// The members of a request that count.
#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    parameters: &'a Map<String, Value>,
    mask: Option<&'a [String]>,
}

impl<'a> Members<'a> {
    pub(super) fn of(subject: &'a Subject) -> Self {
        Self {
            parameters: &subject.parameters,
            mask: subject.update_mask.as_deref(),
        }
    }

    /// The paths of the update mask.
    pub(super) fn mask(self) -> Option<&'a [String]> {
        self.mask
    }

    /// Whether an update writes a field: its mask names it, or there is no mask and AWS
    /// replaces the field even if the request leaves it out.
    pub(super) fn writes(self, field: PoolField) -> bool {
        match self.mask {
            Some(paths) => paths.iter().any(|path| path == field.path()),
            None => !survives_omission(field) || self.names(field),
        }
    }

    /// A member of a mask's kind, `None` where it is absent or the mask leaves it out.
    fn get(self, member: &str) -> Option<&'a Value> {
        let value = self.parameters.get(member).filter(|value| !value.is_null());
        match self.mask {
            Some(paths) => value.filter(|_| paths.contains(&field_name(member))),
            None => value,
        }
    }

    fn names(self, field: PoolField) -> bool {
        self.parameters
            .iter()
            .any(|(member, value)| !value.is_null() && field_name(member) == field.path())
    }

    pub(super) fn text(self, member: &str) -> Option<&'a str> {
        self.get(member).and_then(Value::as_str)
    }

    pub(super) fn flag(self, member: &str) -> Option<bool> {
        self.get(member).and_then(Value::as_bool)
    }

    pub(super) fn number(self, member: &str) -> Option<i64> {
        self.get(member).and_then(Value::as_i64)
    }

    /// The strings of a list.
    pub(super) fn texts(self, member: &str) -> BTreeSet<&'a str> {
        self.elements(member).filter_map(Value::as_str).collect()
    }

    /// How many elements a list has.
    pub(super) fn count(self, member: &str) -> usize {
        self.elements(member).count()
    }

    /// The keys of a map. What a map of logins holds is secret, what it is keyed by is
    /// not.
    pub(super) fn keys(self, member: &str) -> BTreeSet<&'a str> {
        self.entries(member).map(|(key, _)| key).collect()
    }

    /// The entries of a map of strings.
    pub(super) fn pairs(self, member: &str) -> Vec<(&'a str, &'a str)> {
        self.entries(member)
            .filter_map(|(key, value)| Some((key, value.as_str()?)))
            .collect()
    }

    /// What each object in a list has in a field.
    pub(super) fn in_each(self, member: &str, field: &str) -> BTreeSet<&'a str> {
        self.elements(member)
            .filter_map(|element| element.get(field)?.as_str())
            .collect()
    }

    /// The roles of a pool and of the rules that choose among roles.
    pub(super) fn role_arns(self) -> BTreeSet<&'a str> {
        let of_pool = self.entries("Roles").filter_map(|(_, arn)| arn.as_str());
        let of_rules = self
            .entries("RoleMappings")
            .filter_map(|(_, mapping)| mapping.get("RulesConfiguration")?.get("Rules")?.as_array())
            .flatten()
            .filter_map(|rule| rule.get("RoleARN")?.as_str());
        of_pool.chain(of_rules).collect()
    }

    /// How role mappings choose: `Token`, `Rules`.
    pub(super) fn role_mapping_types(self) -> BTreeSet<&'a str> {
        self.entries("RoleMappings")
            .filter_map(|(_, mapping)| mapping.get("Type")?.as_str())
            .collect()
    }

    fn entries(self, member: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.get(member)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value))
    }

    fn elements(self, member: &str) -> impl Iterator<Item = &'a Value> {
        self.get(member)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }
}

/// Whether AWS keeps a field that an update leaves out (reference: "UpdateIdentityPool
/// is full replace for the provider fields, but DeveloperProviderName and
/// IdentityPoolTags survive omission").
fn survives_omission(field: PoolField) -> bool {
    matches!(
        field,
        PoolField::DeveloperProviderName | PoolField::IdentityPoolTags
    )
}
