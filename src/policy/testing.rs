//! Policies from a text and calls in a line, for the tests of this room.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{Action, Decision, Facts, Mistake, Policies, Question, Settings, Verdict};
use crate::call::{Resource, Subject};
use crate::caller::{Caller, Proof};
use crate::failure::Denial;
use crate::operation::{Operation, ResourceField};

pub(super) const POOL: &str = "eu-west-1:aaaaaaaa-0000-4000-8000-000000000000";
pub(super) const OTHER_POOL: &str = "eu-west-1:bbbbbbbb-0000-4000-8000-000000000000";
pub(super) const IDENTITY: &str = "eu-west-1:cccccccc-0000-4000-8000-000000000000";

/// Everything is permitted.
pub(super) const ALL: &str = "@id(\"all\") permit (principal, action, resource);";

/// A directory with files, and settings that name `policies.cedar` and, where it is
/// there, `shadow.cedar` and `samples.toml`.
pub(super) struct Files {
    directory: TempDir,
    pub(super) settings: Settings,
}

impl Files {
    pub(super) fn new(policies: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings {
            files: vec![directory.path().join("policies.cedar")],
            ..Settings::default()
        };
        let files = Self {
            directory,
            settings,
        };
        files.write("policies.cedar", policies);
        files
    }

    pub(super) fn shadow(mut self, policies: &str) -> Self {
        self.settings.shadow_files = vec![self.directory.path().join("shadow.cedar")];
        self.write("shadow.cedar", policies);
        self
    }

    pub(super) fn samples(mut self, samples: &str) -> Self {
        self.settings.samples_file = Some(self.directory.path().join("samples.toml"));
        self.write("samples.toml", samples);
        self
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    pub(super) fn load(&self) -> Policies {
        match Policies::load(&self.settings) {
            Ok(policies) => policies,
            Err(mistakes) => panic!("{mistakes:#?}"),
        }
    }

    /// The mistakes, without the directory.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mistakes = Policies::load(&self.settings).err().unwrap_or_default();
        self.told(&mistakes)
    }

    pub(super) fn told(&self, mistakes: &[Mistake]) -> Vec<String> {
        let directory = format!("{}/", self.directory.path().display());
        mistakes
            .iter()
            .map(|mistake| mistake.to_string().replace(&directory, ""))
            .collect()
    }
}

/// A call with everything that matters about it.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) action: Action,
    pub(super) subject: Option<Subject>,
    pub(super) facts: Facts,
    pub(super) peer: IpAddr,
    pub(super) now: SystemTime,
}

/// A call of the caller `shop` without roles, from this machine.
pub(super) fn call(operation: Operation, parameters: Value) -> Call {
    let resource = match operation.resource_field() {
        ResourceField::Account => Resource::Account,
        ResourceField::Pool(_) | ResourceField::PoolArn(_) => Resource::Pool(POOL.to_owned()),
        ResourceField::Identity(_) => Resource::Identity(IDENTITY.to_owned()),
        ResourceField::Identities(_) => Resource::Identities(vec![IDENTITY.to_owned()]),
    };
    let parameters = match parameters {
        Value::Object(parameters) => parameters,
        _ => Map::new(),
    };
    let region = (resource != Resource::Account).then(|| "eu-west-1".to_owned());
    Call {
        caller: caller("shop", &[]),
        action: operation.into(),
        subject: Some(Subject {
            resource,
            region,
            parameters,
            update_mask: None,
        }),
        facts: Facts::default(),
        peer: [127, 0, 0, 1].into(),
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    }
}

/// A call without parameters.
pub(super) fn plain(operation: Operation) -> Call {
    call(operation, json!({}))
}

pub(super) fn caller(id: &str, roles: &[&str]) -> Caller {
    let proof = Proof::StaticToken {
        name: id.to_owned(),
    };
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    let attributes = BTreeMap::from([("team".to_owned(), id.to_owned())]);
    Caller::new(id, proof, roles, attributes)
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = self.subject.as_ref().map(|subject| &subject.resource);
        write!(
            formatter,
            "{:?} {:?} {:?} {resource:?} {:?}",
            self.caller.id(),
            self.caller.roles(),
            self.action,
            self.facts
        )
    }
}

impl Call {
    pub(super) fn by(mut self, id: &str, roles: &[&str]) -> Self {
        self.caller = caller(id, roles);
        self
    }

    pub(super) fn mask(mut self, paths: &[&str]) -> Self {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        self.subject.as_mut().unwrap().update_mask = Some(paths);
        self
    }

    pub(super) fn on(mut self, resource: Resource) -> Self {
        self.subject.as_mut().unwrap().resource = resource;
        self
    }

    /// The pool is there and has these tags.
    pub(super) fn tagged(mut self, tags: &[(&str, &str)]) -> Self {
        let tags = tags
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()));
        self.facts = Facts::about_one_pool(
            &self.subject.as_ref().unwrap().resource,
            Some(tags.collect()),
            self.facts.pool_of_identity,
        );
        self
    }

    pub(super) fn identity_in(mut self, identity: &str, pool: &str) -> Self {
        let pools = &mut self.facts.pool_of_identity;
        pools.insert(identity.to_owned(), pool.to_owned());
        self
    }

    pub(super) fn question(&self) -> Question<'_> {
        Question {
            caller: &self.caller,
            action: self.action,
            subject: self.subject.as_ref(),
            facts: &self.facts,
            peer: self.peer,
            now: self.now,
        }
    }

    pub(super) fn decided_by(&self, policies: &Policies) -> Decision {
        policies.decide(&self.question())
    }

    /// `allowed`, or why not in one word and the policies.
    pub(super) fn outcome(&self, policies: &Policies) -> String {
        let decision = self.decided_by(policies);
        let names = decision.policies.join(" ");
        match decision.verdict {
            Verdict::Allowed => "allowed".to_owned(),
            Verdict::Denied(Denial::NotPermitted) => "not permitted".to_owned(),
            Verdict::Denied(Denial::Forbidden(_)) => format!("forbidden: {names}"),
            Verdict::Denied(Denial::Unevaluated { cause }) => format!("unevaluated: {cause}"),
        }
    }
}
