//! The record of a call.

mod additional;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use uuid::Uuid;

use super::begun::Begun;
use super::events::{AWS_SOURCE, Origin, SOURCE};
use super::identity::identity;
use super::line::Draft;
use super::redact::{MacKey, Redact, Truncated, shorten_members};
use super::shape::{Record, Resource, Text, TlsDetails};
use super::text;
use crate::call;
use crate::notes::Told;
use crate::operation::{Effect, Operation};
use additional::Additional;

/// The longest user agent, in bytes, and the longest name of this server.
const USER_AGENT: usize = 256;
const AUTHORITY: usize = 255;

/// The longest message of an error, in bytes (reference: security, 5.1).
const MESSAGE: usize = 1024;

/// The longest of what is short, such as codes and identifiers, in bytes.
const WORD: usize = 256;

/// A call as its record tells of it.
pub(super) struct Call<'a> {
    pub(super) origin: &'a Origin,
    pub(super) key: Option<&'a MacKey>,
    pub(super) begun: &'a Begun,
    pub(super) operation: Option<Operation>,
    pub(super) told: &'a Told,
    /// What intent and outcome share.
    pub(super) shared: Uuid,
    pub(super) event: Uuid,
    pub(super) now: SystemTime,
    pub(super) ending: Ending,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is about to be made.
    Intended,
    /// It has ended.
    Ended {
        /// The gRPC code that its caller saw, in a word.
        saw: &'static str,
        /// Whether it ended after its caller was answered or had gone.
        alone: bool,
        took: Duration,
    },
}

/// How much is left of a member of a request or an answer, in bytes of JSON, when a record
/// does not fit into a line; and when it still does not.
const MEMBER: usize = 4 * 1024;
const SHORT_MEMBER: usize = 1024;

/// What is left out, one after the other, until a record fits into a line. What is left
/// then is short: each text in it has a bound.
const LEFT_OUT: [fn(&mut Record<'_>, &mut Additional<'_>); 6] = [
    // Short members stay, whatever else is sent along: a flag, a role, an identifier.
    |record, additional| shorten(record, MEMBER, additional),
    |record, additional| shorten(record, SHORT_MEMBER, additional),
    |record, additional| {
        if !record.response_elements.take().is_null() {
            additional.left_out("responseElements");
        }
    },
    |record, additional| {
        if !record.request_parameters.take().is_null() {
            additional.left_out("requestParameters");
        }
    },
    |_, additional| {
        if additional.policy_ids.take().is_some() {
            additional.left_out("additionalEventData.policyIds");
        }
    },
    |record, additional| {
        // `additionalEventData.caller` says who it is.
        record.user_identity.shorten();
        additional.left_out("userIdentity");
    },
];

/// Shortens what is long of the request and of the answer.
fn shorten(record: &mut Record<'_>, most: usize, additional: &mut Additional<'_>) {
    for (name, value) in [
        ("requestParameters", &mut record.request_parameters),
        ("responseElements", &mut record.response_elements),
    ] {
        for member in shorten_members(value, most) {
            additional.left_out(&format!("{name}.{member}"));
        }
    }
}

