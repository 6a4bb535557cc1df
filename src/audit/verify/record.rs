//! What is looked at in a record.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Deserialize;

use super::chain::{Calls, Intent};
use super::fault::What;
use crate::audit::first::OPENS;
use crate::audit::line::Hash;

/// Why a file begins later than the one before it ends.
const LAGGED: &str = "lagged";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    event_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event_time: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "sharedEventID")]
    shared_event_id: Option<Cow<'a, str>>,
    service_event_details: Option<Details>,
    #[serde(borrow)]
    additional_event_data: Additional<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    previous_hash: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Additional<'a> {
    #[serde(borrow)]
    phase: Option<Cow<'a, str>>,
}

impl<'a> Record<'a> {
    pub(super) fn read(line: &'a [u8]) -> Result<Self, What> {
        serde_json::from_slice(line).map_err(|error| What::NoRecord(error.to_string()))
    }

    /// Whether it opens a file, after the line with this hash.
    pub(super) fn opens_after(&self, previous: Hash) -> Result<(), What> {
        if self.event_name.as_deref() != Some(OPENS) {
            return Err(What::NotOpened);
        }
        let details = self.service_event_details.as_ref();
        match details.and_then(|details| details.previous_hash.as_deref()) {
            Some(hash) if hash != previous.to_string() => Err(What::OpenedAfterAnother),
            _ => Ok(()),
        }
    }

    /// When it was written, as it says.
    pub(super) fn time(&self) -> Option<SystemTime> {
        humantime::parse_rfc3339(self.event_time.as_deref()?).ok()
    }

    /// Whether it says that lines before it are in another sink.
    pub(super) fn is_lagged(&self) -> bool {
        let details = self.service_event_details.as_ref();
        details.and_then(|details| details.reason.as_deref()) == Some(LAGGED)
    }

    /// Keeps the intent, or ends the one that this is the outcome of.
    pub(super) fn remember(&self, seq: u64, calls: &mut Calls) {
        let Some(id) = self.shared_event_id.as_deref() else {
            return;
        };
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or_default().to_owned();
        match self.additional_event_data.phase.as_deref() {
            Some("intent") => calls.begin(Intent {
                shared_event_id: id.to_owned(),
                operation: text(&self.event_name),
                time: text(&self.event_time),
                seq,
            }),
            Some("outcome") => calls.end(id),
            _ => {}
        }
    }
}
