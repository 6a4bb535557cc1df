//! What ends when no call is under way any more: the emulator's port, and last of all the
//! journal, because everything else may still have something to record.
//!
//! All of it has what the drain did not need of its time, and a little of its own. A further
//! signal leaves it the little.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::aws_port::AwsPort;
use super::drain::FAREWELL;
use super::journal::Kept;
use super::signals::Signals;
use crate::audit::Unavailable;
use crate::clock::Clock;

/// How long the journal and its targets have from a further signal on.
const HURRIED: Duration = Duration::from_millis(500);

/// Ends both. `grace_left` is what the drain did not need.
///
/// # Errors
///
/// Why something may not be recorded.
pub(super) async fn end(
    port: Option<AwsPort>,
    journal: Option<Kept>,
    grace_left: Duration,
    signals: &mut Signals,
) -> Result<(), String> {
    let clock = Clock::of_runtime();
    let mut until = clock.instant() + grace_left;
    if let Some(port) = port {
        let is_hurried = tokio::select! {
            biased;
            _ = port.end(FAREWELL.min(grace_left)) => false,
            _ = signals.next() => true,
        };
        if is_hurried {
            port.end(Duration::ZERO).await;
            until = clock.instant();
        }
    }
    let Some(journal) = journal else {
        return Ok(());
    };
    let (closed, is_hurried) = close(&journal, signals).await;
    let Some(closed) = closed else {
        // Nobody waits for the disk any more, which it would do where it is dropped.
        tokio::task::spawn_blocking(move || drop(journal));
        return Err("a signal came before its end".to_owned());
    };
    if is_hurried {
        until = clock.instant();
    }
    let left = until.saturating_duration_since(clock.instant());
    let hurry = async {
        signals.next().await;
        tokio::time::sleep(HURRIED).await;
    };
    tokio::select! {
        biased;
        () = journal.finish(left) => {}
        () = hurry => tracing::warn!("drain: further signal, audit lines go at the next start"),
    }
    closed.map_err(|reason| reason.to_string())
}

/// How closing the journal went, unless a signal came and it did not hurry; and whether one
/// came.
async fn close(journal: &Kept, signals: &mut Signals) -> (Option<Result<(), Unavailable>>, bool) {
    let mut closing = pin!(journal.close());
    tokio::select! {
        biased;
        closed = &mut closing => (Some(closed), false),
        signal = signals.next() => {
            tracing::warn!(?signal, "drain: further signal, the journal has to hurry");
            (timeout(HURRIED, closing).await.ok(), true)
        }
    }
}
