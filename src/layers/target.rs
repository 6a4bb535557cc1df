//! Which of AWS's accounts a call goes to.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::slot::slot;
use super::{Gate, Request};
use crate::call::{Subject, Target, Unclear, Why};
use crate::failure::Failure;
use crate::notes::Notes;
use crate::upstream::Upstream;

/// How many names are noted of a call that names more than one target.
const NOTED: usize = 4;

/// Fills the slot [`Target`]: what the call names in its metadata, or what answers for its
/// region. The target is noted.
///
/// It is chosen once, so that what policies judge and what records say is where the call
/// goes. Where none is, and policies are asked further down, the slot [`Unclear`] is filled, and
/// what they make of it is the answer: before that nobody is told which targets there are.
pub struct Targets {
    upstream: Arc<Upstream>,
    are_judged: bool,
}

impl Targets {
    /// Chooses among the targets of `upstream`, for calls that policies judge or do not.
    pub fn new(upstream: Arc<Upstream>, are_judged: bool) -> Self {
        Self {
            upstream,
            are_judged,
        }
    }
}

impl Gate for Targets {
    const NAME: &'static str = "choose target";

    fn check(&self, mut request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let subject = slot::<Arc<Subject>>(request.extensions())?;
            let named = request.headers().get_all(Target::METADATA).iter();
            let all: Vec<&[u8]> = named.map(|name| name.as_bytes()).take(NOTED).collect();
            let named = all.first().copied();
            let notes = request.extensions().get::<Notes>();
            let note = || {
                if let (Some(notes), false) = (notes, all.is_empty()) {
                    notes.set_requested_target(&String::from_utf8_lossy(&all.join(&b',')));
                }
            };
            if all.len() > 1 {
                note();
                let reason = format!("`{}` is there twice", Target::METADATA);
                return Err(Failure::field(Target::METADATA, reason));
            }
            let chosen = self.upstream.choose(named, subject.region.as_deref());
            match chosen.and_then(|target| is_of(subject, target)) {
                Ok(target) => {
                    if let Some(notes) = notes {
                        notes.set_target(&target);
                    }
                    request.extensions_mut().insert(target);
                }
                Err(unclear) if self.are_judged && !unclear.about.is_empty() => {
                    note();
                    request.extensions_mut().insert(Arc::new(unclear));
                }
                Err(unclear) => {
                    note();
                    return Err(unclear.told());
                }
            }
            Ok(request)
        }
        .boxed()
    }
}

/// Refuses the ARN of a pool in another account than the target's: policies would judge the
/// pool of that name in the one, and AWS be asked for the one in the other.
fn is_of(subject: &Subject, target: Target) -> Result<Target, Unclear> {
    let (Some(_), Some(account)) = (&target.name, &target.account) else {
        return Ok(target);
    };
    let arn = subject
        .parameters
        .get("ResourceArn")
        .and_then(Value::as_str);
    let named = arn
        .and_then(|arn| arn.split(':').nth(4))
        .unwrap_or_default();
    match named.is_empty() || *named == **account {
        true => Ok(target),
        false => Err(Unclear {
            about: vec![target],
            why: Why::Account,
        }),
    }
}
