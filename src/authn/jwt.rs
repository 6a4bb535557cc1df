//! A token that looks like one of an issuer (RFC 7519). Nothing in it is verified.

use serde_json::{Map, Value};

use super::jws::{self, Signed};

pub(super) struct Jwt<'t> {
    pub(super) signed: Signed<'t>,
    pub(super) claims: Map<String, Value>,
    /// The issuer that it names; believed only for choosing the keys.
    pub(super) issuer: String,
}

impl<'t> Jwt<'t> {
    /// Nothing, if it does not look like one; an error says what is wrong with one that
    /// does.
    pub(super) fn read(token: &'t str) -> Option<Result<Self, String>> {
        let dots = token.matches('.').count();
        if dots != 2 {
            return None;
        }
        Some(Self::of_three_parts(token))
    }

    fn of_three_parts(token: &'t str) -> Result<Self, String> {
        let signed = Signed::read(token)?;
        let claims = jws::object(signed.payload());
        let claims = claims.map_err(|reason| format!("the payload is {reason}"))?;
        let issuer = super::claims::text(&claims, "iss")?.to_owned();
        Ok(Self {
            signed,
            claims,
            issuer,
        })
    }
}
