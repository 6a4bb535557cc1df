//! Why a call is shed.

use std::time::Duration;

use super::in_flight::{InFlight, Kind};
use crate::failure::{Failure, Place};
use crate::operation::Operation;
use crate::upstream::meter::Shed;

/// Why a call is shed.
pub(super) enum Refused {
    /// It is tried again after this time.
    Circuit(Duration),
    /// So many may be under way, and there is no place for it among them.
    Full(usize),
}

impl Refused {
    /// The same for the meter and for the caller.
    pub(super) fn failure(self, operation: Operation, place: Place) -> (Shed, Failure) {
        match self {
            Self::Circuit(wait) => {
                let millis = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
                let failure = Failure::CircuitOpen {
                    operation,
                    place,
                    wait: Duration::from_millis(millis),
                };
                (Shed::CircuitOpen, failure)
            }
            Self::Full(limit) => {
                let failure = Failure::UpstreamOverloaded { place, limit };
                (Shed::Overloaded, failure)
            }
        }
    }
}

pub(super) fn refusal(wait: Option<Duration>, in_flight: &InFlight, kind: Kind) -> Option<Refused> {
    let full = || {
        let is_full = !in_flight.has_room(kind);
        is_full.then(|| Refused::Full(in_flight.limit()))
    };
    wait.map(Refused::Circuit).or_else(full)
}
