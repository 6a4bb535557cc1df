//! What is set about the journal: keys, and the files with its own keys.

use super::reader::Reader;
use super::{forwarding, keys};
use crate::audit::Settings;
use crate::audit::sign::SigningKey;

pub(super) fn read(reader: &mut Reader, settings: &mut Settings) {
    reader.read(&keys::AUDIT_FILE, &mut settings.file);
    reader.read(&keys::AUDIT_STDOUT, &mut settings.stdout);
    reader.read(&keys::AUDIT_UNRECORDED, &mut settings.unrecorded);
    reader.read(&keys::AUDIT_SYNC, &mut settings.sync);
    reader.read(&keys::AUDIT_ROTATE_BYTES, &mut settings.rotate_bytes);
    reader.read(&keys::AUDIT_ROTATE_AFTER, &mut settings.rotate_after);
    reader.read(&keys::AUDIT_MAC_KEY_FILE, &mut settings.mac_key_file);
    reader.read(
        &keys::AUDIT_SIGNING_KEY_FILE,
        &mut settings.signing_key_file,
    );
    reader.read(&keys::AUDIT_INSTANCE, &mut settings.instance);
    if let Err(reason) = settings.mac_key() {
        reader.contradiction(&keys::AUDIT_MAC_KEY_FILE, reason);
    }
    signing_key(reader, settings);
    forwarding::read(reader, settings);
}

fn signing_key(reader: &mut Reader, settings: &Settings) {
    let Some(path) = &settings.signing_key_file else {
        return;
    };
    if let Err(error) = SigningKey::read(path) {
        reader.contradiction(&keys::AUDIT_SIGNING_KEY_FILE, error.to_string());
    }
    if settings.file.is_none() && !reader.is_wrong(&keys::AUDIT_FILE) {
        let reason = format!("wants {}", keys::AUDIT_FILE.path);
        reader.contradiction(&keys::AUDIT_SIGNING_KEY_FILE, reason);
    }
}
