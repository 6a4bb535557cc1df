//! `AssumeRole`: the way to a role of the emulator's account.
//!
//! There is no IAM: every role that the account could have trusts whoever signs, whatever
//! identifier and tags it brings along.
//!
//! unverified: all of this.

use super::answer::Element;
use super::wanted::Wanted;
use super::{Parameters, Refused};
use crate::emulator::operations::Credentials;
use crate::emulator::{Emulator, region};

pub(super) fn assume_role(
    emulator: &Emulator,
    parameters: &Parameters,
) -> Result<Vec<Element>, Refused> {
    let wanted = Wanted::read(parameters)?;
    let account = Some(emulator.settings.account_id.as_str());
    if !region::is_iam_arn(wanted.role, "role", account) {
        return Err(Refused::denied("AssumeRole"));
    }
    let now = emulator.clock.epoch_seconds();
    let credentials = {
        let mut store = emulator.store();
        let mut fill = |bytes: &mut [u8]| store.fill("", bytes);
        Credentials::new(&mut fill, now.saturating_add(wanted.duration))?
    };
    emulator.issued.add(&credentials);
    Ok(wanted.session(&credentials)?.into())
}
