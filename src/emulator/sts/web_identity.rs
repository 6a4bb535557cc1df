//! `AssumeRoleWithWebIdentity` with a token of the emulator itself.

use super::answer::Element;
use super::{Parameters, Refused, date};
use crate::emulator::Emulator;
use crate::emulator::operations::Credentials;
use crate::emulator::region;
use crate::emulator::store::{Store, Viewer};
use crate::emulator::tokens::Claims;

const DEFAULT_DURATION: u64 = 3600;
const LEAST_DURATION: u64 = 900;
const MOST_DURATION: u64 = 43_200;

/// What is asked for, within the bounds of the model.
struct Wanted<'a> {
    role: &'a str,
    session: &'a str,
    token: &'a str,
    duration: u64,
}

pub(super) fn assume_role(
    emulator: &Emulator,
    parameters: &Parameters,
) -> Result<Vec<Element>, Refused> {
    let wanted = Wanted::read(parameters)?;
    let now = emulator.clock.epoch_seconds();
    let claims = verify(emulator, wanted.token, now)?;
    let credentials = {
        let mut store = emulator.store();
        // The token finds the pool, as names do in the operations that are not signed.
        store.look_as(&Viewer::default());
        if !trusts(&store, wanted.role, &claims) {
            return Err(Refused::denied());
        }
        let mut fill = |bytes: &mut [u8]| store.fill(&claims.aud, bytes);
        Credentials::new(&mut fill, now.saturating_add(wanted.duration))?
    };
    let (account_and_path, name) = wanted
        .role
        .split_once(":role/")
        .ok_or_else(Refused::denied)?;
    // The path of a role is not part of its sessions.
    let name = name.rsplit('/').next().unwrap_or(name);
    let session = wanted.session;
    let assumed = account_and_path.replacen(":iam:", ":sts:", 1);
    let role_id = credentials.access_key_id.replacen("ASIA", "AROA", 1);
    Ok(vec![
        Element::text("SubjectFromWebIdentityToken", &claims.sub),
        Element::text("Audience", &claims.aud),
        Element::of(
            "AssumedRoleUser",
            vec![
                Element::text("Arn", format!("{assumed}:assumed-role/{name}/{session}")),
                Element::text("AssumedRoleId", format!("{role_id}:{session}")),
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
        Element::text("Provider", claims.iss.trim_start_matches("https://")),
    ])
}

impl<'a> Wanted<'a> {
    fn read(parameters: &'a Parameters) -> Result<Self, Refused> {
        let text = |name: &str, member: &str, least: usize, most: usize| {
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
        };
        let role = text("RoleArn", "roleArn", 20, 2048)?;
        let session = text("RoleSessionName", "roleSessionName", 2, 64)?;
        let token = text("WebIdentityToken", "webIdentityToken", 4, 20_000)?;
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
            token,
            duration: duration(parameters)?,
        })
    }
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

/// The claims of a token that the emulator has signed and that has not expired.
fn verify(emulator: &Emulator, token: &str, now: u64) -> Result<Claims, Refused> {
    if token.split('.').count() != 3 {
        return Err(Refused::new(
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an \
             Access Token)",
        ));
    }
    let claims = emulator.signer.verify(token).ok_or_else(|| {
        Refused::new(
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider,  please reference \
             AssumeRoleWithWebIdentity documentation for requirements",
        )
    })?;
    let of_region = claims.aud.split_once(':').map_or("", |(region, _)| region);
    if claims.iss != format!("https://{}", region::issuer(of_region)) {
        return Err(Refused::new(
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for the issuer of the token",
        ));
    }
    if now >= claims.exp {
        return Err(Refused::new(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {now} must be before the expiration \
                 date/time {}",
                claims.exp
            ),
        ));
    }
    Ok(claims)
}

/// Whether the role is one of the pool that the token is for, and of the kind that the
/// bearer is.
fn trusts(store: &Store, role: &str, claims: &Claims) -> bool {
    let of_region = claims.aud.split_once(':').map_or("", |(region, _)| region);
    let Ok(pool) = store.pool(of_region, &claims.aud) else {
        return false;
    };
    let is = |kind: &str| pool.roles.get(kind).is_some_and(|arn| arn == role);
    let of_a_rule = || {
        pool.role_mappings
            .values()
            .filter_map(|mapping| mapping.rules_configuration.as_ref())
            .flat_map(|configuration| &configuration.rules)
            .any(|rule| rule.role_arn == role)
    };
    match claims.amr.first().map(String::as_str) {
        Some("unauthenticated") => is("unauthenticated"),
        Some("authenticated") => is("authenticated") || of_a_rule(),
        _ => false,
    }
}
