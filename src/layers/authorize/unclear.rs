//! Who may know why a call goes to no target.

use std::sync::Arc;

use http::request::Parts;

use super::{Authorize, slot};
use crate::call::{Subject, Unclear};
use crate::failure::Failure;
use crate::operation::Operation;
use crate::policy::{Decision, Verdict};

impl Authorize {
    /// What a call is refused with that goes to no target: why, where its caller may know, and
    /// else as a call is that goes to a target where it may not. That is the one which most
    /// policies forbid: what forbids the call anywhere does not tell targets apart. AWS is not
    /// asked for what policies want to know: it is as if there were no such pool.
    pub(super) fn refuse(&self, request: &Parts, unclear: &Unclear) -> Result<Failure, Failure> {
        let policies = self.engine.policies();
        let operation = *slot::<Operation>(&request.extensions)?;
        let subject: &Subject = slot::<Arc<Subject>>(&request.extensions)?;
        let needs = policies.needs(operation.into());
        let mut permitted = Vec::new();
        let mut denied: Option<(Decision, Failure)> = None;
        for target in &unclear.about {
            let facts = self.facts(target, subject, needs);
            let question = self.question(request, operation.into(), &facts)?;
            let decision = policies.decide(&question);
            match &decision.verdict {
                Verdict::Allowed => permitted.push(target),
                Verdict::Denied(denial) => {
                    let most = denied.as_ref().map(|(decision, _)| decision.policies.len());
                    if most.is_none_or(|most| decision.policies.len() > most) {
                        let failure = Failure::PermissionDenied(denial.clone());
                        denied = Some((decision, failure));
                    }
                }
            }
        }
        match (unclear.failure(&permitted), denied) {
            (Some(failure), _) => Ok(failure),
            (None, Some((decision, failure))) => {
                self.tell(request, &decision);
                Ok(failure)
            }
            (None, None) => Ok(unclear.told()),
        }
    }
}
