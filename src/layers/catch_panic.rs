//! A panic is one failed call, not a dead server.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{Answer, Next, Refused, Request, Wrap};
use crate::failure::Failure;

/// Answers INTERNAL where the inner layers panic, and counts it.
pub struct CatchPanic {
    count: Box<dyn Fn() + Send + Sync>,
}

impl CatchPanic {
    /// Catches panics and calls `count` for each.
    pub fn new(count: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            count: Box::new(count),
        }
    }
}

impl Wrap for CatchPanic {
    fn around(self: Arc<Self>, request: Request, next: Next) -> Answer {
        let refused = Refused::of(&request);
        // Nothing of an unwound call is looked at again.
        let answer = AssertUnwindSafe(async move { next(request).await }).catch_unwind();
        async move {
            answer.await.unwrap_or_else(|_| {
                (self.count)();
                // The panic hook has written the message; it is not repeated, as it
                // could hold what a caller sent.
                refused.answer(&Failure::Internal {
                    cause: "a panic".to_owned(),
                })
            })
        }
        .boxed()
    }
}
