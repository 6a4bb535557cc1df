//! What goes wrong in the emulator on purpose, and the file that says so.

use super::keys;
use super::reader::Reader;
use crate::emulator::{Rules, Settings};

pub(super) fn read(reader: &mut Reader, settings: &mut Settings) {
    let mut file = None;
    reader.read(&keys::EMULATOR_FAULTS_FILE, &mut file);
    match file.map(|path| Rules::of_file(&path)) {
        None => {}
        Some(Ok(rules)) => settings.faults = rules,
        Some(Err(mistakes)) => {
            for mistake in mistakes {
                reader.contradiction(&keys::EMULATOR_FAULTS_FILE, mistake);
            }
        }
    }
}
