//! The ways to AWS: one for each target, or the only one.
//!
//! Everything that is remembered of a target's account or learned about it is the way's
//! own, so that nothing of one account is ever told of another. Only locks are shared, by
//! targets with one account: they are for what is in the account.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::Meter;
use super::attempts::Sending;
use super::clients::{self, Clients};
use super::known::Known;
use super::overload::Overload;
use super::pool_locks::PoolLocks;
use super::sessions::{self, Sessions};
use super::settings::Settings;
use super::targets::TargetSettings;
use crate::call::{Target, Unclear};
use crate::caller::Caller;
use crate::clock::Clock;
use crate::failure::{Failure, Private};

/// What AWS says of a session that it does not take, or does not take any more; it has done
/// nothing then.
const REFUSED: [&str; 6] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidToken",
    "InvalidTokenException",
    "UnrecognizedClientException",
];

/// What AWS says of what a session may not do, which is everything once its role's sessions
/// are revoked.
const DENIED: [&str; 2] = ["AccessDenied", "AccessDeniedException"];

/// How often at most a session is dropped for the one and the other: what AWS never takes, or
/// never allows, is not to have it asked for a session by every call.
const REFUSED_EVERY: Duration = Duration::from_secs(1);
const DENIED_EVERY: Duration = Duration::from_secs(60);

/// All ways.
pub(super) struct Ways {
    /// In the order of the settings.
    all: Vec<Arc<Way>>,
    settings: Settings,
}

/// The way to one target, or the only one.
pub(super) struct Way {
    pub(super) target: Target,
    pub(super) clients: Clients,
    pub(super) known: Known,
    pub(super) locks: Arc<PoolLocks>,
    pub(super) overload: Overload,
    pub(super) meter: Arc<dyn Meter>,
    /// What callers are not told of any of the accounts.
    pub(super) private: Private,
    /// Where a role is assumed for each caller.
    pub(super) sessions: Option<Sessions>,
}

