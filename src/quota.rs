//! How often may this caller do this? Limits say so.
//!
//! What operators write about limits is in docs/quotas.md. This room promises:
//!
//! 1. Of each caller no more is admitted in any span of time than a window's burst and
//!    what its rate gives in that span. The arithmetic is that of whole nanoseconds (the
//!    generic cell rate algorithm); a rate that does not divide a second is rounded down.
//! 2. A call is charged to all windows of its limit or to none.
//! 3. Memory is bounded, whoever calls: a [table](self::Limiter) of 100,000 keys. What is
//!    forgotten owes nothing, so that forgetting it changes nothing; a key that is used up
//!    stays so whatever others do. Callers beyond share what one caller may.
//! 4. New limits take effect as a whole or not at all, and what was consumed under a
//!    limit's name stays consumed.
//! 5. Shadow limits are asked and never refuse.
//! 6. A caller's name is kept as a keyed hash only.

mod addresses;
mod brake;
mod in_flight;
mod key;
mod limit;
mod limiter;
mod limits;
mod read;
mod selector;
mod settings;
mod table;
mod weight;
mod window;

pub use addresses::Addresses;
pub use brake::Brake;
pub use in_flight::Permit;
pub use limit::Limit;
pub use limiter::{Admitted, Asked, Decision, Judged, Limiter, Ruling};
pub use limits::{Limits, default_table};
pub use settings::{InForce, Settings};
pub use weight::{least_weight, weight, weight_table};
pub use window::Window;

#[cfg(test)]
mod tests;
