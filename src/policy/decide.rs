//! From a question to a decision.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::{Context, Entity, EntityUid, Request};

use super::candidate::Mentions;
use super::context::context;
use super::entities::{self, Source, Target};
use super::index::{Found, Index};
use super::ruling::Ruling;
use super::{Action, Decision, Outcome, Policies, Prospect, Question, Shadow, Verdict, names};
use crate::failure::Denial;

impl Policies {
    /// What can become of a call, as far as the heads of policies tell, before the tags of
    /// its pools are known. The facts in `question` hold the pools of its identities.
    ///
    /// With it a caller whom no policy can permit the call does not make poolgate ask AWS.
    pub fn prospect(&self, question: &Question<'_>) -> Prospect {
        if let Some(prospect) = self.prospects().get(question) {
            return prospect;
        }
        let prospect = self.foresee(question);
        self.prospects().keep(question, None, &prospect);
        prospect
    }

    fn foresee(&self, question: &Question<'_>) -> Prospect {
        let targets = entities::targets(question.subject, question.facts);
        let callers = callers(question);
        let mut asks_tags = false;
        for target in targets {
            let applying = self.applying(question.action, &callers, target);
            if !applying.found().any(|found| found.permits) {
                return Prospect::Denied(self.not_permitted());
            }
            asks_tags |= applying.found().any(|found| found.asks_tags);
        }
        Prospect::Open { asks_tags }
    }

    fn not_permitted(&self) -> Decision {
        Decision {
            verdict: Verdict::Denied(Denial::NotPermitted),
            policies: Vec::new(),
            shadow: self.shadow().map(|_| Shadow {
                outcome: Outcome::Same,
                policies: Vec::new(),
                errors: Vec::new(),
            }),
        }
    }

    /// May this caller do this? Several identities may be deleted if each of them may.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        if let Some(decision) = self.decisions().get(question) {
            return decision;
        }
        let (decision, mentions) = self.judge(question);
        if let Some(mentions) = mentions
            && !(mentions.request || mentions.time)
        {
            let peer = mentions.peer.then_some(question.peer);
            self.decisions().keep(question, peer, &decision);
        }
        decision
    }

    /// A decision, and what the policies that were asked mention; which nobody knows when
    /// they could not be.
    fn judge(&self, question: &Question<'_>) -> (Decision, Option<Mentions>) {
        let (Rulings { enforced, shadow }, mentions) = match self.rule(question) {
            Ok(rulings) => rulings,
            Err(cause) => {
                let cause = Denial::Unevaluated { cause };
                let decision = Decision {
                    verdict: Verdict::Denied(cause),
                    policies: Vec::new(),
                    shadow: None,
                };
                return (decision, None);
            }
        };
        let verdict = enforced.verdict();
        let decision = Decision {
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
        };
        (decision, Some(mentions))
    }

    /// What the policies make of it, and what they mention.
    fn rule(&self, question: &Question<'_>) -> Result<(Rulings, Mentions), String> {
        let request = match (question.action, question.subject) {
            (Action::Operation(operation), Some(subject)) => Some((operation, subject)),
            (Action::Operation(_), None) => return Err("the call has no subject".to_owned()),
            (Action::Reflection, _) => None,
        };
        let subject = request.map(|(_, subject)| subject);
        let targets = entities::targets(subject, question.facts);
        if targets.is_empty() {
            let silent = Rulings {
                enforced: Ruling::Silent,
                shadow: None,
            };
            return Ok((silent, Mentions::default()));
        }
        let callers = callers(question);
        let applying: Vec<Applying<'_>> = targets
            .into_iter()
            .map(|target| self.applying(question.action, &callers, target))
            .collect();
        let mentioned = applying.iter().map(Applying::mentions);
        let mentioned = mentioned.fold(Mentions::default(), Mentions::or);
        let settings = self.settings();
        let region = subject.and_then(|subject| subject.region.as_deref());
        let source = Source {
            facts: question.facts,
            region: region.unwrap_or(&settings.region),
            mentioned,
            made: self.made(),
        };
        let asked = Asked {
            action: question.action,
            caller_uid: names::caller(question.caller.id()),
            caller: source.caller(question.caller)?,
            context: context(
                request,
                &settings.allowed_role_arns,
                mentioned,
                (question.peer, question.now),
            )?,
            source,
        };
        let mut enforced = Ruling::Permitted(BTreeSet::new());
        let mut alone = enforced.clone();
        let mut both = enforced.clone();
        for applying in &applying {
            let (ruling, shadow) = asked.about(applying)?;
            if self.shadow().is_some() {
                both = both.and(ruling.clone().with(shadow.clone()));
                alone = alone.with(shadow);
            }
            enforced = enforced.and(ruling);
        }
        let shadow = self.shadow().map(|_| (alone, both));
        Ok((Rulings { enforced, shadow }, mentioned))
    }

    /// The policies that can apply to one of the things that a call is about.
    fn applying<'a>(
        &self,
        action: Action,
        callers: &[EntityUid],
        target: Target<'a>,
    ) -> Applying<'a> {
        let mut resources = vec![target.uid.clone()];
        resources.extend(target.pool.clone());
        let find = |index: &Index| index.find(action, callers, &resources);
        Applying {
            enforced: find(self.enforced()),
            shadow: self.shadow().and_then(find),
            target,
        }
    }
}

/// What policies make of a call.
struct Rulings {
    /// Those in force.
    enforced: Ruling,
    /// The shadow policies alone, and beside those in force.
    shadow: Option<(Ruling, Ruling)>,
}

/// A thing that a call is about, with the policies that can apply.
struct Applying<'a> {
    target: Target<'a>,
    enforced: Option<Arc<Found>>,
    shadow: Option<Arc<Found>>,
}

impl Applying<'_> {
    /// What can apply, in force or not.
    fn found(&self) -> impl Iterator<Item = &Found> {
        let found = self.enforced.iter().chain(&self.shadow);
        found.map(Arc::as_ref)
    }

    fn mentions(&self) -> Mentions {
        self.found()
            .map(|found| found.mentions)
            .fold(Mentions::default(), Mentions::or)
    }
}

/// What is the same for everything that a call is about.
struct Asked<'a> {
    action: Action,
    caller_uid: EntityUid,
    caller: Option<Entity>,
    context: Context,
    source: Source<'a>,
}

impl Asked<'_> {
    /// What the policies in force make of it, and the shadow policies alone.
    fn about(&self, applying: &Applying<'_>) -> Result<(Ruling, Ruling), String> {
        if applying.enforced.is_none() && applying.shadow.is_none() {
            return Ok((Ruling::Silent, Ruling::Silent));
        }
        let request = Request::new(
            self.caller_uid.clone(),
            self.action.uid(),
            applying.target.uid.clone(),
            self.context.clone(),
            None,
        )
        .map_err(|error| error.to_string())?;
        let caller = self.caller.clone();
        let entities = self
            .source
            .entities(caller, self.action, &applying.target)?;
        let ask = |found: &Option<Arc<Found>>| match found {
            Some(found) => Ruling::of(&found.ask(&request, &entities)),
            None => Ruling::Silent,
        };
        Ok((ask(&applying.enforced), ask(&applying.shadow)))
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
