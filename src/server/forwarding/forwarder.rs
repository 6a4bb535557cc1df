//! Sends lines to one target, for as long as there is a process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::lines::Lines;
use super::link::Link;
use crate::audit::forward::{
    Backoff, Cursor, Failed, Handed, Line, Meter, Read, Refused, Sizes, Skipped,
};
use crate::clock::Clock;

/// How soon it is looked again for lines that were not found.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long nothing happens at most.
const NOTHING: Duration = Duration::from_secs(60 * 60);

/// Sends lines to one target.
pub(super) struct Forwarder {
    name: String,
    link: Link,
    lines: Lines,
    /// What was read and not taken.
    pending: VecDeque<Line>,
    cursor: Cursor,
    /// The last line that counts as taken, and the one for which that is stored.
    taken: u64,
    stored: u64,
    handed: Handed,
    sizes: Sizes,
    backoff: Backoff,
    /// Nothing is written any more.
    finish: CancellationToken,
    /// It was tried a last time, and in vain.
    given_up: bool,
    meter: Arc<dyn Meter>,
    clock: Clock,
}

impl Forwarder {
    pub(super) fn new(
        name: String,
        link: Link,
        lines: Lines,
        cursor: Cursor,
        finish: CancellationToken,
        meter: Arc<dyn Meter>,
        clock: Clock,
    ) -> Self {
        let taken = lines.next().saturating_sub(1);
        Self {
            name,
            handed: Handed::new(link.settled_after()),
            sizes: Sizes::new(link.most_lines()),
            link,
            lines,
            pending: VecDeque::new(),
            cursor,
            taken,
            stored: taken,
            backoff: Backoff::default(),
            finish,
            given_up: false,
            meter,
            clock,
        }
    }

    /// Until all is sent after the journal has ended, or it cannot be sent then.
    pub(super) async fn run(mut self) {
        while !self.given_up {
            if let Some(reason) = self.link.closed().now_or_never() {
                self.closed(&reason).await;
            }
            self.settle();
            if self.pending.is_empty() {
                self.store().await;
                self.read().await;
            }
            let behind = self.lines.after(self.taken);
            self.meter.behind(&self.name, behind);
            if !self.pending.is_empty() {
                self.send().await;
            } else if self.finish.is_cancelled() && self.lines.is_at_the_end() {
                break;
            } else {
                self.wait().await;
            }
        }
        if self.link.end().await
            && let Some(seq) = self.handed.all()
        {
            self.taken = seq;
        }
        self.store().await;
    }

    /// Sends what is pending, or a part of it.
    async fn send(&mut self) {
        let count = self.sizes.lines().min(self.pending.len());
        let lines = self.pending.make_contiguous();
        let lines = lines.get(..count).unwrap_or_default();
        let Some(last) = lines.last().map(|line| line.seq) else {
            return;
        };
        match self.link.send(lines).await {
            Ok(rejected) => {
                let whole = u64::try_from(count).unwrap_or(u64::MAX);
                self.meter
                    .forwarded(&self.name, whole.saturating_sub(rejected));
                if rejected > 0 {
                    self.skip(Skipped::Rejected, rejected, last, "rejected");
                }
                self.sizes.took();
                self.done_with(count, last);
            }
            Err(Failed::Never(reason)) => match self.sizes.refused(count) {
                Refused::Halve => {}
                Refused::Skip => {
                    self.skip(self.link.skips(), 1, last, &reason);
                    self.done_with(count, last);
                }
            },
            Err(Failed::Later { reason, after }) => self.failed(&reason, after).await,
        }
    }

    fn done_with(&mut self, count: usize, last: u64) {
        self.pending.drain(..count);
        self.handed.hand(last, self.clock.instant());
    }

    /// What was handed over long enough ago counts as taken.
    fn settle(&mut self) {
        let Some(seq) = self.handed.settled(self.clock.instant()) else {
            return;
        };
        self.taken = seq;
        let failures = self.backoff.succeeded();
        if failures > 0 {
            tracing::info!(to = self.name, failures, "audit lines are taken again");
        }
    }

    async fn store(&mut self) {
        if self.stored == self.taken {
            return;
        }
        let (cursor, seq) = (self.cursor.clone(), self.taken);
        match spawn_blocking(move || cursor.store(seq)).await {
            Ok(Ok(())) => self.stored = seq,
            // Lines are sent again after a restart; it is tried again with the next.
            Ok(Err(error)) => {
                let file = self.cursor.path().display();
                tracing::warn!(%error, %file, "it could not be stored which audit lines were taken");
            }
            Err(_) => {}
        }
    }

    async fn read(&mut self) {
        let Read { lines, missing } = self.lines.read().await;
        if missing > 0 {
            let first = lines.first().map_or(0, |line| line.seq);
            self.skip(
                Skipped::Missing,
                missing,
                first,
                "not in the journal's files",
            );
        }
        self.pending.extend(lines);
    }

    /// Waits until there may be something to do.
    async fn wait(&mut self) {
        let mut patience = match self.lines.is_at_the_end() {
            true => NOTHING,
            false => LOOK_AGAIN,
        };
        if let Some(next) = self.handed.next() {
            patience = patience.min(next.saturating_duration_since(self.clock.instant()));
        }
        let is_finishing = self.finish.is_cancelled();
        let closed = tokio::select! {
            reason = self.link.closed() => Some(reason),
            is_gone = self.lines.more(), if !is_finishing => {
                if is_gone {
                    self.finish.cancel();
                }
                None
            }
            () = self.finish.cancelled(), if !is_finishing => None,
            () = tokio::time::sleep(patience) => None,
        };
        if let Some(reason) = closed {
            self.closed(&reason).await;
        }
    }

    /// The connection has ended. That is a failure if something may be lost.
    async fn closed(&mut self, reason: &str) {
        if self.handed.next().is_some() {
            self.failed(reason, None).await;
        }
    }

    /// Goes back to what counts as taken, and leaves the target alone for a while.
    async fn failed(&mut self, reason: &str, after: Option<Duration>) {
        if self.handed.lost() {
            self.pending.clear();
            self.lines.seek(self.taken + 1);
        }
        self.meter.failed(&self.name);
        if !self.backoff.is_failing() {
            tracing::warn!(
                to = self.name,
                reason,
                "audit lines could not be forwarded; it is tried again"
            );
        }
        self.store().await;
        let pause = self.backoff.failed(after, by_chance());
        if self.finish.is_cancelled() {
            self.given_up = true;
            return;
        }
        let _ = tokio::time::timeout(pause, self.finish.cancelled()).await;
    }

    fn skip(&self, why: Skipped, lines: u64, seq: u64, reason: &str) {
        self.meter.skipped(&self.name, why, lines);
        let why = why.word();
        tracing::error!(
            to = self.name,
            why,
            lines,
            seq,
            reason,
            "audit lines are not forwarded"
        );
    }
}

/// Any number. Without the system's randomness: the largest.
fn by_chance() -> u8 {
    let mut byte = [u8::MAX];
    match aws_lc_rs::rand::fill(&mut byte) {
        Ok(()) => u8::from_ne_bytes(byte),
        Err(_) => u8::MAX,
    }
}