impl Ways {
    pub(super) async fn new(
        settings: Settings,
        http_client: Option<SharedHttpClient>,
        clock: &Clock,
        meter: &Arc<dyn Meter>,
    ) -> Self {
        let shared = clients::shared(&settings, http_client).await;
        let mut locks: HashMap<String, Arc<PoolLocks>> = HashMap::new();
        let private = private(&settings);
        let mut all = Vec::new();
        for target in &settings.targets {
            let name: Arc<str> = target.name.as_str().into();
            let meter = Arc::clone(meter).of_target(&name);
            let locks = locks.entry(target.account_id.clone()).or_default();
            let here = of_target(&settings, target);
            let sessions = target.role.as_ref().map(|role| {
                let role = role.clone();
                let (name, meter) = (Arc::clone(&name), Arc::clone(&meter));
                let ask = sessions::ask(name, role, &here, &shared, clock.clone(), meter);
                Sessions::new(ask, clock.clone())
            });
            let of_this = Some(Arc::clone(&name));
            let overload = Overload::new(&here, of_this, clock.clone(), Arc::clone(&meter));
            all.push(Arc::new(Way {
                target: Target {
                    name: Some(name),
                    account: Some(target.account_id.as_str().into()),
                },
                known: Known::default(),
                locks: Arc::clone(locks),
                private: private.clone(),
                overload,
                meter,
                clients: Clients::new(here, shared.clone(), sessions.is_some()),
                sessions,
            }));
        }
        if all.is_empty() {
            all.push(Arc::new(Way {
                target: Target {
                    name: None,
                    account: settings.account_id.as_deref().map(Arc::from),
                },
                known: Known::default(),
                locks: Arc::default(),
                private,
                overload: Overload::new(&settings, None, clock.clone(), Arc::clone(meter)),
                meter: Arc::clone(meter),
                clients: Clients::new(settings.clone(), shared, false),
                sessions: None,
            }));
        }
        Self { all, settings }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Way> {
        self.all.iter().map(Arc::as_ref)
    }

    /// The way to a target that was chosen.
    pub(super) fn to(&self, target: &Target) -> Result<&Arc<Way>, Failure> {
        let mut all = self.all.iter();
        all.find(|way| way.target.name == target.name)
            .ok_or_else(lost)
    }

    /// The target of a call for a resource in `region`, which names one or none.
    pub(super) fn choose(
        &self,
        named: Option<&[u8]>,
        region: Option<&str>,
    ) -> Result<Target, Unclear> {
        self.settings.choose(named, region)
    }
}

impl Way {
    /// Drops the caller's session if AWS has not taken it, or has denied it something, so that
    /// the next call has another. Says whether the same call can be made with another.
    pub(super) fn forget_session(
        &self,
        caller: &Caller,
        sending: &Sending,
        failure: Option<&Failure>,
    ) -> bool {
        let (Some(sessions), Some(credentials)) = (&self.sessions, &sending.credentials) else {
            return false;
        };
        let Some(Failure::Aws(error)) = failure else {
            return false;
        };
        let code = error.code.as_str();
        if DENIED.contains(&code) {
            sessions.forget(caller.id(), credentials, DENIED_EVERY);
        }
        REFUSED.contains(&code) && sessions.forget(caller.id(), credentials, REFUSED_EVERY)
    }
}

/// The settings of the way to a target.
fn of_target(settings: &Settings, target: &TargetSettings) -> Settings {
    let own = target.endpoint_url.clone();
    let usual = &settings.region;
    // What names no region and is for a target that does not answer for the usual one, such
    // as a probe, goes to the first of its own.
    let region = match target.regions.contains(usual) {
        true => Some(usual),
        false => target.regions.first(),
    };
    Settings {
        region: region.unwrap_or(usual).clone(),
        regions: target.regions.clone(),
        account_id: Some(target.account_id.clone()),
        endpoint_url: own.or_else(|| settings.endpoint_url.clone()),
        targets: Vec::new(),
        ..settings.clone()
    }
}

fn private(settings: &Settings) -> Private {
    let roles = settings
        .targets
        .iter()
        .filter_map(|target| target.role.as_ref());
    let arns = roles.map(|role| role.arn.as_str().to_owned());
    let accounts = settings
        .targets
        .iter()
        .map(|target| target.account_id.clone());
    let own = settings.account_id.clone();
    Private::new(arns.chain(accounts).chain(own).collect())
}

fn lost() -> Failure {
    Failure::Internal {
        cause: "a target was chosen that there is not".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::meter::Untold;
    use crate::upstream::{Kind, RoleArn, RoleSettings};

    fn target(name: &str, account: &str) -> TargetSettings {
        TargetSettings {
            name: name.to_owned(),
            regions: vec!["us-east-1".to_owned()],
            named_only: true,
            account_id: account.to_owned(),
            role: None,
            endpoint_url: None,
        }
    }

    async fn ways(targets: Vec<TargetSettings>) -> Ways {
        let settings = Settings {
            kind: Kind::Aws,
            targets,
            ..Settings::default()
        };
        let meter: Arc<dyn Meter> = Arc::new(Untold);
        Ways::new(settings, None, &Clock::system(), &meter).await
    }

    #[tokio::test]
    async fn changes_of_one_account_take_turns_whichever_target_they_go_through() {
        let targets = [
            ("a", "111111111111"),
            ("b", "111111111111"),
            ("c", "222222222222"),
        ];
        let ways = ways(targets.map(|(name, account)| target(name, account)).into()).await;
        let [a, b, c] = ["a", "b", "c"].map(|name| {
            let target = ways.choose(Some(name.as_bytes()), None).unwrap();
            Arc::clone(ways.to(&target).unwrap())
        });

        let _of_a = a.locks.lock("us-east-1:0a", Default::default()).await;
        let of_b = Box::pin(b.locks.lock("us-east-1:0a", Default::default()));
        assert!(futures_util::FutureExt::now_or_never(of_b).is_none());
        let of_c = Box::pin(c.locks.lock("us-east-1:0a", Default::default()));
        assert!(futures_util::FutureExt::now_or_never(of_c).is_some());
    }

    #[tokio::test]
    async fn a_target_can_be_asked_without_a_region_wherever_it_is() {
        let elsewhere = TargetSettings {
            regions: vec!["eu-central-1".to_owned()],
            ..target("b", "222222222222")
        };
        let ways = ways(vec![target("a", "111111111111"), elsewhere]).await;

        let regions = ways.all.iter().map(|way| way.clients.region(None));
        let regions: Result<Vec<&str>, Failure> = regions.collect();
        assert_eq!(regions.unwrap(), ["us-east-1", "eu-central-1"]);
    }

    #[tokio::test]
    async fn only_a_target_with_a_role_has_sessions() {
        let role = RoleSettings {
            arn: RoleArn::parse("arn:aws:iam::222222222222:role/poolgate").unwrap(),
            external_id: None,
            session_duration: std::time::Duration::from_secs(3600),
            session_tags: true,
            sts_region: "us-east-1".to_owned(),
            sts_endpoint_url: None,
        };
        let with_role = TargetSettings {
            role: Some(role),
            ..target("b", "222222222222")
        };
        let ways = ways(vec![target("a", "111111111111"), with_role]).await;

        let has_sessions = |name: &str| {
            let target = ways.choose(Some(name.as_bytes()), None).unwrap();
            ways.to(&target).unwrap().sessions.is_some()
        };
        assert!(!has_sessions("a"));
        assert!(has_sessions("b"));
    }
}
