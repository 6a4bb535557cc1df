//! What of a line is shown outside of it.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

/// What of a line is shown outside of it. What is not there is empty: any line can be
/// forwarded.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Facts {
    event_time: String,
    pub(super) event_name: String,
    pub(super) error_code: Option<String>,
    additional_event_data: Additional,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Additional {
    instance_id: String,
}

impl Facts {
    pub(super) fn of(line: &str) -> Self {
        serde_json::from_str(line).unwrap_or_default()
    }

    /// When it was, if it is a time.
    pub(super) fn time(&self) -> Option<SystemTime> {
        humantime::parse_rfc3339(&self.event_time).ok()
    }

    /// The name of the instance; empty where it is not known.
    pub(super) fn instance(&self) -> &str {
        &self.additional_event_data.instance_id
    }

    /// When it was, in nanoseconds since the Unix epoch.
    pub(super) fn nanos(&self) -> u128 {
        self.time().map_or(0, nanos)
    }
}

/// Nanoseconds since the Unix epoch.
pub(super) fn nanos(time: SystemTime) -> u128 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.as_ref().map_or(0, Duration::as_nanos)
}
