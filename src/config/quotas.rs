//! What is set about limits: keys, and the file they name.

use super::keys;
use super::reader::Reader;
use crate::quota::{InForce, Limits, Settings};

/// Reads the keys, then the limits themselves, so that their mistakes are told with all
/// others.
pub(super) fn read(reader: &mut Reader, settings: &mut Settings, faces_aws: bool) {
    reader.read(&keys::QUOTA_LIMITS_FILE, &mut settings.limits_file);
    reader.read(&keys::QUOTA_IN_FORCE, &mut settings.in_force);
    reader.read(
        &keys::QUOTA_FAILED_AUTHENTICATIONS,
        &mut settings.failed_authentications,
    );
    settings.faces_aws = faces_aws;
    let Some(file) = &settings.limits_file else {
        return;
    };
    match Limits::read(file) {
        Ok(limits) => settings.limits = limits,
        Err(mistakes) => {
            for mistake in mistakes {
                reader.contradiction(&keys::QUOTA_LIMITS_FILE, mistake);
            }
        }
    }
    if settings.in_force == InForce::Never && !reader.is_wrong(&keys::QUOTA_IN_FORCE) {
        let never = keys::QUOTA_IN_FORCE.path;
        let reason = format!("has no effect with {never} = \"never\"");
        reader.contradiction(&keys::QUOTA_LIMITS_FILE, reason);
    }
}

/// The limits in force, in lines that a TOML file may have.
pub(super) fn told(settings: &Settings) -> String {
    if !settings.is_on() {
        return "\n# Callers are not limited.\n".to_owned();
    }
    let mut text =
        "\n# Limits; of those that fit a call, the first with a rate and the first with a number in \
         flight count:\n"
            .to_owned();
    for limit in settings.limits.iter() {
        text.push_str(&format!("#   {limit}\n"));
    }
    text
}
