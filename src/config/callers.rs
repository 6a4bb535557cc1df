//! What is set about callers: the key, and the file it names.

use super::keys;
use super::reader::Reader;
use crate::authn::{Callers, Settings};

pub(super) fn read(reader: &mut Reader, settings: &mut Settings) {
    reader.read(&keys::AUTHN_CALLERS_FILE, &mut settings.callers_file);
    match settings.callers_file.as_deref().map(Callers::read) {
        None => {}
        Some(Ok(callers)) => settings.callers = callers,
        Some(Err(mistakes)) => {
            for mistake in mistakes {
                reader.contradiction(&keys::AUTHN_CALLERS_FILE, mistake);
            }
        }
    }
}
