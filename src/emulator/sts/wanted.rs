//! What every way to a role asks for, within the bounds of the model.

use super::answer::Element;
use super::{Parameters, Refused, date};
use crate::emulator::operations::Credentials;
use crate::emulator::region;
use crate::emulator::signature::Who;

const DEFAULT_DURATION: u64 = 3600;
const LEAST_DURATION: u64 = 900;
const MOST_DURATION: u64 = 43_200;

/// A session of a role.
pub(super) struct Wanted<'a> {
    pub(super) role: &'a str,
    session: &'a str,
    pub(super) duration: u64,
}

impl<'a> Wanted<'a> {
    pub(super) fn read(parameters: &'a Parameters) -> Result<Self, Refused> {
        let role = text(parameters, "RoleArn", "roleArn", (20, 2048))?;
        let session = text(parameters, "RoleSessionName", "roleSessionName", (2, 64))?;
        let of_a_name = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
        if !session.chars().all(of_a_name) {
            return Err(outside(
                &format!("Value '{session}'"),
                "roleSessionName",
                r"Member must satisfy regular expression pattern: [\w+=,.@-]*",
            ));
        }
        if !region::is_iam_arn(role, "role", None) {
            return Err(Refused::new(
                "ValidationError",
                format!("{role} is invalid"),
            ));
        }
        Ok(Self {
            role,
            session,
            duration: duration(parameters)?,
        })
    }

    /// Who the session is.
    pub(super) fn who(&self, credentials: &Credentials) -> Result<Who, Refused> {
        let Self { role, session, .. } = self;
        let (account, path) = role
            .split_once(":role/")
            .ok_or_else(|| Refused::denied("AssumeRole"))?;
        // The path of a role is not part of its sessions.
        let name = path.rsplit('/').next().unwrap_or(path);
        let assumed = account.replacen(":iam:", ":sts:", 1);
        let role_id = credentials.access_key_id.replacen("ASIA", "AROA", 1);
        Ok(Who {
            arn: format!("{assumed}:assumed-role/{name}/{session}"),
            id: format!("{role_id}:{session}"),
        })
    }

    /// What is answered: who the session is, and its credentials.
    pub(super) fn session(&self, credentials: &Credentials) -> Result<[Element; 2], Refused> {
        let Who { arn, id } = self.who(credentials)?;
        Ok([
            Element::of(
                "AssumedRoleUser",
                vec![
                    Element::text("Arn", arn),
                    Element::text("AssumedRoleId", id),
                ],
            ),
            Element::of(
                "Credentials",
                vec![
                    Element::text("AccessKeyId", &credentials.access_key_id),
                    Element::text("SecretAccessKey", &credentials.secret_key),
                    Element::text("SessionToken", &credentials.session_token),
                    Element::text("Expiration", date(credentials.expiration)),
                ],
            ),
        ])
    }
}

/// A parameter that has to be there, of a length between two bounds.
pub(super) fn text<'a>(
    parameters: &'a Parameters,
    name: &str,
    member: &str,
    (least, most): (usize, usize),
) -> Result<&'a str, Refused> {
    let Some(value) = parameters.get(name) else {
        return Err(outside("Value null", member, "Member must not be null"));
    };
    let length = value.chars().count();
    // A token is not repeated.
    let shown = match member {
        "webIdentityToken" => "Value".to_owned(),
        _ => format!("Value '{value}'"),
    };
    if length < least {
        let rule = format!("Member must have length greater than or equal to {least}");
        return Err(outside(&shown, member, &rule));
    }
    if length > most {
        let rule = format!("Member must have length less than or equal to {most}");
        return Err(outside(&shown, member, &rule));
    }
    Ok(value.as_str())
}

fn duration(parameters: &Parameters) -> Result<u64, Refused> {
    let Some(text) = parameters.get("DurationSeconds") else {
        return Ok(DEFAULT_DURATION);
    };
    let shown = format!("Value '{text}'");
    let refused = |rule: String| Err(outside(&shown, "durationSeconds", &rule));
    match text.parse() {
        Ok(LEAST_DURATION..=MOST_DURATION) => Ok(text.parse().unwrap_or(DEFAULT_DURATION)),
        Ok(0..LEAST_DURATION) => refused(format!(
            "Member must have value greater than or equal to {LEAST_DURATION}"
        )),
        Ok(_) => refused(format!(
            "Member must have value less than or equal to {MOST_DURATION}"
        )),
        Err(_) => Err(Refused::new(
            "MalformedInput",
            "DurationSeconds is not a number",
        )),
    }
}

fn outside(value: &str, member: &str, rule: &str) -> Refused {
    Refused::new(
        "ValidationError",
        format!(
            "1 validation error detected: {value} at '{member}' failed to satisfy constraint: \
             {rule}"
        ),
    )
}
