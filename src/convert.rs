//! Between the proto's messages and the SDK's types. Pure and total; every
//! message is taken apart by naming all its fields, so that a new one stops the
//! build.
//!
//! What is absent stays absent in both directions:
//!
//! * an unset `optional` field is not sent, and what AWS does not return is unset;
//! * an empty string, list or map counts as absent, except where AWS requires the
//!   member: then an empty list or map is sent as such;
//! * `max_results` 0 is AWS's largest page, 60.
//!
//! Bounds are not checked here but by [`crate::model`], before a request gets
//! here; [`parameters()`] gives it the request as AWS names it.

mod credentials;
mod developer;
mod identities;
mod parameters;
mod pools;
mod principal_tags;
mod roles;
mod subject;
mod tags;
mod update_mask;
mod whole;

pub use parameters::parameters;
pub use subject::subject;
pub use update_mask::pool_fields;
pub use whole::Whole;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use aws_smithy_types::DateTime;
use prost_types::Timestamp;

/// AWS's largest page.
const LARGEST_PAGE: i32 = 60;

fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn list<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn map<K: Eq + Hash, V, S: BuildHasher>(map: HashMap<K, V, S>) -> Option<HashMap<K, V, S>> {
    Some(map).filter(|map| !map.is_empty())
}

fn page_size(max_results: i32) -> i32 {
    match max_results {
        0 => LARGEST_PAGE,
        given => given,
    }
}

fn timestamp(time: DateTime) -> Timestamp {
    Timestamp {
        seconds: time.secs(),
        // Below 1,000,000,000, so it fits.
        nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default(),
    }
}
