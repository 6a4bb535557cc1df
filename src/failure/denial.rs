//! What policies refuse with.

/// Why a caller may not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// Policies forbid it.
    #[error("{} this call", forbid(.0))]
    Forbidden(Vec<String>),
    /// No policy permits it.
    #[error("no policy permits this call")]
    NotPermitted,
    /// A policy could not be evaluated, and then nothing is permitted.
    #[error("the policies cannot be evaluated for this call")]
    Unevaluated {
        /// The policies and their errors, for our log only.
        cause: String,
    },
}

/// `policy `a` forbids`, or `policies `a`, `b` forbid`.
fn forbid(policies: &[String]) -> String {
    let names: Vec<String> = policies.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    match policies.len() {
        1 => format!("policy {names} forbids"),
        _ => format!("policies {names} forbid"),
    }
}
