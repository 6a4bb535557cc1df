//! Tokens that the callers file lists by their SHA-256.
//!
//! A token is looked up by its hash and the hash is compared in a time that does not
//! depend on it. Whoever tries tokens cannot steer their hashes, so that the time of the
//! look-up tells nothing about the token.

use std::collections::HashMap;

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{SHA256, digest as hash};

use crate::caller::Caller;

/// The shortest token, in characters: 128 bits in base64.
pub(super) const LEAST_LENGTH: usize = 22;

/// What people write until they know better.
const WELL_KNOWN: [&str; 25] = [
    "",
    "123456",
    "12345678",
    "123456789",
    "1234567890",
    "abc123",
    "access",
    "admin",
    "apikey",
    "bearer",
    "changeit",
    "changeme",
    "default",
    "example",
    "letmein",
    "null",
    "pass",
    "passw0rd",
    "password",
    "poolgate",
    "qwerty",
    "root",
    "secret",
    "test",
    "token",
];

/// The SHA-256 of a token.
pub(super) type Digest = [u8; 32];

/// The static tokens.
#[derive(Clone, Default)]
pub(super) struct StaticTokens(HashMap<Digest, Listed>);

/// A token and who calls with it.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) digest: Digest,
    pub(super) caller: Caller,
    /// In seconds since the Unix epoch.
    pub(super) expires: Option<u64>,
}

impl StaticTokens {
    /// Adds a token, unless its hash is there already.
    pub(super) fn add(&mut self, listed: Listed) -> bool {
        let is_new = !self.0.contains_key(&listed.digest);
        if is_new {
            self.0.insert(listed.digest, listed);
        }
        is_new
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who calls with a token; nothing if it is not listed, an error if it may not be
    /// used.
    pub(super) fn find(
        &self,
        token: &str,
        digest: &Digest,
        now: u64,
    ) -> Result<Option<Caller>, String> {
        let Some(listed) = self.0.get(digest) else {
            return Ok(None);
        };
        if !same(&listed.digest, digest) {
            return Ok(None);
        }
        let id = listed.caller.id();
        if token.len() < LEAST_LENGTH {
            return Err(format!(
                "`{id}` has fewer than {LEAST_LENGTH} characters and is not used"
            ));
        }
        if listed.expires.is_some_and(|expires| now >= expires) {
            return Err(format!("`{id}` has expired"));
        }
        Ok(Some(listed.caller.clone()))
    }
}

/// The SHA-256 of a token.
pub(super) fn digest(token: &str) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(hash(&SHA256, token.as_bytes()).as_ref());
    digest
}

/// Whether a hash is that of a word that everybody tries, alone or with the end of line
/// that `echo` adds.
pub(super) fn is_well_known(wanted: &Digest) -> bool {
    WELL_KNOWN.iter().any(|word| {
        let line = format!("{word}\n");
        same(&digest(word), wanted) || same(&digest(&line), wanted)
    })
}

fn same(one: &Digest, other: &Digest) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "c2l4dGVlbiBieXRlcyBvZiBpdA";

    #[test]
    fn a_token_is_found_by_its_hash_while_it_is_good() {
        let mut tokens = StaticTokens::default();
        let short = "a-short-one";
        for (token, expires) in [(TOKEN, Some(100)), (short, None)] {
            let digest = digest(token);
            let caller = Caller::anonymous();
            assert!(tokens.add(Listed {
                digest,
                caller,
                expires,
            }));
        }
        let find = |token, now| tokens.find(token, &digest(token), now);

        assert_eq!(find(TOKEN, 99), Ok(Some(Caller::anonymous())));
        assert!(find(TOKEN, 100).unwrap_err().contains("has expired"));
        assert!(find(short, 0).unwrap_err().contains("fewer than 22"));
        assert_eq!(find("c2l4dGVlbiBieXRlcyBvZiBpdB", 0), Ok(None));
    }

    #[test]
    fn words_that_everybody_tries_are_known() {
        for (token, known) in [
            ("", true),
            ("changeme", true),
            ("secret\n", true),
            (TOKEN, false),
        ] {
            assert_eq!(is_well_known(&digest(token)), known, "{token}");
        }
    }
}
