//! Samples: calls whose outcome is written down, tried before policies take effect.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::{Decision, Facts, Mistake, Policies, Question, Verdict};
use crate::call::Subject;
use crate::caller::{Caller, Proof};
use crate::operation::Operation;
use crate::settings_file;

mod request;

/// A call and what is to become of it.
pub(super) struct Sample {
    file: PathBuf,
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
    target: Option<String>,
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
    Process,
}

/// The samples of a file. Mistakes in them are added to `mistakes`.
pub(super) fn read(file: &Path, mistakes: &mut Vec<Mistake>) -> Vec<Sample> {
    let text = match settings_file::read(file) {
        Ok(text) => text,
        Err(reason) => {
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
        match Sample::new(sample.into_inner(), file, line) {
            Ok(sample) => samples.push(sample),
            Err(reason) => mistakes.push(Mistake::in_file(file, Some(line), reason)),
        }
    }
    samples
}

/// Every sample that does not hold.
pub(super) fn try_all(policies: &Policies, samples: &[Sample]) -> Vec<Mistake> {
    samples
        .iter()
        .filter_map(|sample| {
            let reason = sample.fails(&policies.decide(&sample.question()))?;
            let mistake = Mistake::in_file(&sample.file, Some(sample.line), reason);
            Some(mistake.named(&sample.name))
        })
        .collect()
}

impl Sample {
    fn new(written: WrittenSample, file: &Path, line: usize) -> Result<Self, String> {
        let operation = Operation::from_name(&written.operation)
            .ok_or_else(|| format!("`{}` is not an operation", written.operation))?;
        let subject = request::subject(operation, written.request, written.update_mask)?;
        let time = match written.time {
            None => SystemTime::UNIX_EPOCH,
            Some(text) => humantime::parse_rfc3339(&text)
                .map_err(|_| format!("`{text}` is no time such as `2030-01-31T08:00:00Z`"))?,
        };
        Ok(Self {
            file: file.to_owned(),
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
                account: written.account.map(Arc::from),
                target: written.target.map(Arc::from),
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
            WrittenProof::Process => Proof::Process {
                name: caller.to_owned(),
            },
        }
    }
}

fn line_of(text: &str, start: usize) -> usize {
    1 + text
        .bytes()
        .take(start)
        .filter(|&byte| byte == b'\n')
        .count()
}
