//! `AssumeRoleWithWebIdentity` with a token of the emulator itself.

use super::answer::Element;
use super::wanted::{Wanted, text};
use super::{Parameters, Refused};
use crate::emulator::Emulator;
use crate::emulator::operations::Credentials;
use crate::emulator::region;
use crate::emulator::store::{Store, Viewer};
use crate::emulator::tokens::Claims;

pub(super) fn assume_role(
    emulator: &Emulator,
    parameters: &Parameters,
) -> Result<Vec<Element>, Refused> {
    let token = text(
        parameters,
        "WebIdentityToken",
        "webIdentityToken",
        (4, 20_000),
    )?;
    let wanted = Wanted::read(parameters)?;
    let now = emulator.clock.epoch_seconds();
    let claims = verify(emulator, token, now)?;
    let credentials = {
        let mut store = emulator.store();
        // The token finds the pool, as names do in the operations that are not signed.
        store.look_as(&Viewer::default());
        if !trusts(&store, wanted.role, &claims) {
            return Err(Refused::denied("AssumeRoleWithWebIdentity"));
        }
        let mut fill = |bytes: &mut [u8]| store.fill(&claims.aud, bytes);
        Credentials::new(&mut fill, now.saturating_add(wanted.duration))?
    };
    let mut elements = vec![
        Element::text("SubjectFromWebIdentityToken", &claims.sub),
        Element::text("Audience", &claims.aud),
    ];
    elements.extend(wanted.session(&credentials)?);
    let provider = claims.iss.trim_start_matches("https://");
    elements.push(Element::text("Provider", provider));
    Ok(elements)
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
