//! What happened: a journal with one record for each call, in CloudTrail's shape.

mod blocks;
pub mod digest;
pub mod line;
mod listing;
pub mod sign;
pub mod verify;
pub mod who;

pub use listing::{ListError, Listing};
