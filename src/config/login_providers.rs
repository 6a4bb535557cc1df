//! What is set about the emulator's login providers: keys, and the files they name.

use super::keys;
use super::reader::Reader;
use crate::emulator::{self, Settings};

pub(super) fn read(reader: &mut Reader, settings: &mut Settings) {
    reader.read(&keys::EMULATOR_LOGIN_TOKENS, &mut settings.login_tokens);
    reader.read(&keys::EMULATOR_TEST_ISSUERS, &mut settings.test_issuers);

    let mut file = None;
    reader.read(&keys::EMULATOR_ISSUERS_FILE, &mut file);
    match file.map(|path| emulator::read_issuers(&path)) {
        None => {}
        Some(Ok(issuers)) => settings.issuers = issuers,
        Some(Err(mistakes)) => {
            for mistake in mistakes {
                reader.contradiction(&keys::EMULATOR_ISSUERS_FILE, mistake);
            }
        }
    }

    let mut metadata = Vec::new();
    reader.read(&keys::EMULATOR_SAML_METADATA, &mut metadata);
    for (arn, path) in metadata {
        match emulator::read_saml_metadata(&arn, &path) {
            Ok(provider) => settings.saml_providers.push(provider),
            Err(reason) => {
                let reason = format!("{}: {reason}", path.display());
                reader.contradiction(&keys::EMULATOR_SAML_METADATA, reason);
            }
        }
    }
    twice(reader, settings);
}

/// An issuer has one key set, so it is named once.
fn twice(reader: &mut Reader, settings: &Settings) {
    let mut seen: Vec<&str> = settings
        .issuers
        .iter()
        .map(|issuer| issuer.issuer.trim_end_matches('/'))
        .collect();
    for issuer in &settings.test_issuers {
        let issuer = issuer.trim_end_matches('/');
        if seen.contains(&issuer) {
            let reason = format!("{issuer} is named twice");
            reader.contradiction(&keys::EMULATOR_TEST_ISSUERS, reason);
        }
        seen.push(issuer);
    }
}
