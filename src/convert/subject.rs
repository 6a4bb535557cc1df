//! What a request is about, checked against AWS's model.

use prost_reflect::{DynamicMessage, Value};
use serde_json::{Map, Value as Json};

use super::{parameters, pool_fields};
use crate::call::{Resource, Subject};
use crate::failure::Failure;
use crate::model::{self, Member, field_name};
use crate::operation::{Operation, ResourceField};

/// How much of a value an error message shows, in characters.
const VALUE_LIMIT: usize = 128;

/// What `message`, a request of `operation`, is about.
///
/// # Errors
///
/// [`Failure::InvalidFields`] when the request breaks AWS's model, when an update
/// mask cannot be used, and when identities of several regions are named.
pub fn subject(operation: Operation, message: &DynamicMessage) -> Result<Subject, Failure> {
    let update_mask = update_mask(operation, message);
    let members = members(operation, update_mask.as_deref())?;
    let (input, prefix) = input(operation, message);
    let parameters = input.map_or_else(Map::new, |input| {
        parameters(members.iter().copied(), &input)
    });
    let violations = model::check(members, &parameters, VALUE_LIMIT);
    if !violations.is_empty() {
        return Err(Failure::model(&violations, prefix));
    }
    let (resource, region) = resource(operation, &parameters)?;
    Ok(Subject {
        resource,
        region,
        parameters,
        update_mask,
    })
}

/// The members that count: all of the operation's, or those an update mask names
/// and the pool's identifier.
fn members(
    operation: Operation,
    update_mask: Option<&[String]>,
) -> Result<Vec<&'static Member>, Failure> {
    let all = model::input(operation).iter();
    let Some(paths) = update_mask else {
        return Ok(all.collect());
    };
    let fields = pool_fields(paths)?;
    Ok(all
        .filter(|member| {
            let name = field_name(member.name);
            name == "identity_pool_id" || fields.iter().any(|field| field.path() == name)
        })
        .collect())
}

/// The message that holds the operation's input, and how its fields are prefixed
/// in errors: an update carries the pool one level down.
fn input(operation: Operation, message: &DynamicMessage) -> (Option<DynamicMessage>, &'static str) {
    if operation != Operation::UpdateIdentityPool {
        return (Some(message.clone()), "");
    }
    (nested(message, "identity_pool"), "identity_pool.")
}

fn update_mask(operation: Operation, message: &DynamicMessage) -> Option<Vec<String>> {
    if operation != Operation::UpdateIdentityPool {
        return None;
    }
    let mask = nested(message, "update_mask")?;
    let paths = mask.get_field_by_name("paths")?;
    let paths = paths.as_list()?.iter();
    Some(paths.filter_map(Value::as_str).map(str::to_owned).collect())
}

fn nested(message: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    if !message.has_field_by_name(field) {
        return None;
    }
    message
        .get_field_by_name(field)
        .and_then(|value| value.as_message().cloned())
}

