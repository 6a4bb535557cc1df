//! `AssumeRole`: the way to a role of the emulator's account.
//!
//! There is no IAM: every role that the account could have trusts whoever signs, whatever
//! identifier and tags it brings along.
//!
//! unverified: all of this.

use bytes::Bytes;
use http::Request;

use super::answer::Element;
use super::wanted::Wanted;
use super::{Parameters, Refused};
use crate::emulator::operations::Credentials;
use crate::emulator::{Emulator, region};

/// How long a session lasts at most, in seconds, that is asked for with another one.
const MOST_CHAINED: u64 = 3600;

pub(super) fn assume_role(
    emulator: &Emulator,
    request: &Request<Bytes>,
    parameters: &Parameters,
) -> Result<Vec<Element>, Refused> {
    let wanted = Wanted::read(parameters)?;
    let account = Some(emulator.settings.account_id.as_str());
    if !region::is_iam_arn(wanted.role, "role", account) {
        return Err(Refused::denied("AssumeRole"));
    }
    let is_chained = super::session_of(emulator, request).is_some();
    if is_chained && wanted.duration > MOST_CHAINED {
        return Err(Refused::new(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining",
        ));
    }
    let now = emulator.clock.epoch_seconds();
    let credentials = {
        let mut store = emulator.store();
        let mut fill = |bytes: &mut [u8]| store.fill("", bytes);
        Credentials::new(&mut fill, now.saturating_add(wanted.duration))?
    };
    let who = wanted.who(&credentials)?;
    emulator.issued.add(&credentials, who);
    Ok(wanted.session(&credentials)?.into())
}
