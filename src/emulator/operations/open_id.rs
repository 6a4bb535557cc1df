//! The answer of the two operations that hand out OpenID tokens.

use serde::Serialize;

use super::Call;
use crate::emulator::error::Error;
use crate::emulator::region;
use crate::emulator::tokens::{Claims, Tags};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OpenIdToken {
    identity_id: String,
    token: String,
}

/// The claims of a token for an identity of a pool.
pub(super) fn claims(
    call: &Call<'_>,
    (identity_id, pool_id): (String, &str),
    amr: Vec<String>,
    tags: Option<Tags>,
    lifetime: u64,
) -> Claims {
    let now = call.now();
    Claims {
        sub: identity_id,
        aud: pool_id.to_owned(),
        amr,
        tags,
        iss: format!("https://{}", region::issuer(&call.region)),
        pool_arn: call.pool_arn(pool_id),
        exp: now.saturating_add(lifetime),
        iat: now,
    }
}

/// Signs the claims. That is slow, so the store must not be locked.
pub(super) fn sign(call: &Call<'_>, claims: Claims) -> Result<OpenIdToken, Error> {
    let token = call.emulator.signer.sign(&call.region, &claims)?;
    Ok(OpenIdToken {
        identity_id: claims.sub,
        token,
    })
}
