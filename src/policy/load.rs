//! Reads policies, and refuses the set for every mistake that can be found before a
//! call is decided.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use cedar_policy::{Effect, PolicyId, ValidationMode};

use super::index::{self, Index};
use super::made::Made;
use super::remembered::Remembered;
use super::rule::Rule;
use super::schema::VALIDATOR;
use super::{Action, Decision, Mistake, Needs, Prospect, Settings, guardrails, samples, source};

/// A set of policies that may take effect.
pub struct Policies {
    settings: Settings,
    rules: HashMap<String, Rule>,
    needs: HashMap<Action, Needs>,
    enforced: Index,
    shadow: Option<Index>,
    made: Made,
    prospects: Remembered<Prospect>,
    decisions: Remembered<Decision>,
}

impl Policies {
    /// Reads the policies and tries the samples.
    ///
    /// # Errors
    ///
    /// Every mistake: what cannot be read, is no policy, is not valid by the schema,
    /// can never apply, has no name or one that another has; a set that permits
    /// nothing; and samples that do not hold, which are tried when there is no other
    /// mistake.
    pub fn load(settings: &Settings) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut enforced = read(&settings.files, &mut mistakes);
        let permits = |rule: &Rule| rule.policy.effect() == Effect::Permit;
        if mistakes.is_empty() && !enforced.iter().any(permits) {
            mistakes.push(Mistake::new("no policy permits anything"));
        }
        let mut shadow = read(&settings.shadow_files, &mut mistakes);
        enforced.extend(guardrails::in_force(settings, &mut mistakes));
        one_name_each(&mut enforced, &mut shadow, &mut mistakes);
        validate(enforced.iter().chain(&shadow), &mut mistakes);
        let samples = match &settings.samples_file {
            Some(file) => samples::read(file, &mut mistakes),
            None => Vec::new(),
        };
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let policies = Self::new(settings.clone(), enforced, shadow);
        let mistakes = samples::try_all(&policies, &samples);
        match mistakes.is_empty() {
            true => Ok(policies),
            false => Err(mistakes),
        }
    }

    /// Policies as they are.
    pub(super) fn new(settings: Settings, enforced: Vec<Rule>, shadow: Vec<Rule>) -> Self {
        let index = |rules: &[Rule]| Index::new(rules.iter().map(|rule| &rule.policy));
        let mut needs: HashMap<Action, Needs> = HashMap::new();
        for rule in enforced.iter().chain(&shadow) {
            let asked = Needs::of(&rule.policy);
            for action in index::actions(&rule.policy) {
                let known = needs.entry(action).or_default();
                *known = known.or(asked.for_action(action));
            }
        }
        Self {
            needs,
            enforced: index(&enforced),
            shadow: (!shadow.is_empty()).then(|| index(&shadow)),
            rules: enforced
                .into_iter()
                .chain(shadow)
                .map(|rule| (rule.name.clone(), rule))
                .collect(),
            settings,
            made: Made::new(),
            prospects: Remembered::new(),
            decisions: Remembered::new(),
        }
    }

    /// What policies ask for that the request of this action does not say, those in
    /// force and shadow policies alike.
    pub fn needs(&self, action: Action) -> Needs {
        self.needs.get(&action).copied().unwrap_or_default()
    }

    /// Where the policy of this name stands: its file and line, and its text.
    pub fn written(&self, name: &str) -> Option<(&Path, usize, &str)> {
        self.rules
            .get(name)
            .map(|rule| (rule.file.as_path(), rule.line, rule.text.as_str()))
    }

    /// How many policies there are, shadow policies and guardrails among them.
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn enforced(&self) -> &Index {
        &self.enforced
    }

    pub(super) fn made(&self) -> &Made {
        &self.made
    }

    pub(super) fn prospects(&self) -> &Remembered<Prospect> {
        &self.prospects
    }

    pub(super) fn decisions(&self) -> &Remembered<Decision> {
        &self.decisions
    }

    pub(super) fn shadow(&self) -> Option<&Index> {
        self.shadow.as_ref()
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Policies")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

fn read(paths: &[PathBuf], mistakes: &mut Vec<Mistake>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for statement in source::read(paths, mistakes) {
        match Rule::read(statement) {
            Ok(rule) => rules.push(rule),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    rules
}

/// Keeps the first policy of each name; the others are mistakes.
fn one_name_each(enforced: &mut Vec<Rule>, shadow: &mut Vec<Rule>, mistakes: &mut Vec<Mistake>) {
    let mut places: HashMap<String, String> = HashMap::new();
    for rules in [enforced, shadow] {
        rules.retain(|rule| match places.get(&rule.name) {
            Some(first) => {
                let reason = format!("this name is taken by the policy at {first}");
                mistakes.push(rule.mistake(reason));
                false
            }
            None => {
                let place = format!("{}:{}", rule.file.display(), rule.line);
                places.insert(rule.name.clone(), place);
                true
            }
        });
    }
}

/// Checks policies against the schema. Cedar's warnings are mistakes as well: a policy
/// that can never apply protects nobody, and letters that look like others mislead.
fn validate<'a>(rules: impl Iterator<Item = &'a Rule>, mistakes: &mut Vec<Mistake>) {
    let rules: HashMap<&str, &Rule> = rules.map(|rule| (rule.name.as_str(), rule)).collect();
    let policies = index::set_of(rules.values().map(|rule| rule.policy.clone()));
    let result = VALIDATOR.validate(&policies, ValidationMode::Strict);
    let errors = result
        .validation_errors()
        .map(|error| (error.policy_id(), error.to_string()));
    let warnings = result
        .validation_warnings()
        .map(|warning| (warning.policy_id(), warning.to_string()));
    let mut found: Vec<Mistake> = errors
        .chain(warnings)
        .map(|(id, reason)| told(&rules, id, &reason))
        .collect();
    found.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
    mistakes.extend(found);
}

fn told(rules: &HashMap<&str, &Rule>, id: &PolicyId, reason: &str) -> Mistake {
    let name: &str = id.as_ref();
    // Cedar begins with the policy, which a mistake names anyway.
    let prefix = format!("for policy `{name}`, ");
    let reason = reason.strip_prefix(&prefix).unwrap_or(reason);
    match rules.get(name) {
        Some(rule) => rule.mistake(reason),
        None => Mistake::new(reason).named(name),
    }
}
