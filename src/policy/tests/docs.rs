//! docs/policies.md shows what there is, and its examples work.
//!
//! `POOLGATE_WRITE_DOCS=1 cargo test --lib policy::tests::docs` writes the tables.