impl Call<'_> {
    /// The record, which always fits into a line.
    pub(super) fn draft(&self) -> Draft {
        let (mut record, mut additional) = self.record();
        // Both are structures, which are always written as objects.
        let drafted = |record: &Record<'_>, additional: &Additional<'_>| {
            Draft::new(record, additional).unwrap_or_else(|_| Draft::empty())
        };
        let mut draft = drafted(&record, &additional);
        for leave_out in LEFT_OUT {
            if draft.fits() {
                break;
            }
            leave_out(&mut record, &mut additional);
            draft = drafted(&record, &additional);
        }
        draft
    }

    fn record(&self) -> (Record<'_>, Additional<'_>) {
        let mut redact = self
            .operation
            .map(|operation| Redact::new(operation, self.key));
        let subject = self.told.subject();
        let parameters = redact.as_mut().zip(subject).map(|(redact, subject)| {
            redact.request(&subject.parameters, subject.update_mask.as_deref())
        });
        let response = match (self.ending, redact.as_mut(), self.told.answer()) {
            (Ending::Ended { .. }, Some(redact), Some(answer)) => redact.response(answer),
            _ => None,
        };
        let mut cut = redact.map(|redact| redact.truncated).unwrap_or_default();
        let (error_code, error_message) = self.error(&mut cut).unzip();
        let effect = self.operation.map(Operation::effect);
        let is_data =
            effect == Some(Effect::Issue) || self.operation == Some(Operation::UnlinkIdentity);
        let name = self.operation.map_or("UnknownOperation", Operation::name);
        // Whoever counts calls by their source, as queries for CloudTrail do, counts none
        // twice: what is intended is not what was done.
        let event_source = match self.ending {
            Ending::Intended => SOURCE,
            Ending::Ended { .. } => AWS_SOURCE,
        };
        let mut record = Record {
            user_identity: identity(self.told.caller(), self.account(), &mut cut),
            source_ip_address: self.source(),
            user_agent: self.user_agent(&mut cut),
            error_code,
            error_message: error_message.flatten(),
            request_parameters: parameters.unwrap_or_default(),
            request_id: self.request_id(&mut cut),
            read_only: matches!(effect, Some(Effect::Read) | None),
            resources: self.resources(subject, response.as_ref(), &mut cut),
            response_elements: response.unwrap_or_default(),
            event_type: "AwsApiCall",
            api_version: Some("2014-06-30"),
            management_event: !is_data,
            recipient_account_id: self.account(),
            shared_event_id: Some(self.shared),
            event_category: if is_data { "Data" } else { "Management" },
            tls_details: self.tls_details(&mut cut),
            ..Record::blank(
                self.origin,
                event_source,
                Cow::from(name),
                self.event,
                self.now,
            )
        };
        if let Some(region) = subject.and_then(|subject| subject.region.as_deref()) {
            record.aws_region = cut.text(region, WORD, "awsRegion");
        }
        let mut additional = self.additional(&mut cut);
        additional.truncated = cut.paths;
        (record, additional)
    }

    /// The code, and the message where there is one.
    fn error(&self, cut: &mut Truncated) -> Option<(Text<'_>, Option<Text<'_>>)> {
        let Ending::Ended { saw, alone, .. } = self.ending else {
            return None;
        };
        // What AWS did is what counts where the caller did not wait for it.
        if let Some(settled) = self.told.settled().filter(|_| alone) {
            return settled
                .err()
                .map(|code| (cut.text(code, WORD, "errorCode"), None));
        }
        if alone && self.told.in_doubt() {
            return Some((Cow::from("OutcomeUnknown"), None));
        }
        match self.told.failed() {
            Some(failed) => {
                let (code, message) = text::error(failed);
                Some((
                    cut.text(code, WORD, "errorCode"),
                    Some(cut.text(message, MESSAGE, "errorMessage")),
                ))
            }
            None if saw == "OK" => None,
            None => Some((Cow::from(saw), None)),
        }
    }

    /// The account that the call goes to, where it is known.
    fn account(&self) -> Option<&str> {
        let of_target = self
            .told
            .target()
            .and_then(|target| target.account.as_deref());
        of_target.or(self.origin.account_id.as_deref())
    }

    /// AWS's identifier of the request, or else the call's name.
    fn request_id(&self, cut: &mut Truncated) -> Option<Text<'_>> {
        let ours = || self.told.request_id().map(call::RequestId::as_str);
        let theirs = self.told.aws_request_id().map(Cow::from);
        let id = theirs.or_else(|| ours().map(Cow::from))?;
        Some(cut.text(id, WORD, "requestID"))
    }

    fn source(&self) -> Text<'_> {
        let peer = self.begun.peer.as_ref();
        let address = peer.map(|peer| peer.address.ip().to_string());
        Cow::from(address.unwrap_or_else(|| "unknown".to_owned()))
    }

    fn user_agent(&self, cut: &mut Truncated) -> Text<'_> {
        let agent = self.begun.user_agent.as_deref().unwrap_or_default();
        cut.text(agent, USER_AGENT, "userAgent")
    }

    fn tls_details(&self, cut: &mut Truncated) -> Option<TlsDetails<'_>> {
        let security = self.begun.peer.as_ref()?.tls?;
        let host = self.begun.authority.as_deref();
        Some(TlsDetails {
            tls_version: security.version,
            cipher_suite: security.cipher_suite,
            client_provided_host_header: host
                .map(|host| cut.text(host, AUTHORITY, "tlsDetails.clientProvidedHostHeader")),
        })
    }

    fn resources(
        &self,
        subject: Option<&call::Subject>,
        response: Option<&Value>,
        cut: &mut Truncated,
    ) -> Vec<Resource<'_>> {
        let (Some(subject), Some(account_id)) = (subject, self.account()) else {
            return Vec::new();
        };
        let created = response.and_then(|response| response.get("identityPoolId")?.as_str());
        let pool = match &subject.resource {
            call::Resource::Pool(pool) => pool.as_str(),
            _ => match created {
                Some(pool) => pool,
                None => return Vec::new(),
            },
        };
        let pool = cut.text(pool, WORD, "resources.[].ARN");
        let region = subject.region.as_deref().unwrap_or(&self.origin.region);
        let region = cut.text(region, WORD, "resources.[].ARN");
        let partition = match &*region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        vec![Resource {
            arn: format!(
                "arn:{partition}:cognito-identity:{region}:{account_id}:identitypool/{pool}"
            ),
            account_id,
            kind: "AWS::Cognito::IdentityPool",
        }]
    }
}

#[cfg(test)]
pub(super) mod tests;
