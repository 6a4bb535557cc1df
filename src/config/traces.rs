//! What is set about traces: keys, and the files they name.

use super::key::AnyKey;
use super::keys;
use super::reader::Reader;
use crate::header_file;
use crate::telemetry::traces::{Settings, check_authorities};

pub(super) fn read(reader: &mut Reader, settings: &mut Settings) {
    reader.read(&keys::TRACES_ENDPOINT, &mut settings.endpoint);
    reader.read(&keys::TRACES_SAMPLE_RATIO, &mut settings.sample_ratio);
    reader.read(&keys::TRACES_SERVICE_NAME, &mut settings.service_name);
    reader.read(&keys::TRACES_HEADERS_FILE, &mut settings.headers_file);
    reader.read(&keys::TRACES_CA_FILE, &mut settings.ca_file);
    let endpoint = settings.endpoint.as_deref();
    let is_tls = endpoint.is_some_and(|endpoint| endpoint.starts_with("https:"));
    let files: [(&dyn AnyKey, _, bool, &str); 2] = [
        (
            &keys::TRACES_HEADERS_FILE,
            settings
                .headers_file
                .as_deref()
                .map(|path| header_file::read(path).map(drop)),
            endpoint.is_some(),
            "wants traces.endpoint",
        ),
        (
            &keys::TRACES_CA_FILE,
            settings.ca_file.as_deref().map(check_authorities),
            is_tls,
            "wants traces.endpoint with https",
        ),
    ];
    for (key, checked, is_wanted, otherwise) in files {
        if checked.is_some() && !is_wanted && !reader.is_wrong(&keys::TRACES_ENDPOINT) {
            reader.contradiction(key, otherwise.to_owned());
        }
        if let Some(Err(reason)) = checked {
            reader.contradiction(key, reason);
        }
    }
}
