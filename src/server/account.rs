//! The guard of the account's quotas, as upstream asks it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::interval;

use crate::failure::Failure;
use crate::quota::{self, Guard};
use crate::upstream::{Admission, Admitted, Asked};

/// How often what changes by itself is counted.
const REPORT: Duration = Duration::from_secs(1);

/// Stands between every call and AWS: a guard for each account of targets, and one for the
/// account where there are none.
pub(super) struct AccountAdmission {
    pub(super) only: Arc<Guard>,
    pub(super) by_account: BTreeMap<String, Arc<Guard>>,
}

struct Turn(quota::Turn);

impl Admission for AccountAdmission {
    fn admit<'a>(&'a self, asked: Asked<'a>) -> BoxFuture<'a, Result<Box<dyn Admitted>, Failure>> {
        let Asked {
            operation,
            account,
            region,
            flow,
            left,
        } = asked;
        let guard = account.and_then(|account| self.by_account.get(account));
        let guard = guard.unwrap_or(&self.only);
        async move {
            let wanted = quota::Wanted {
                operation,
                region,
                flow,
                left,
            };
            let turn = guard.admit(wanted).await?;
            Ok(Box::new(Turn(turn)) as Box<dyn Admitted>)
        }
        .boxed()
    }
}

impl Admitted for Turn {
    fn sent(&self) {
        self.0.sent();
    }

    fn throttled(&self) {
        self.0.throttled();
    }

    fn waited(&self) -> Duration {
        self.0.waited()
    }
}

/// Counts, without end.
pub(super) async fn report(guards: Vec<Arc<Guard>>) {
    let mut ticks = interval(REPORT);
    loop {
        ticks.tick().await;
        guards.iter().for_each(|guard| guard.report());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::operation::Operation;
    use crate::quota::Account;

    fn guard(clock: &Clock) -> Arc<Guard> {
        Arc::new(Guard::new(&Account::default(), 1, clock.clone()))
    }

    #[tokio::test(start_paused = true)]
    async fn targets_of_one_account_share_its_quota_and_those_of_others_do_not() {
        let clock = Clock::system();
        let guards =
            ["111111111111", "222222222222"].map(|number| (number.to_owned(), guard(&clock)));
        let admission = AccountAdmission {
            only: guard(&clock),
            by_account: guards.into(),
        };
        let admitted = async |account: Option<&str>, region: &str| {
            let asked = Asked {
                operation: Operation::GetId,
                account,
                region,
                flow: Default::default(),
                left: Duration::ZERO,
            };
            admission.admit(asked).await.is_ok_and(|turn| {
                turn.sent();
                true
            })
        };

        // Both targets of the shop have one number, which is all that is asked by.
        let mut calls = 0;
        while admitted(Some("111111111111"), "us-east-1").await {
            calls += 1;
            assert!(calls < 1000, "it is not bounded");
        }

        assert!(calls > 0);
        assert!(!admitted(Some("111111111111"), "us-east-1").await);
        assert!(admitted(Some("111111111111"), "eu-west-1").await);
        assert!(admitted(Some("222222222222"), "us-east-1").await);
        assert!(admitted(None, "us-east-1").await);
    }
}
