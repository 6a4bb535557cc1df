//! Writes under way. Each is carried to its end, also when its caller has gone.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::notes::Notes;
use crate::operation::Operation;

/// The tasks of writes, and room for a bounded number of them.
///
/// The bound is needed because a write outlives its caller: a peer that begins
/// writes and resets them is held by no limit of its connection.
pub(super) struct Writes {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    limit: usize,
}

impl Writes {
    pub(super) fn new(limit: usize, tasks: TaskTracker) -> Self {
        Self {
            tasks,
            room: Arc::new(Semaphore::new(limit)),
            limit,
        }
    }

    /// Room for one write.
    pub(super) fn room(&self) -> Result<OwnedSemaphorePermit, Failure> {
        Arc::clone(&self.room)
            .try_acquire_owned()
            .map_err(|_| Failure::TooManyWrites { limit: self.limit })
    }

    /// Carries a write to its end and gives back how it ended. What is `held` is let
    /// go then.
    pub(super) async fn carry<O: Send + 'static>(
        &self,
        operation: Operation,
        notes: Notes,
        write: impl Future<Output = Result<O, Failure>> + Send + 'static,
        held: impl Send + 'static,
    ) -> Result<O, Failure> {
        let (answer, answered) = oneshot::channel();
        self.tasks.spawn(async move {
            let settled = write.await;
            drop(held);
            if let Err(unclaimed) = answer.send(settled) {
                log_unclaimed(operation, &notes, unclaimed.err());
            }
        });
        answered.await.unwrap_or_else(|_| {
            Err(Failure::Internal {
                cause: format!("the task of {operation} ended early"),
            })
        })
    }
}

/// The caller saw no answer; somebody may ask what became of the change.
fn log_unclaimed(operation: Operation, notes: &Notes, failure: Option<Failure>) {
    let request_id = notes.request_id().map(|id| id.as_str());
    let aws_request_id = notes.aws_request_id();
    let outcome = failure.map_or_else(|| "made".to_owned(), |failure| failure.to_string());
    tracing::warn!(
        %operation,
        request_id,
        aws_request_id,
        outcome,
        "{operation} ended after its caller had gone: {outcome}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_goes_on_without_its_caller_and_keeps_its_room_until_it_ends() {
        let tasks = TaskTracker::new();
        let writes = Writes::new(1, tasks.clone());
        let (end, ended) = oneshot::channel::<()>();
        let write = async move { ended.await.map_err(|_| Failure::Overloaded) };
        let room = writes.room().unwrap();

        let operation = Operation::CreateIdentityPool;
        let mut carried = Box::pin(writes.carry(operation, Notes::default(), write, room));
        assert!(futures_util::poll!(carried.as_mut()).is_pending());
        drop(carried);

        assert_eq!(tasks.len(), 1);
        assert_eq!(
            writes.room().err(),
            Some(Failure::TooManyWrites { limit: 1 })
        );
        end.send(()).unwrap();
        tasks.close();
        tasks.wait().await;
        assert!(writes.room().is_ok());
    }
}
