//! What policies are told of a request: the `context` of the schema.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use cedar_policy::{Context, RestrictedExpression as Expression};

use super::RoleArns;
use super::candidate::Mentions;
use super::members::Members;
use crate::call::Subject;
use crate::operation::Operation;
use crate::pool_field::PoolField;

/// How long a developer token holds that no duration is asked for, in seconds
/// (reference: "TokenDuration default 900 s").
const TOKEN_DURATION: i64 = 900;

/// The last second that has a date of four digits, after the Unix epoch.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The context of a call: where it comes from and when, as far as policies mention it, and what
/// a request of an operation asks for.
///
/// # Errors
///
/// When a value cannot be told to Cedar.
pub(super) fn context(
    request: Option<(Operation, &Subject)>,
    allowed: &RoleArns,
    mentioned: Mentions,
    (peer, now): (IpAddr, SystemTime),
) -> Result<Context, String> {
    let mut pairs = Pairs(Vec::with_capacity(12));
    if mentioned.peer {
        let peer = peer.to_canonical().to_string();
        pairs.add("peer_address", Expression::new_ip(peer));
    }
    if mentioned.time {
        let epoch = SystemTime::UNIX_EPOCH;
        let now = now.clamp(epoch, epoch + LAST);
        let time = humantime::format_rfc3339_millis(now).to_string();
        pairs.add("time", Expression::new_datetime(time));
    }
    if let Some((operation, subject)) = request {
        pairs.add_members(operation, Members::of(subject), allowed);
    }
    Context::from_pairs(pairs.0).map_err(|error| error.to_string())
}

/// The attributes of a context.
struct Pairs(Vec<(String, Expression)>);

impl Pairs {
    fn add_members(&mut self, operation: Operation, members: Members<'_>, allowed: &RoleArns) {
        use Operation as O;
        match operation {
            O::CreateIdentityPool => self.add_pool(members, |_| true),
            O::UpdateIdentityPool => self.add_update(members),
            O::SetIdentityPoolRoles => {
                let arns = members.role_arns();
                self.unlisted(&arns, allowed);
                self.set("role_arns", arns);
                self.set("role_mapping_types", members.role_mapping_types());
                self.set("provider_names", members.keys("RoleMappings"));
            }
            O::GetPrincipalTagAttributeMap => {
                self.text(
                    "identity_provider_name",
                    members.text("IdentityProviderName"),
                );
            }
            O::SetPrincipalTagAttributeMap => {
                self.text(
                    "identity_provider_name",
                    members.text("IdentityProviderName"),
                );
                self.flag("use_defaults", members.flag("UseDefaults"));
                self.tags("principal_tags", &members.pairs("PrincipalTags"));
            }
            O::TagResource => {
                self.tags("request_tags", &members.pairs("Tags"));
                self.set("tag_keys", members.keys("Tags"));
            }
            O::UntagResource => self.set("tag_keys", members.texts("TagKeys")),
            O::GetId => {
                self.text("account_id", members.text("AccountId"));
                self.set("provider_names", members.keys("Logins"));
            }
            O::GetOpenIdToken => self.set("provider_names", members.keys("Logins")),
            O::GetCredentialsForIdentity => {
                let arn = members.text("CustomRoleArn");
                self.unlisted(&arn.into_iter().collect(), allowed);
                self.text("custom_role_arn", arn);
                self.set("provider_names", members.keys("Logins"));
            }
            O::UnlinkIdentity => {
                self.set("provider_names", members.keys("Logins"));
                self.set("logins_to_remove", members.texts("LoginsToRemove"));
            }
            O::GetOpenIdTokenForDeveloperIdentity => {
                let duration = members.number("TokenDuration").unwrap_or(TOKEN_DURATION);
                self.add("token_duration", Expression::new_long(duration));
                self.text("identity_id", members.text("IdentityId"));
                self.set("provider_names", members.keys("Logins"));
                self.tags("principal_tags", &members.pairs("PrincipalTags"));
            }
            O::LookupDeveloperIdentity => self.text("identity_id", members.text("IdentityId")),
            O::MergeDeveloperIdentities => self.developer_provider(members),
            O::UnlinkDeveloperIdentity => {
                self.text("identity_id", members.text("IdentityId"));
                self.developer_provider(members);
            }
            O::ListIdentities => {
                let hidden = members.flag("HideDisabled").unwrap_or(false);
                self.flag("hide_disabled", Some(hidden));
            }
            O::DeleteIdentities => {
                let count = members.count("IdentityIdsToDelete");
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                self.add("identity_count", Expression::new_long(count));
            }
            O::DescribeIdentityPool
            | O::DeleteIdentityPool
            | O::ListIdentityPools
            | O::GetIdentityPoolRoles
            | O::ListTagsForResource
            | O::DescribeIdentity => {}
        }
    }

