//! The role that calls to a target are made with.

use std::time::Duration;

use super::{Region, Section, accepted, parsed, url};
use crate::config::accepts::Span;
use crate::upstream::{ExternalId, RoleArn, RoleSettings, Settings};

/// How long AWS lets a session last, and how long one does that nothing is said of: as long
/// as it may where poolgate's own credentials are those of a role.
const SESSION: Span = Span {
    least: Duration::from_secs(15 * 60),
    most: Duration::from_secs(12 * 60 * 60),
};
const USUAL_SESSION: Duration = Duration::from_secs(60 * 60);

pub(super) fn read(
    table: &Section<'_>,
    account_id: Option<&str>,
    regions: Option<&[String]>,
    upstream: &Settings,
) -> Option<RoleSettings> {
    let arn = table.wanted_text("role_arn")?;
    let arn = parsed(table, "role_arn", RoleArn::parse(&arn));
    if let (Some(arn), Some(account)) = (&arn, account_id)
        && arn.account() != account
    {
        table.mistake("role_arn", format!("in another account than `{account}`"));
    }
    let external_id = table.text("external_id");
    let external_id =
        external_id.and_then(|id| parsed(table, "external_id", ExternalId::parse(&id)));
    let duration = table.text("session_duration");
    let duration = duration.and_then(|text| accepted(table, "session_duration", &SESSION, &text));
    let regions = regions.unwrap_or_default();
    let usual_region = match regions.contains(&upstream.region) {
        true => Some(&upstream.region),
        false => regions.first(),
    };
    let sts_region = table.text("sts_region");
    let sts_region = sts_region.and_then(|name| accepted(table, "sts_region", &Region, &name));
    if let (Some(arn), Some(region)) = (&arn, &sts_region)
        && !arn.is_of(region)
    {
        table.mistake(
            "sts_region",
            format!("`{region}` is in another partition than `role_arn`"),
        );
    }
    let session_tags = table.flag("session_tags").unwrap_or(true);
    let sts_endpoint_url = url(table, "sts_endpoint_url");
    Some(RoleSettings {
        arn: arn?,
        external_id,
        session_duration: duration.unwrap_or(USUAL_SESSION),
        session_tags,
        sts_region: sts_region
            .or_else(|| usual_region.cloned())
            .unwrap_or_default(),
        sts_endpoint_url,
    })
}
