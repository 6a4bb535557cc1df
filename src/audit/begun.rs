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
    /// The trace that the call is part of, as W3C writes it.
    pub trace_parent: Option<String>,
}

impl Begun {
    /// The identifier of the trace, if it is one
    /// (<https://www.w3.org/TR/trace-context/#traceparent-header>).
    pub(super) fn trace_id(&self) -> Option<&str> {
        let mut parts = self.trace_parent.as_deref()?.split('-');
        let id = parts.nth(1)?;
        let is_one = id.len() == 32
            && id
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && id.bytes().any(|byte| byte != b'0');
        is_one.then_some(id)
    }
}