fn resource(
    operation: Operation,
    parameters: &Map<String, Json>,
) -> Result<(Resource, Option<String>), Failure> {
    let text = |path: &str| -> String {
        let field = path.rsplit('.').next().unwrap_or(path);
        parameters
            .iter()
            .find(|(name, _)| field_name(name) == field)
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    Ok(match operation.resource_field() {
        ResourceField::Account => (Resource::Account, None),
        ResourceField::Pool(field) => {
            let id = text(field);
            let region = region_of_id(&id);
            (Resource::Pool(id), region)
        }
        ResourceField::Identity(field) => {
            let id = text(field);
            let region = region_of_id(&id);
            (Resource::Identity(id), region)
        }
        ResourceField::PoolArn(field) => {
            let arn = text(field);
            let (pool_id, region) = pool_of_arn(&arn).ok_or_else(|| {
                let form = "arn:aws:cognito-identity:{region}:{account}:identitypool/{pool id}";
                Failure::field(field, format!("`{field}` is the ARN of a pool, `{form}`"))
            })?;
            (Resource::Pool(pool_id), Some(region))
        }
        ResourceField::Identities(field) => {
            let ids: Vec<String> = parameters
                .values()
                .find_map(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect();
            let region = common_region(&ids, field)?;
            (Resource::Identities(ids), region)
        }
    })
}

/// The region in an identifier such as `eu-west-1:0b8a…`.
fn region_of_id(id: &str) -> Option<String> {
    id.split_once(':').map(|(region, _)| region.to_owned())
}

/// The pool and its region in an ARN such as
/// `arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/eu-west-1:0b8a…`.
///
/// AWS answers what is not one with a denial that says nothing of the mistake
/// (reference: "Identities, roles, tags").
fn pool_of_arn(arn: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [
        "arn",
        partition,
        "cognito-identity",
        region,
        account,
        resource,
    ] = parts.as_slice()
    else {
        return None;
    };
    let pool_id = resource.strip_prefix("identitypool/")?;
    if !is_pool_id(pool_id) {
        return None;
    }
    let is_account = account.is_empty()
        || account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let holds_together =
        partition.starts_with("aws") && is_account && region_of_id(pool_id)? == **region;
    holds_together.then(|| (pool_id.to_owned(), (*region).to_owned()))
}

/// Whether AWS's model takes it where a call names a pool.
fn is_pool_id(text: &str) -> bool {
    let operation = Operation::DescribeIdentityPool;
    let named = Map::from_iter([("IdentityPoolId".to_owned(), text.into())]);
    model::check(model::input(operation), &named, VALUE_LIMIT).is_empty()
}

fn common_region(ids: &[String], field: &str) -> Result<Option<String>, Failure> {
    let mut common: Option<String> = None;
    for (position, id) in ids.iter().enumerate() {
        let region = region_of_id(id);
        match &common {
            None => common = region,
            Some(_) if common == region => {}
            Some(first) => {
                return Err(Failure::field(
                    format!("{field}[{}]", position + 1),
                    format!(
                        "all identities of one call are of one region; the first is of `{first}`"
                    ),
                ));
            }
        }
    }
    Ok(common)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::pb;

    fn of(operation: Operation, message: &impl Message) -> Result<Subject, Failure> {
        let name = format!("cognito.identity.v1.{}Request", operation.name());
        let descriptor = pb::descriptors().get_message_by_name(&name).unwrap();
        let bytes = message.encode_to_vec();
        subject(
            operation,
            &DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap(),
        )
    }

    fn violations(operation: Operation, message: &impl Message) -> Vec<String> {
        match of(operation, message) {
            Err(Failure::InvalidFields { violations, .. }) => {
                violations.into_iter().map(|found| found.field).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_pool_brings_its_region() {
        let request = pb::DescribeIdentityPoolRequest {
            identity_pool_id: "eu-west-1:0a".to_owned(),
        };

        let subject = of(Operation::DescribeIdentityPool, &request).ok().unwrap();

        assert_eq!(subject.resource, Resource::Pool("eu-west-1:0a".to_owned()));
        assert_eq!(subject.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn an_arn_brings_the_pool_and_its_region() {
        let arn = "arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/eu-west-1:0a";
        let request = pb::ListTagsForResourceRequest {
            resource_arn: arn.to_owned(),
        };

        let subject = of(Operation::ListTagsForResource, &request).ok().unwrap();

        assert_eq!(subject.resource, Resource::Pool("eu-west-1:0a".to_owned()));
        assert_eq!(subject.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn what_is_not_the_arn_of_a_pool_is_refused_by_its_field() {
        for arn in [
            "us-east-1:11111111-1111-4111-8111-111111111111",
            "arn:aws:iam::123456789012:role/guest",
            "arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/us-east-1:0a",
            "arn:aws:cognito-identity::123456789012:identitypool/eu-west-1:0a",
            "arn:aws:cognito-identity:eu-west-1:12345:identitypool/eu-west-1:0a",
            "arn:aws:cognito-identity:eu-west-1:123456789012:identity/eu-west-1:0a",
            "arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/eu-west-1:0a/x",
            "arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/eu-west-1:",
            "arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/eu-west-1:0A",
        ] {
            let request = pb::ListTagsForResourceRequest {
                resource_arn: arn.to_owned(),
            };
            let fields = violations(Operation::ListTagsForResource, &request);
            assert_eq!(fields, ["resource_arn"], "{arn}");
        }
    }

    #[test]
    fn a_missing_pool_in_an_update_is_named_by_its_path() {
        assert_eq!(
            violations(
                Operation::UpdateIdentityPool,
                &pb::UpdateIdentityPoolRequest::default()
            ),
            [
                "identity_pool.identity_pool_id",
                "identity_pool.identity_pool_name",
                "identity_pool.allow_unauthenticated_identities"
            ]
        );
    }

    #[test]
    fn a_mask_narrows_what_is_looked_at_to_the_named_fields() {
        let mut request = pb::UpdateIdentityPoolRequest {
            identity_pool: Some(pb::IdentityPool {
                identity_pool_id: "eu-west-1:0a".to_owned(),
                developer_provider_name: Some("not valid!".to_owned()),
                allow_classic_flow: Some(false),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["allow_classic_flow".to_owned()],
            }),
        };

        let subject = of(Operation::UpdateIdentityPool, &request).ok().unwrap();
        assert_eq!(
            Json::Object(subject.parameters),
            serde_json::json!({"IdentityPoolId": "eu-west-1:0a", "AllowClassicFlow": false})
        );

        // A required member cannot be cleared.
        request.update_mask = Some(prost_types::FieldMask {
            paths: vec!["identity_pool_name".to_owned()],
        });
        assert_eq!(
            violations(Operation::UpdateIdentityPool, &request),
            ["identity_pool.identity_pool_name"]
        );
    }

    #[test]
    fn identities_of_two_regions_in_one_call_are_refused() {
        let request = pb::DeleteIdentitiesRequest {
            identity_ids_to_delete: vec!["eu-west-1:0a".to_owned(), "us-east-1:0b".to_owned()],
        };

        assert_eq!(
            violations(Operation::DeleteIdentities, &request),
            ["identity_ids_to_delete[2]"]
        );
    }

    #[test]
    fn a_page_without_a_size_is_the_largest_and_a_larger_one_is_refused() {
        let page = |max_results| pb::ListIdentityPoolsRequest {
            max_results,
            next_token: String::new(),
        };

        let subject = of(Operation::ListIdentityPools, &page(0)).ok().unwrap();
        assert_eq!(subject.parameters["MaxResults"], 60);
        for refused in [-1, 61] {
            assert_eq!(
                violations(Operation::ListIdentityPools, &page(refused)),
                ["max_results"]
            );
        }
    }

    #[test]
    fn an_enum_value_the_proto_does_not_know_is_refused_in_aws_words() {
        let request = pb::SetIdentityPoolRolesRequest {
            identity_pool_id: "eu-west-1:0a".to_owned(),
            role_mappings: [(
                "idp".to_owned(),
                pb::RoleMapping {
                    r#type: 17,
                    ..Default::default()
                },
            )]
            .into(),
            ..Default::default()
        };

        let Err(Failure::InvalidFields { message, .. }) =
            of(Operation::SetIdentityPoolRoles, &request)
        else {
            panic!("accepted");
        };
        assert_eq!(
            message,
            "1 validation error detected: Value '17' at 'roleMappings.idp.member.type' failed to satisfy constraint: Member must satisfy enum value set: [Token, Rules]"
        );
    }
}
