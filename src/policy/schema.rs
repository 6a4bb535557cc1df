//! The schema: what policies can speak of.

use std::sync::LazyLock;

use cedar_policy::{Schema, Validator};

/// The schema in Cedar's own syntax.
pub const TEXT: &str = include_str!("poolgate.cedarschema");

/// The schema, read.
#[expect(
    clippy::expect_used,
    reason = "the text is compiled into the binary and read by a test"
)]
pub(super) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(TEXT).expect("the schema is valid");
    schema
});

/// What checks policies against the schema.
pub(super) static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| Validator::new(SCHEMA.clone()));
