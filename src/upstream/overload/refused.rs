//! Why a call is shed.

use std::time::Duration;

use super::in_flight::InFlight;

/// Why a call is shed.
pub(super) enum Refused {
    /// It is tried again after this time.
    Circuit(Duration),
    /// So many are under way.
    Full(usize),
}

pub(super) fn refusal(wait: Option<Duration>, in_flight: &InFlight) -> Option<Refused> {
    let full = || {
        in_flight
            .is_full()
            .then(|| Refused::Full(in_flight.limit()))
    };
    wait.map(Refused::Circuit).or_else(full)
}
