//! What is known when a call begins.

use crate::caller::Peer;

/// What is known when a call begins. But for the peer it is what the caller says.
#[derive(Clone, Debug, Default)]
pub struct Begun {
    /// The path, with the query if there is one.
    pub path: String,
    /// Where the call came from.
    pub peer: Option<Peer>,
    /// What the caller calls this server.
    pub authority: Option<String>,
    /// What the caller calls itself.
    pub user_agent: Option<String>,
    /// What somebody says about where the call came from.
    pub forwarded_for: Option<String>,
    /// The trace that the call is part of, in 32 hexadecimal digits.
    pub trace_id: Option<String>,
}
