//! A call that goes to no target, and who may know why.

use super::Target;
use crate::failure::Failure;

/// Why a call goes to no target. Which targets there are is for those to know who may call
/// them, so that policies are asked about each that the refusal tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The targets that the refusal tells of. Where there are none, everybody may be told.
    pub about: Vec<Target>,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with the target that a call names, or does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It names one where none is set up.
    NoneSetUp,
    /// Its region is not one of the target's, or not one of any.
    Region(String),
    /// It has to name one of several.
    NotNamed {
        /// The region of the call.
        region: String,
    },
    /// There is none of the name that it names.
    NoSuch {
        /// The region of the call.
        region: String,
        /// The names of those that answer for that region.
        here: Vec<String>,
    },
    /// The ARN that it names is of another account than the target's.
    Account,
}

impl Unclear {
    /// What a caller is told who may make the call to these targets, of those that the
    /// refusal tells of; nothing where it may know of too few.
    pub fn failure(&self, permitted: &[&Target]) -> Option<Failure> {
        let may_know_all = permitted.len() == self.about.len();
        match &self.why {
            Why::NotNamed { region } => {
                let names: Vec<String> = permitted.iter().filter_map(|one| name(one)).collect();
                (!names.is_empty()).then(|| {
                    let names = listed(&names);
                    refused(&format!(
                        "a call for `{region}` has to name one of the targets {names}"
                    ))
                })
            }
            _ if !may_know_all => None,
            Why::NoneSetUp => Some(refused("no targets are set up; leave it out")),
            Why::Region(region) => Some(Failure::UnknownRegion {
                region: region.clone(),
            }),
            Why::NoSuch { region, here } => Some(refused(&format!(
                "there is no target of this name; the targets of `{region}` are {}",
                listed(here)
            ))),
            Why::Account => Some(Failure::field(
                "resource_arn",
                "the account in the ARN is not the one that the call goes to",
            )),
        }
    }

    /// What whoever may know of all targets is told.
    pub fn told(&self) -> Failure {
        let all: Vec<&Target> = self.about.iter().collect();
        self.failure(&all).unwrap_or_else(|| Failure::Internal {
            cause: "a refusal tells of targets that there are not".to_owned(),
        })
    }
}

fn name(target: &Target) -> Option<String> {
    target.name.as_deref().map(str::to_owned)
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

fn refused(reason: &str) -> Failure {
    Failure::field(
        Target::METADATA,
        format!("`{}`: {reason}", Target::METADATA),
    )
}
