//! Tests of the room as a whole.

mod decide;
mod guardrails;
mod index;
mod load;
mod matrix;
mod remembered;
mod samples;
mod schema;
