//! Samples: calls whose outcome is written down, tried before policies take effect.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::{Decision, Facts, Mistake, Policies, Question, Verdict};
use crate::call::{Resource, Subject};
use crate::caller::{Caller, Proof};
use crate::model::{self, field_name};
use crate::operation::{Operation, ResourceField};
use crate::pool_field::PoolField;

/// How much of a value a mistake shows, in characters.
const VALUE_LIMIT: usize = 128;

/// A call and what is to become of it.
pub(super) struct Sample {
    line: usize,
    name: String,
    caller: Caller,
    operation: Operation,
    subject: Subject,
    facts: Facts,
    peer: IpAddr,
    time: SystemTime,
    expect: Expected,
    policy: Option<String>,
}

/// What is to become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expected {
    Allow,
    Deny,
}

/// A file of samples.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    sample: Vec<Spanned<WrittenSample>>,
}

/// A sample as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSample {
    name: Option<String>,
    caller: String,
    #[serde(default)]
    proof: WrittenProof,
    #[serde(default)]
    roles: BTreeSet<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    operation: String,
    #[serde(default)]
    request: Map<String, Value>,
    update_mask: Option<Vec<String>>,
    pool_tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pool_of_identity: HashMap<String, String>,
    account: Option<String>,
    peer: Option<IpAddr>,
    time: Option<String>,
    expect: Expected,
    policy: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenProof {
    Anonymous,
    Certificate,
    Jwt,
    #[default]
    Token,
}

/// The samples of a file. Mistakes in them are added to `mistakes`.
pub(super) fn read(file: &Path, mistakes: &mut Vec<Mistake>) -> Vec<Sample> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            let reason = format!("cannot be read: {error}");
            mistakes.push(Mistake::in_file(file, None, reason));
            return Vec::new();
        }
    };
    let written: Written = match toml::from_str(&text) {
        Ok(written) => written,
        Err(error) => {
            let line = error.span().map(|span| line_of(&text, span.start));
            mistakes.push(Mistake::in_file(file, line, error.message()));
            return Vec::new();
        }
    };
    let mut samples = Vec::new();
    for sample in written.sample {
        let line = line_of(&text, sample.span().start);
        match Sample::new(sample.into_inner(), line) {
            Ok(sample) => samples.push(sample),
            Err(reason) => mistakes.push(Mistake::in_file(file, Some(line), reason)),
        }
    }
    samples
}

/// Every sample that does not hold.
pub(super) fn try_all(policies: &Policies, samples: &[Sample], file: &Path) -> Vec<Mistake> {
    samples
        .iter()
        .filter_map(|sample| {
            let reason = sample.fails(&policies.decide(&sample.question()))?;
            Some(Mistake::in_file(file, Some(sample.line), reason).named(&sample.name))
        })
        .collect()
}

impl Sample {
    fn new(written: WrittenSample, line: usize) -> Result<Self, String> {
        let operation = Operation::from_name(&written.operation)
            .ok_or_else(|| format!("`{}` is not an operation", written.operation))?;
        let subject = subject(operation, written.request, written.update_mask)?;
        let time = match written.time {
            None => SystemTime::UNIX_EPOCH,
            Some(text) => humantime::parse_rfc3339(&text)
                .map_err(|_| format!("`{text}` is no time such as `2030-01-31T08:00:00Z`"))?,
        };
        Ok(Self {
            line,
            name: written.name.unwrap_or_else(|| operation.name().to_owned()),
            caller: Caller::new(
                written.caller.clone(),
                written.proof.of(&written.caller),
                written.roles,
                written.attributes,
            ),
            operation,
            facts: Facts {
                account: written.account,
                ..Facts::about_one_pool(
                    &subject.resource,
                    written.pool_tags,
                    written.pool_of_identity,
                )
            },
            subject,
            peer: written.peer.unwrap_or(Ipv4Addr::LOCALHOST.into()),
            time,
            expect: written.expect,
            policy: written.policy,
        })
    }

