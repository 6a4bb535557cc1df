//! The request of a sample: what it is about, in AWS's names of members.

use serde_json::{Map, Value};

use crate::call::{Resource, Subject};
use crate::model::{self, field_name};
use crate::operation::{Operation, ResourceField};
use crate::pool_field::PoolField;

/// How much of a value a mistake shows, in characters.
const VALUE_LIMIT: usize = 128;

/// What a request in AWS's names is about. It has to be one that AWS's model accepts:
/// others never come to policies.
pub(super) fn subject(
    operation: Operation,
    parameters: Map<String, Value>,
    update_mask: Option<Vec<String>>,
) -> Result<Subject, String> {
    let members = model::input(operation);
    for name in parameters.keys() {
        if !members.iter().any(|member| member.name == name) {
            return Err(format!("`{operation}` has no member `{name}`"));
        }
    }
    if let Some(paths) = &update_mask {
        if operation != Operation::UpdateIdentityPool {
            return Err(format!("`{operation}` has no update mask"));
        }
        if paths.is_empty() {
            return Err("an update mask names a field at least".to_owned());
        }
        if let Some(path) = paths
            .iter()
            .find(|path| PoolField::from_path(path).is_none())
        {
            return Err(format!("an update mask cannot name `{path}`"));
        }
    }
    let counts = |name: &str| match &update_mask {
        Some(paths) => name == "IdentityPoolId" || paths.contains(&field_name(name)),
        None => true,
    };
    let members = members.iter().filter(|member| counts(member.name));
    let violations = model::check(members, &parameters, VALUE_LIMIT);
    if !violations.is_empty() {
        return Err(model::summary(&violations));
    }
    let resource = resource(operation, &parameters);
    let region = match &resource {
        Resource::Account => None,
        Resource::Pool(id) | Resource::Identity(id) => region_of(id),
        Resource::Identities(ids) => ids.first().and_then(|id| region_of(id)),
    };
    Ok(Subject {
        resource,
        region,
        parameters,
        update_mask,
    })
}

fn resource(operation: Operation, parameters: &Map<String, Value>) -> Resource {
    let value = |path: &str| {
        let field = path.rsplit('.').next().unwrap_or(path);
        parameters
            .iter()
            .find(|(name, _)| field_name(name) == field)
            .map(|(_, value)| value)
    };
    let text = |path| value(path).and_then(Value::as_str).unwrap_or_default();
    match operation.resource_field() {
        ResourceField::Account => Resource::Account,
        ResourceField::Pool(path) => Resource::Pool(text(path).to_owned()),
        ResourceField::PoolArn(path) => {
            let arn = text(path);
            let id = arn.rsplit_once('/').map_or(arn, |(_, id)| id);
            Resource::Pool(id.to_owned())
        }
        ResourceField::Identity(path) => Resource::Identity(text(path).to_owned()),
        ResourceField::Identities(path) => {
            let ids = value(path).and_then(Value::as_array).into_iter().flatten();
            let ids = ids.filter_map(Value::as_str).map(str::to_owned);
            Resource::Identities(ids.collect())
        }
    }
}

fn region_of(id: &str) -> Option<String> {
    id.split_once(':').map(|(region, _)| region.to_owned())
}
