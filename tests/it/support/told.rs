//! Variables of the environment that make tests longer or larger; the README has them all.

use std::fmt::Debug;
use std::str::FromStr;

/// What a variable says, if it is set.
pub fn told<T>(variable: &str) -> Option<T>
where
    T: FromStr<Err: Debug>,
{
    let told = std::env::var(variable).ok()?;
    Some(told.parse().unwrap())
}
