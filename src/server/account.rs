//! The guard of the account's quotas, as upstream asks it.

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

/// Stands between every call and AWS.
pub(super) struct AccountAdmission(pub(super) Arc<Guard>);

struct Turn(quota::Turn);

impl Admission for AccountAdmission {
    fn admit<'a>(&'a self, asked: Asked<'a>) -> BoxFuture<'a, Result<Box<dyn Admitted>, Failure>> {
        let Asked {
            operation,
            region,
            flow,
            left,
        } = asked;
        async move {
            let wanted = quota::Wanted {
                operation,
                region,
                flow,
                left,
            };
            let turn = self.0.admit(wanted).await?;
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
pub(super) async fn report(guard: Arc<Guard>) {
    let mut ticks = interval(REPORT);
    loop {
        ticks.tick().await;
        guard.report();
    }
}
