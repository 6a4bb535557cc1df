//! Update masks.

use crate::failure::{Failure, FieldViolation};
use crate::pool_field::PoolField;

/// The fields that the paths of an update mask name.
///
/// `identity_pool_id` may be named and counts for nothing, since it cannot
/// change.
///
/// # Errors
///
/// [`Failure::InvalidFields`] when the mask names nothing, or a path is empty or
/// not a field of the pool.
pub fn pool_fields(paths: &[String]) -> Result<Vec<PoolField>, Failure> {
    let mut fields = Vec::new();
    let mut violations = Vec::new();
    for (position, path) in paths.iter().enumerate() {
        match PoolField::from_path(path) {
            Some(field) if !fields.contains(&field) => fields.push(field),
            Some(_) => {}
            None if path == "identity_pool_id" => {}
            None => violations.push(FieldViolation {
                field: format!("update_mask.paths[{}]", position + 1),
                description: format!("`{path}` is not one of {}", known()),
            }),
        }
    }
    if let Some(first) = violations.first() {
        return Err(Failure::InvalidFields {
            message: format!("the update mask cannot be used: {}", first.description),
            violations,
        });
    }
    if fields.is_empty() {
        return Err(Failure::field(
            "update_mask",
            format!(
                "the update mask names no field to change; leave it out to replace the pool's whole configuration, or name some of {}",
                known()
            ),
        ));
    }
    Ok(fields)
}

fn known() -> String {
    PoolField::ALL.map(PoolField::path).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(paths: &[&str]) -> Result<Vec<PoolField>, Failure> {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        pool_fields(&paths)
    }

    #[test]
    fn each_named_field_counts_once_and_the_identifier_not_at_all() {
        let fields = parse(&[
            "allow_classic_flow",
            "identity_pool_id",
            "allow_classic_flow",
            "identity_pool_tags",
        ]);

        assert_eq!(
            fields,
            Ok(vec![
                PoolField::AllowClassicFlow,
                PoolField::IdentityPoolTags
            ])
        );
    }

    #[test]
    fn a_mask_that_names_nothing_or_something_unknown_is_refused() {
        let cases: [(&[&str], &str); 5] = [
            (&[], "update_mask"),
            (&["identity_pool_id"], "update_mask"),
            (&["allow_classic_flow", ""], "update_mask.paths[2]"),
            (&["*"], "update_mask.paths[1]"),
            (
                &["cognito_identity_providers.client_id"],
                "update_mask.paths[1]",
            ),
        ];
        for (paths, field) in cases {
            let Err(Failure::InvalidFields { violations, .. }) = parse(paths) else {
                panic!("{paths:?} was accepted");
            };
            assert_eq!(violations[0].field, field, "{paths:?}");
        }
    }
}
