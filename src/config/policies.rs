//! What is set about policies: keys, and the files they name.

use std::path::{Path, PathBuf};

use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::policy::{Policies, Settings};

/// Reads the keys, then the policies themselves, so that their mistakes are told with
/// all others. `region` is that of operations that name no pool and no identity.
pub(super) fn read(reader: &mut Reader, settings: &mut Settings, region: &str) {
    reader.read(&keys::POLICY_FILES, &mut settings.files);
    reader.read(&keys::POLICY_SHADOW_FILES, &mut settings.shadow_files);
    reader.read(&keys::POLICY_SAMPLES_FILE, &mut settings.samples_file);
    reader.read(&keys::POLICY_GUARDRAILS_OFF, &mut settings.guardrails_off);
    reader.read(&keys::POLICY_PRODUCTION_TAG, &mut settings.production_tag);
    reader.read(
        &keys::POLICY_ALLOWED_ROLE_ARNS,
        &mut settings.allowed_role_arns,
    );
    reader.read(
        &keys::POLICY_MAX_TOKEN_DURATION,
        &mut settings.max_token_duration,
    );
    reader.read(&keys::POLICY_ADMIN_ROLE, &mut settings.admin_role);
    region.clone_into(&mut settings.region);
    if settings.is_on() {
        try_out(reader, settings);
    } else {
        useless(reader, settings);
    }
}

/// Every mistake in the policies and the samples. Where a key is wrong the samples would be
/// tried with its default, so they are not.
fn try_out(reader: &mut Reader, settings: &Settings) {
    let mut settings = settings.clone();
    if keys::ALL
        .iter()
        .any(|key| key.section() == "policy" && reader.is_wrong(*key))
    {
        settings.samples_file = None;
    }
    for mistake in Policies::load(&settings).err().unwrap_or_default() {
        let key = key_of(&settings, mistake.file.as_deref());
        reader.contradiction(key, mistake.to_string());
    }
}

/// The key that names a file, or the directory it is in.
fn key_of(settings: &Settings, file: Option<&Path>) -> &'static dyn AnyKey {
    let Some(file) = file else {
        return &keys::POLICY_FILES;
    };
    let names = |paths: &[PathBuf]| {
        let mut paths = paths.iter();
        paths.any(|path| file == path || file.parent() == Some(path))
    };
    if settings.samples_file.as_deref() == Some(file) {
        &keys::POLICY_SAMPLES_FILE
    } else if names(&settings.shadow_files) && !names(&settings.files) {
        &keys::POLICY_SHADOW_FILES
    } else {
        &keys::POLICY_FILES
    }
}

/// Shadow policies and samples are tried beside policies.
fn useless(reader: &mut Reader, settings: &Settings) {
    if reader.is_wrong(&keys::POLICY_FILES) {
        return;
    }
    let wants = format!("wants {}", keys::POLICY_FILES.path);
    if !settings.shadow_files.is_empty() {
        reader.contradiction(&keys::POLICY_SHADOW_FILES, wants.clone());
    }
    if settings.samples_file.is_some() {
        reader.contradiction(&keys::POLICY_SAMPLES_FILE, wants);
    }
}
