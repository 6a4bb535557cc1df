//! The counters of connections.

use super::{Ending, Metrics, Refusal};

impl Metrics {
    /// A connection was opened.
    pub fn connection_opened(&self) {
        self.connections.inc();
    }

    /// A connection was closed.
    pub fn connection_closed(&self) {
        self.connections.dec();
    }

    /// A connection was closed before its first call.
    pub fn connection_refused(&self, reason: Refusal) {
        self.refused
            .get_or_create(&[("reason", reason.label())])
            .inc();
    }

    /// A connection was ended by us, or its peer told to go away, while we serve.
    pub fn connection_ended(&self, reason: Ending) {
        self.ended
            .get_or_create(&[("reason", reason.label())])
            .inc();
    }

    /// A connection to the admin port had to go for a newer one.
    pub fn admin_connection_crowded_out(&self) {
        self.admin_crowded_out.inc();
    }
}
