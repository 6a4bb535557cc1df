//! The Security Token Service, as far as identity pools need it: `GetCallerIdentity`,
//! `AssumeRoleWithWebIdentity` for the emulator's own tokens, which is the second half of
//! the classic flow, and `AssumeRole` for those who come from another account.
//!
//! There is no IAM, so the trust policies of roles are taken to be those that AWS's
//! console writes: the pool's role for guests trusts guests, its other roles trust
//! users, and each trusts this pool alone.
//!
//! unverified: all of this, and that whoever signs with another key than a session's is the
//! root of the account.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};

use super::Emulator;
use super::error::{Error, Kind};
use super::signature::{self, Who};

mod answer;
mod assume_role;
mod wanted;
mod web_identity;

use answer::Element;

const FORM: &str = "application/x-www-form-urlencoded";
const VERSION: &str = "2011-06-15";

/// The actions that have to be signed.
const SIGNED: [&str; 2] = ["GetCallerIdentity", "AssumeRole"];

/// The parameters of a request.
type Parameters = BTreeMap<String, String>;

/// Why a request is refused.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// Whether a request is for this service: those for Cognito Identity have a target,
/// and never a form.
pub(super) fn is_meant<Body>(request: &Request<Body>) -> bool {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with(FORM));
    request.method() == http::Method::POST && is_form
}

/// Whether it is for an action that has to be signed.
pub(super) fn wants_signature(request: &Request<Bytes>) -> bool {
    let mut actions = form_urlencoded::parse(request.body()).filter(|(name, _)| name == "Action");
    actions.any(|(_, action)| SIGNED.contains(&&*action))
}

/// Answers a request of the query protocol.
pub(super) fn handle(emulator: &Emulator, request: &Request<Bytes>) -> Response<Bytes> {
    let id = uuid::Uuid::new_v4().to_string();
    let (status, xml) = match run(emulator, request) {
        Ok((action, result)) => (StatusCode::OK, answer::success(&action, result, &id)),
        Err(refused) => (
            refused.status,
            answer::failure(refused.code, &refused.message, &id),
        ),
    };
    let mut response = Response::new(Bytes::from(xml));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn run(emulator: &Emulator, request: &Request<Bytes>) -> Result<(String, Vec<Element>), Refused> {
    let parameters: Parameters = form_urlencoded::parse(request.body())
        .into_owned()
        .collect();
    let action = parameters.get("Action").cloned().unwrap_or_default();
    let version = parameters.get("Version").map_or("", String::as_str);
    let known = matches!(
        action.as_str(),
        "GetCallerIdentity" | "AssumeRole" | "AssumeRoleWithWebIdentity"
    );
    if !known || version != VERSION {
        return Err(Refused::new(
            "InvalidAction",
            format!("Could not find operation {action} for version {version}"),
        ));
    }
    if SIGNED.contains(&action.as_str()) {
        check_signed(request)?;
        emulator.refuse_pages(request)?;
    }
    emulator.verify(request, "sts")?;
    let result = match action.as_str() {
        "GetCallerIdentity" => caller_identity(emulator, request),
        "AssumeRole" => assume_role::assume_role(emulator, request, &parameters)?,
        _ => web_identity::assume_role(emulator, &parameters)?,
    };
    Ok((action, result))
}

fn check_signed(request: &Request<Bytes>) -> Result<(), Refused> {
    match signature::is_signed(request) {
        true => Ok(()),
        false => Err(Refused {
            status: StatusCode::FORBIDDEN,
            code: "MissingAuthenticationToken",
            message: "Request is missing Authentication Token".to_owned(),
        }),
    }
}

/// Whoever signs is the session that the key is of, or else the account itself.
fn caller_identity(emulator: &Emulator, request: &Request<Bytes>) -> Vec<Element> {
    let account = &emulator.settings.account_id;
    let partition = super::region::partition(&emulator.settings.default_region);
    let root = || Who {
        arn: format!("arn:{partition}:iam::{account}:root"),
        id: account.clone(),
    };
    let Who { arn, id } = session_of(emulator, request).unwrap_or_else(root);
    vec![
        Element::text("Arn", arn),
        Element::text("UserId", id),
        Element::text("Account", account),
    ]
}

/// Whom the session is of that a request is signed with, where it is.
fn session_of(emulator: &Emulator, request: &Request<Bytes>) -> Option<Who> {
    let credential = signature::credential(request)?;
    let (access_key, _) = credential.split_once('/')?;
    emulator.issued.who(access_key)
}

impl Refused {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
        }
    }

    fn denied(action: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "AccessDenied",
            message: format!("Not authorized to perform sts:{action}"),
        }
    }
}

/// The names that the query protocol has for what is wrong with a signature.
impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind {
            Kind::IncompleteSignature => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
            Kind::InvalidSignature => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            Kind::UnrecognizedClient => (StatusCode::FORBIDDEN, "InvalidClientTokenId"),
            Kind::ExpiredToken => (StatusCode::FORBIDDEN, "ExpiredToken"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure"),
        };
        Self {
            status,
            code,
            message: error.message,
        }
    }
}

/// A date as XML has it.
fn date(epoch_seconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch_seconds);
    humantime::format_rfc3339_seconds(time).to_string()
}
