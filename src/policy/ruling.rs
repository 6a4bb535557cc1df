//! What policies make of a call, and what comes of several rulings.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{AuthorizationError, Decision as CedarDecision, Response};

use super::Verdict;
use crate::failure::Denial;

/// What policies make of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// These permit it and none forbids it.
    Permitted(BTreeSet<String>),
    /// None says anything.
    Silent,
    /// These forbid it.
    Forbidden(BTreeSet<String>),
    /// These could not be evaluated; each with its error.
    Unevaluated(BTreeMap<String, String>),
}

impl Ruling {
    /// An error counts before everything else: a policy that Cedar skipped may have
    /// forbidden the call.
    pub(super) fn of(response: &Response) -> Self {
        let diagnostics = response.diagnostics();
        let errors: BTreeMap<String, String> = diagnostics
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| {
                (error.policy_id().to_string(), error.to_string())
            })
            .collect();
        if !errors.is_empty() {
            return Ruling::Unevaluated(errors);
        }
        let names: BTreeSet<String> = diagnostics.reason().map(ToString::to_string).collect();
        match response.decision() {
            CedarDecision::Allow => Ruling::Permitted(names),
            CedarDecision::Deny if names.is_empty() => Ruling::Silent,
            CedarDecision::Deny => Ruling::Forbidden(names),
        }
    }

    /// What comes of two things when both have to be permitted.
    pub(super) fn and(self, other: Ruling) -> Self {
        match (self, other) {
            (Ruling::Silent, Ruling::Permitted(_)) | (Ruling::Permitted(_), Ruling::Silent) => {
                Ruling::Silent
            }
            (one, other) => one.with(other),
        }
    }

    /// What comes of it when the policies of both rulings are in force: the weightier, and
    /// of two that weigh the same the names of both.
    pub(super) fn with(self, other: Ruling) -> Self {
        use Ruling::{Forbidden, Permitted, Silent, Unevaluated};
        match (self, other) {
            (Unevaluated(mut errors), Unevaluated(more)) => {
                errors.extend(more);
                Unevaluated(errors)
            }
            (Unevaluated(errors), _) | (_, Unevaluated(errors)) => Unevaluated(errors),
            (Forbidden(mut names), Forbidden(more)) => {
                names.extend(more);
                Forbidden(names)
            }
            (Forbidden(names), _) | (_, Forbidden(names)) => Forbidden(names),
            (Permitted(mut names), Permitted(more)) => {
                names.extend(more);
                Permitted(names)
            }
            (Permitted(names), Silent) | (Silent, Permitted(names)) => Permitted(names),
            (Silent, Silent) => Silent,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Ruling::Permitted(_) => Verdict::Allowed,
            Ruling::Silent => Verdict::Denied(Denial::NotPermitted),
            Ruling::Forbidden(_) => Verdict::Denied(Denial::Forbidden(self.names())),
            Ruling::Unevaluated(_) => Verdict::Denied(Denial::Unevaluated {
                cause: self.errors().join("; "),
            }),
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Ruling::Silent => Vec::new(),
            Ruling::Permitted(names) | Ruling::Forbidden(names) => names.iter().cloned().collect(),
            Ruling::Unevaluated(errors) => errors.keys().cloned().collect(),
        }
    }

    pub(super) fn errors(&self) -> Vec<String> {
        match self {
            Ruling::Unevaluated(errors) => errors
                .iter()
                .map(|(name, error)| format!("`{name}`: {error}"))
                .collect(),
            _ => Vec::new(),
        }
    }
}
