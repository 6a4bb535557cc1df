//! From a question to a decision.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{
    AuthorizationError, Context, Decision as CedarDecision, Entity, EntityUid, Request, Response,
};

use super::context::context;
use super::entities::{self, Target};
use super::index::Index;
use super::{Action, Decision, Outcome, Policies, Question, Shadow, Verdict, names};
use crate::failure::Denial;

/// What policies make of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ruling {
    /// These permit it and none forbids it.
    Permitted(BTreeSet<String>),
    /// None says anything.
    Silent,
    /// These forbid it.
    Forbidden(BTreeSet<String>),
    /// These could not be evaluated; each with its error.
    Unevaluated(BTreeMap<String, String>),
}

impl Policies {
    /// May this caller do this? Several identities may be deleted if each of them may.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let (enforced, shadow) = match self.rule(question) {
            Ok(rulings) => rulings,
            Err(cause) => {
                let cause = Denial::Unevaluated { cause };
                return Decision {
                    verdict: Verdict::Denied(cause),
                    policies: Vec::new(),
                    shadow: None,
                };
            }
        };
        let verdict = enforced.verdict();
        Decision {
            shadow: shadow.map(|(alone, both)| Shadow {
                outcome: match (&verdict, both.verdict()) {
                    (Verdict::Allowed, Verdict::Denied(_)) => Outcome::WouldDeny,
                    (Verdict::Denied(_), Verdict::Allowed) => Outcome::WouldAllow,
                    _ => Outcome::Same,
                },
                policies: alone.names(),
                errors: alone.errors(),
            }),
            policies: enforced.names(),
            verdict,
        }
    }

    /// What the policies in force make of it; then what the shadow policies do alone and
    /// beside those in force.
    fn rule(&self, question: &Question<'_>) -> Result<(Ruling, Option<(Ruling, Ruling)>), String> {
        let request = match (question.action, question.subject) {
            (Action::Operation(operation), Some(subject)) => Some((operation, subject)),
            (Action::Operation(_), None) => return Err("the call has no subject".to_owned()),
            (Action::Reflection, _) => None,
        };
        let settings = self.settings();
        let subject = request.map(|(_, subject)| subject);
        let asked = Asked {
            action: question.action,
            callers: callers(question),
            caller: entities::caller(question.caller)?,
            context: context(
                request,
                &settings.allowed_role_arns,
                self.surroundings(question.action),
                (question.peer, question.now),
            )?,
        };
        let targets = entities::targets(subject, question.facts, &settings.region)?;
        if targets.is_empty() {
            return Ok((Ruling::Silent, None));
        }
        let mut enforced = Ruling::Permitted(BTreeSet::new());
        let mut alone = enforced.clone();
        let mut both = enforced.clone();
        for target in targets {
            let (ruling, shadow) = asked.about(target, self.enforced(), self.shadow())?;
            if let Some(shadow) = shadow {
                both = both.and(ruling.clone().with(shadow.clone()));
                alone = alone.with(shadow);
            }
            enforced = enforced.and(ruling);
        }
        Ok((enforced, self.shadow().map(|_| (alone, both))))
    }
}

/// What is the same for everything that a call is about.
struct Asked {
    action: Action,
    callers: Vec<EntityUid>,
    caller: Entity,
    context: Context,
}

impl Asked {
    fn about(
        &self,
        target: Target,
        enforced: &Index,
        shadow: Option<&Index>,
    ) -> Result<(Ruling, Option<Ruling>), String> {
        let caller = self.caller.uid();
        let resources: Vec<EntityUid> = [target.uid.clone()]
            .into_iter()
            .chain(target.pool.clone())
            .collect();
        let request = Request::new(
            caller,
            self.action.uid(),
            target.uid.clone(),
            self.context.clone(),
            None,
        )
        .map_err(|error| error.to_string())?;
        let entities = entities::entities(self.action, self.caller.clone(), target)?;
        let ask = |index: &Index| {
            let answer = index.ask(self.action, &self.callers, &resources, &request, &entities);
            answer.map_or(Ruling::Silent, |answer| Ruling::of(&answer))
        };
        Ok((ask(enforced), shadow.map(ask)))
    }
}

/// The caller and its roles, as heads of policies name them.
fn callers(question: &Question<'_>) -> Vec<EntityUid> {
    let roles = question.caller.roles().iter().map(|role| names::role(role));
    [names::caller(question.caller.id())]
        .into_iter()
        .chain(roles)
        .collect()
}

impl Ruling {
    /// An error counts before everything else: a policy that Cedar skipped may have
    /// forbidden the call.
    fn of(response: &Response) -> Self {
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
    fn and(self, other: Ruling) -> Self {
        match (self, other) {
            (Ruling::Silent, Ruling::Permitted(_)) | (Ruling::Permitted(_), Ruling::Silent) => {
                Ruling::Silent
            }
            (one, other) => one.with(other),
        }
    }

    /// What comes of it when the policies of both rulings are in force: the weightier, and
    /// of two that weigh the same the names of both.
    fn with(self, other: Ruling) -> Self {
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

    fn verdict(&self) -> Verdict {
        match self {
            Ruling::Permitted(_) => Verdict::Allowed,
            Ruling::Silent => Verdict::Denied(Denial::NotPermitted),
            Ruling::Forbidden(_) => Verdict::Denied(Denial::Forbidden(self.names())),
            Ruling::Unevaluated(_) => Verdict::Denied(Denial::Unevaluated {
                cause: self.errors().join("; "),
            }),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Ruling::Silent => Vec::new(),
            Ruling::Permitted(names) | Ruling::Forbidden(names) => names.iter().cloned().collect(),
            Ruling::Unevaluated(errors) => errors.keys().cloned().collect(),
        }
    }

    fn errors(&self) -> Vec<String> {
        match self {
            Ruling::Unevaluated(errors) => errors
                .iter()
                .map(|(name, error)| format!("`{name}`: {error}"))
                .collect(),
            _ => Vec::new(),
        }
    }
}