    fn add_update(&mut self, members: Members<'_>) {
        let writes = |field| members.writes(field);
        self.add_pool(members, writes);
        let changed = PoolField::ALL.into_iter().filter(|field| writes(*field));
        self.set("changed_fields", changed.map(PoolField::path).collect());
        if let Some(paths) = members.mask() {
            self.set("update_mask", paths.iter().map(String::as_str).collect());
        }
    }

    /// What a pool is to become, of the fields that are written.
    fn add_pool(&mut self, members: Members<'_>, writes: impl Fn(PoolField) -> bool) {
        self.text("identity_pool_name", members.text("IdentityPoolName"));
        let guests = members.flag("AllowUnauthenticatedIdentities");
        self.flag("allow_unauthenticated_identities", guests);
        if writes(PoolField::AllowClassicFlow) {
            let classic_flow = match members.flag("AllowClassicFlow") {
                None => "unset",
                Some(true) => "true",
                Some(false) => "false",
            };
            self.text("allow_classic_flow", Some(classic_flow));
        }
        let mut providers = members.keys("SupportedLoginProviders");
        providers.extend(members.texts("OpenIdConnectProviderARNs"));
        providers.extend(members.in_each("CognitoIdentityProviders", "ProviderName"));
        providers.extend(members.texts("SamlProviderARNs"));
        self.set("provider_names", providers);
        let clients = members.in_each("CognitoIdentityProviders", "ClientId");
        self.set("client_ids", clients);
        self.developer_provider(members);
        if writes(PoolField::IdentityPoolTags) {
            self.tags("request_tags", &members.pairs("IdentityPoolTags"));
            self.set("tag_keys", members.keys("IdentityPoolTags"));
        }
    }

    fn developer_provider(&mut self, members: Members<'_>) {
        let name = members.text("DeveloperProviderName");
        self.text("developer_provider_name", name);
    }

    fn unlisted(&mut self, arns: &BTreeSet<&str>, allowed: &RoleArns) {
        let unlisted = arns.iter().copied().filter(|arn| !allowed.covers(arn));
        self.set("unlisted_role_arns", unlisted.collect());
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.add(name, Expression::new_string(text.to_owned()));
        }
    }

    fn flag(&mut self, name: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.add(name, Expression::new_bool(flag));
        }
    }

    fn set(&mut self, name: &str, texts: BTreeSet<&str>) {
        let elements = texts
            .into_iter()
            .map(|text| Expression::new_string(text.to_owned()));
        self.add(name, Expression::new_set(elements));
    }

    fn tags(&mut self, name: &str, tags: &[(&str, &str)]) {
        let elements = tags.iter().filter_map(|(key, value)| {
            let fields = [("key", key), ("value", value)];
            let fields = fields.map(|(field, text)| {
                (field.to_owned(), Expression::new_string((*text).to_owned()))
            });
            // Fails for a field that is there twice only.
            Expression::new_record(fields).ok()
        });
        self.add(name, Expression::new_set(elements));
    }

    fn add(&mut self, name: &str, value: Expression) {
        self.0.push((name.to_owned(), value));
    }
}
