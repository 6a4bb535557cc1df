//! What the policies would make of a call that nobody makes: for people who write
//! policies. It goes the way of a real call, from the message over what it is about to
//! the decision.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::SystemTime;

use prost_reflect::DynamicMessage;

use crate::caller::Caller;
use crate::operation::Operation;
use crate::policy::{Facts, Needs, Outcome, Policies, Question, Settings, Verdict};
use crate::{convert, emulator, upstream};

/// What calls would go to, with the number of the account where it is known.
pub type Called = upstream::Settings;

/// A call that nobody makes.
pub struct Case {
    /// Who would call.
    pub caller: Caller,
    /// What it would do.
    pub operation: Operation,
    /// The request, a message of the operation.
    pub request: DynamicMessage,
    /// The tags of the pool; nothing if they are not known.
    pub pool_tags: Option<BTreeMap<String, String>>,
    /// What would be called.
    pub called: Called,
    /// The target that the call would name, if any.
    pub target: Option<String>,
    /// The pools of identities, as far as they are known.
    pub pool_of_identity: HashMap<String, String>,
    /// Where the call would come from.
    pub peer: IpAddr,
    /// When it would come.
    pub now: SystemTime,
}

/// What the policies would make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why the call would be denied; nothing if it would be allowed.
    pub denial: Option<String>,
    /// The policies that decide.
    pub policies: Vec<Written>,
    /// What the shadow policies would have made of it, where there are any.
    pub shadow: Option<Shadow>,
    /// What the policies of this operation ask for that the request does not say, and
    /// whether the case lacks it.
    pub asked: Vec<&'static str>,
}

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// Its file and line.
    pub place: String,
    /// Its text.
    pub text: String,
}

/// What the shadow policies would have made of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// Whether that differs, in words.
    pub outcome: &'static str,
    /// Those that hold for the call or could not be evaluated for it.
    pub policies: Vec<Written>,
    /// Those that could not be evaluated, with their errors.
    pub errors: Vec<String>,
}

/// Asks the policies about a call.
///
/// # Errors
///
/// When there are no policies, when they have mistakes, and when the request is one
/// that would be refused before policies are asked.
pub fn explain(settings: &Settings, case: &Case) -> Result<Explanation, String> {
    if !settings.is_on() {
        return Err("there are no policies; set `policy.files`".to_owned());
    }
    let policies = Policies::load(settings).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })?;
    let subject = convert::subject(case.operation, &case.request)
        .map_err(|failure| format!("refused before policies are asked: {failure}"))?;
    let named = case.target.as_deref().map(str::as_bytes);
    let target = case.called.choose(named, subject.region.as_deref());
    let target = target.map_err(|unclear| format!("goes to no target: {}", unclear.told()))?;
    let facts = Facts {
        account: target.account,
        target: target.name,
        ..Facts::about_one_pool(
            &subject.resource,
            case.pool_tags.clone(),
            case.pool_of_identity.clone(),
        )
    };
    let decision = policies.decide(&Question {
        caller: &case.caller,
        action: case.operation.into(),
        subject: Some(&subject),
        facts: &facts,
        peer: case.peer,
        now: case.now,
    });
    Ok(Explanation {
        denial: match decision.verdict {
            Verdict::Allowed => None,
            Verdict::Denied(denial) => Some(denial.to_string()),
        },
        policies: written(&policies, &decision.policies),
        shadow: decision.shadow.map(|shadow| Shadow {
            outcome: match shadow.outcome {
                Outcome::Same => "the same",
                Outcome::WouldAllow => "would be allowed",
                Outcome::WouldDeny => "would be denied",
            },
            policies: written(&policies, &shadow.policies),
            errors: shadow.errors,
        }),
        asked: asked(policies.needs(case.operation.into()), case),
    })
}

fn asked(needs: Needs, case: &Case) -> Vec<&'static str> {
    let tags = needs.tags.then_some(match case.pool_tags {
        Some(_) => "the tags of the pool",
        None => "the tags of the pool, which were not given",
    });
    let pool = (needs.pool_of_identity).then_some(match case.pool_of_identity.is_empty() {
        false => "the pool of the identity",
        true => "the pool of the identity, which was not given",
    });
    tags.into_iter().chain(pool).collect()
}

/// What calls would go to by what is set.
pub fn called(upstream: &upstream::Settings, emulator: &emulator::Settings) -> Called {
    let mut called = upstream.clone();
    if called.kind == upstream::Kind::Emulator {
        called.account_id = Some(emulator.account_id.clone());
    }
    called
}

/// What policies can speak of, in Cedar's own syntax.
pub fn schema() -> &'static str {
    crate::policy::SCHEMA
}

fn written(policies: &Policies, names: &[String]) -> Vec<Written> {
    names
        .iter()
        .filter_map(|name| {
            let (file, line, text) = policies.written(name)?;
            Some(Written {
                name: name.clone(),
                place: format!("{}:{line}", file.display()),
                text: text.to_owned(),
            })
        })
        .collect()
}