    fn question(&self) -> Question<'_> {
        Question {
            caller: &self.caller,
            action: self.operation.into(),
            subject: Some(&self.subject),
            facts: &self.facts,
            peer: self.peer,
            now: self.time,
        }
    }

    /// Why the sample does not hold, if it does not.
    fn fails(&self, decision: &Decision) -> Option<String> {
        let policies = match decision.policies.as_slice() {
            [] => String::new(),
            names => format!(" by `{}`", names.join("`, `")),
        };
        match (self.expect, &decision.verdict) {
            (Expected::Allow, Verdict::Denied(denial)) => {
                return Some(format!("to be allowed, and denied: {denial}"));
            }
            (Expected::Deny, Verdict::Allowed) => {
                return Some(format!("to be denied, and allowed{policies}"));
            }
            _ => {}
        }
        let policy = self.policy.as_ref()?;
        let decided = decision.policies.contains(policy);
        (!decided).then(|| format!("to be decided by `{policy}`, and decided{policies} alone"))
    }
}

impl WrittenProof {
    fn of(&self, caller: &str) -> Proof {
        match self {
            WrittenProof::Anonymous => Proof::Anonymous,
            WrittenProof::Certificate => Proof::Certificate {
                serial: String::new(),
            },
            WrittenProof::Jwt => Proof::Jwt {
                issuer: String::new(),
                subject: caller.to_owned(),
                token_id: None,
                issued_at: 0,
            },
            WrittenProof::Token => Proof::StaticToken {
                name: caller.to_owned(),
            },
        }
    }
}

/// What a request in AWS's names is about. It has to be one that AWS's model accepts:
/// others never come to policies.
fn subject(
    operation: Operation,
    parameters: Map<String, Value>,
    update_mask: Option<Vec<String>>,
) -> Result<Subject, String> {
    let members = model::input(operation);
    for name in parameters.keys() {
        if !members.iter().any(|member| member.name == name) {
            return Err(format!("`{operation}` has no member `{name}`"));
        }
    }
    if let Some(paths) = &update_mask {
        if operation != Operation::UpdateIdentityPool {
            return Err(format!("`{operation}` has no update mask"));
        }
        if let Some(path) = paths
            .iter()
            .find(|path| PoolField::from_path(path).is_none())
        {
            return Err(format!("an update mask cannot name `{path}`"));
        }
    }
    let counts = |name: &str| match &update_mask {
        Some(paths) => name == "IdentityPoolId" || paths.contains(&field_name(name)),
        None => true,
    };
    let members = members.iter().filter(|member| counts(member.name));
    let violations = model::check(members, &parameters, VALUE_LIMIT);
    if !violations.is_empty() {
        return Err(model::summary(&violations));
    }
    let resource = resource(operation, &parameters);
    let region = match &resource {
        Resource::Account => None,
        Resource::Pool(id) | Resource::Identity(id) => region_of(id),
        Resource::Identities(ids) => ids.first().and_then(|id| region_of(id)),
    };
    Ok(Subject {
        resource,
        region,
        parameters,
        update_mask,
    })
}

fn resource(operation: Operation, parameters: &Map<String, Value>) -> Resource {
    let value = |path: &str| {
        let field = path.rsplit('.').next().unwrap_or(path);
        parameters
            .iter()
            .find(|(name, _)| field_name(name) == field)
            .map(|(_, value)| value)
    };
    let text = |path| value(path).and_then(Value::as_str).unwrap_or_default();
    match operation.resource_field() {
        ResourceField::Account => Resource::Account,
        ResourceField::Pool(path) => Resource::Pool(text(path).to_owned()),
        ResourceField::PoolArn(path) => {
            let arn = text(path);
            let id = arn.rsplit_once('/').map_or(arn, |(_, id)| id);
            Resource::Pool(id.to_owned())
        }
        ResourceField::Identity(path) => Resource::Identity(text(path).to_owned()),
        ResourceField::Identities(path) => {
            let ids = value(path).and_then(Value::as_array).into_iter().flatten();
            let ids = ids.filter_map(Value::as_str).map(str::to_owned);
            Resource::Identities(ids.collect())
        }
    }
}

fn region_of(id: &str) -> Option<String> {
    id.split_once(':').map(|(region, _)| region.to_owned())
}

fn line_of(text: &str, start: usize) -> usize {
    1 + text
        .bytes()
        .take(start)
        .filter(|&byte| byte == b'\n')
        .count()
}
