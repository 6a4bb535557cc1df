//! Asks AWS now and then whether it answers, where operators want readiness to depend on it.
//!
//! A process is not ready while no target answers: one that still answers is worth
//! serving for. Before the first answer it is not ready either, so that a rollout with
//! credentials that AWS does not take stops at its first process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::health::{Health, Unfit};
use crate::call::Target;
use crate::telemetry::Metrics;
use crate::upstream::Upstream;

/// How often a target that answered has to fail before it counts as one that does not
/// answer, and how often one that failed has to answer.
const FAILURES: u32 = 3;
const ANSWERS: u32 = 2;

/// Asks every target each `interval` until `ended`.
pub(super) async fn start(
    upstream: Arc<Upstream>,
    interval: Duration,
    health: &Health,
    metrics: Arc<Metrics>,
    ended: CancellationToken,
) {
    health.note(Unfit::Upstream, true).await;
    let health = health.clone();
    tokio::spawn(async move {
        let asking = ask(&upstream, interval, &health, &metrics);
        ended.run_until_cancelled(asking).await
    });
}

async fn ask(upstream: &Upstream, interval: Duration, health: &Health, metrics: &Metrics) {
    let mut answering: HashMap<Target, Answering> = HashMap::new();
    let mut rounds = tokio::time::interval(interval);
    // One that takes long is not made up for.
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let probes = upstream
            .targets()
            .map(async |target| (target, upstream.probe(target).await));
        for (target, said) in join_all(probes).await {
            let Some(said) = said else {
                continue;
            };
            let name = target.name.as_deref();
            metrics.probed(name, said.is_ok());
            if let Err(failure) = &said {
                let upstream_target = name.unwrap_or_default();
                tracing::warn!(upstream_target, %failure, "a probe of the upstream failed");
            }
            let known = answering.entry(target.clone()).or_default();
            known.note(said.is_ok());
        }
        let answers = answering.values().any(|known| known.answers);
        health.note(Unfit::Upstream, !answers).await;
    }
}

/// Whether a target answers, by what its probes have said.
#[derive(Debug, Default)]
struct Answering {
    answers: bool,
    /// How many probes in a row said otherwise; nothing before the first one.
    otherwise: Option<u32>,
}

impl Answering {
    fn note(&mut self, answered: bool) {
        let Some(otherwise) = self.otherwise.filter(|_| answered != self.answers) else {
            // The first one decides alone.
            self.answers = answered;
            self.otherwise = Some(0);
            return;
        };
        let wanted = match answered {
            true => ANSWERS,
            false => FAILURES,
        };
        let turns = otherwise + 1 >= wanted;
        self.otherwise = Some(if turns { 0 } else { otherwise + 1 });
        if turns {
            self.answers = answered;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_probe_decides_and_then_it_takes_several_in_a_row() {
        let mut known = Answering::default();
        let mut after = |answered| {
            known.note(answered);
            known.answers
        };

        assert!(!after(false));
        assert_eq!([true, true].map(&mut after), [false, true]);
        assert_eq!([false, false, true].map(&mut after), [true; 3]);
        assert_eq!([false, false, false].map(&mut after), [true, true, false]);
        assert_eq!(
            [true, false, true, true].map(&mut after),
            [false, false, false, true]
        );
    }

    #[test]
    fn one_that_answers_the_first_time_does() {
        let mut known = Answering::default();
        known.note(true);
        assert!(known.answers);
    }
}
