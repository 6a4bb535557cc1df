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
//!    limit's name stays consumed, as a share of the burst.
//! 5. Shadow limits are asked and never refuse.
//! 6. A caller's name is kept as a keyed hash only.
//! 7. Replicas that count in [`Redis`] admit together what one may, by the
//!    server's clock. While it does not answer, each decides alone by its part of every
//!    limit, or refuses; no call waits long for it, and none is ever admitted unasked.
//!    What it answers is believed as far as it can be true.
//! 8. What AWS admits of the whole account is shared by a [guard](account).

pub mod account;
mod addresses;
mod asking;
mod brake;
mod in_flight;
mod key;
mod limit;
mod limiter;
mod limits;
mod price;
mod read;
mod redis;
mod ruling;
mod selector;
mod settings;
mod shared;
mod table;
mod weight;
mod window;

pub use self::redis::{Redis, RedisSettings, StoreMeter};
pub use account::{Account, Guard, Turn, Wanted, account_table};
pub use addresses::Addresses;
pub use brake::Brake;
pub use in_flight::Permit;
pub use limit::Limit;
pub use limiter::Limiter;
pub use limits::{Limits, default_table};
pub use ruling::{Admitted, Asked, Decision, Judged, Ruling};
pub use settings::{InForce, OnStoreFailure, Settings, Store};
pub use shared::Shared;
pub use weight::{least_weight, weight, weight_table};
pub use window::Window;

#[cfg(test)]
mod tests;
