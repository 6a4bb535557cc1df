//! What the journal says about refusals that were counted.

use std::borrow::Cow;

use serde_json::json;
use uuid::Uuid;

use super::Summary;
use crate::audit::events::{Origin, SOURCE, draft};
use crate::audit::line::Draft;
use crate::audit::shape::{Identity, Record};

/// The journal's own event about a summary.
pub(in crate::audit) fn summary_event(summary: &Summary, origin: &Origin) -> Draft {
    let identity = Identity {
        kind: "Unknown",
        ..Identity::default()
    };
    let details = json!({
        "count": summary.count,
        "byReason": summary.by_reason,
        "from": humantime::format_rfc3339_millis(summary.from).to_string(),
        "until": humantime::format_rfc3339_millis(summary.until).to_string(),
    });
    let record = Record {
        user_identity: identity,
        source_ip_address: Cow::from(summary.source.to_string()),
        service_event_details: Some(details),
        ..Record::blank(
            origin,
            SOURCE,
            Cow::from("SummarizeRefusals"),
            Uuid::now_v7(),
            summary.until,
        )
    };
    draft(origin, &record, None)
}
