//! What is set about forwarding the journal: keys, and the files they name.

use std::collections::BTreeMap;

use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::audit::Settings;
use crate::audit::forward::Target;
use crate::header_file;
use crate::server::forwarding;

pub(super) fn read(reader: &mut Reader, settings: &mut Settings) {
    let forward = &mut settings.forward;
    reader.read(&keys::AUDIT_FORWARD, &mut forward.targets);
    reader.read(&keys::AUDIT_FORWARD_HEADERS_FILE, &mut forward.headers_file);
    reader.read(&keys::AUDIT_FORWARD_CA_FILE, &mut forward.ca_file);
    reader.read(&keys::AUDIT_FORWARD_IN_CLEAR, &mut forward.in_clear);
    for mistake in targets(settings) {
        reader.contradiction(&keys::AUDIT_FORWARD, mistake);
    }
    if !settings.forward.targets.is_empty()
        && settings.file.is_none()
        && !reader.is_wrong(&keys::AUDIT_FILE)
    {
        let reason = format!("wants {}", keys::AUDIT_FILE.path);
        reader.contradiction(&keys::AUDIT_FORWARD, reason);
    }
    files(reader, settings);
}

/// What is wrong with targets that are each fine alone.
fn targets(settings: &Settings) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut names: BTreeMap<String, &Target> = BTreeMap::new();
    for target in &settings.forward.targets {
        if let Some(other) = names.insert(target.file_name(), target) {
            mistakes.push(format!("`{target}` is too much like `{other}`"));
        }
        if target.is_in_clear() && !settings.forward.in_clear {
            mistakes.push(format!(
                "everybody on the way can read what goes to `{target}`; use TLS, or write \
                 `{} = true`",
                keys::AUDIT_FORWARD_IN_CLEAR.path
            ));
        }
    }
    mistakes
}

fn files(reader: &mut Reader, settings: &Settings) {
    let forward = &settings.forward;
    let lonely: [(&dyn AnyKey, bool, bool, &str); 2] = [
        (
            &keys::AUDIT_FORWARD_HEADERS_FILE,
            forward.headers_file.is_some(),
            forward.targets.iter().any(Target::has_headers),
            "otlp+https",
        ),
        (
            &keys::AUDIT_FORWARD_CA_FILE,
            forward.ca_file.is_some(),
            forward.targets.iter().any(Target::has_tls),
            "syslog+tls or otlp+https",
        ),
    ];
    for (key, is_set, is_wanted, scheme) in lonely {
        if is_set && !is_wanted && !reader.is_wrong(&keys::AUDIT_FORWARD) {
            let forward = keys::AUDIT_FORWARD.path;
            reader.contradiction(key, format!("wants a target in {forward} with {scheme}"));
        }
    }
    if let Some(path) = &forward.headers_file
        && let Err(reason) = header_file::read(path)
    {
        reader.contradiction(&keys::AUDIT_FORWARD_HEADERS_FILE, reason);
    }
    if let Some(path) = &forward.ca_file
        && let Err(reason) = forwarding::check_authorities(path)
    {
        reader.contradiction(&keys::AUDIT_FORWARD_CA_FILE, reason);
    }
}
