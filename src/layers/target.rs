//! Which of AWS's accounts a call goes to.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::slot::slot;
use super::{Gate, Request};
use crate::call::{Subject, Target};
use crate::failure::Failure;
use crate::notes::Notes;
use crate::upstream::Upstream;

/// Fills the slot [`Target`]: what the call names in its metadata, or what answers for its
/// region. The target is noted.
///
/// It is chosen once, so that what policies judge and what records say is where the call
/// goes.
pub struct Targets(Arc<Upstream>);

impl Targets {
    /// Chooses among the targets of `upstream`.
    pub fn new(upstream: Arc<Upstream>) -> Self {
        Self(upstream)
    }
}

impl Gate for Targets {
    const NAME: &'static str = "choose target";

    fn check(&self, mut request: Request) -> BoxFuture<'_, Result<Request, Failure>> {
        async move {
            let subject = slot::<Arc<Subject>>(request.extensions())?;
            let mut named = request.headers().get_all(Target::METADATA).iter();
            let (first, second) = (named.next(), named.next());
            if second.is_some() {
                let reason = format!("`{}` is there twice", Target::METADATA);
                return Err(Failure::field(Target::METADATA, reason));
            }
            let named = first.map(|name| name.as_bytes());
            let target = self.0.choose(named, subject.region.as_deref())?;
            if let Some(notes) = request.extensions().get::<Notes>() {
                notes.set_target(&target);
            }
            is_of(subject, &target)?;
            request.extensions_mut().insert(target);
            Ok(request)
        }
        .boxed()
    }
}

/// Refuses the ARN of a pool in another account than the target's: policies would judge the
/// pool of that name in the one, and AWS be asked for the one in the other.
fn is_of(subject: &Subject, target: &Target) -> Result<(), Failure> {
    let (Some(_), Some(account)) = (&target.name, &target.account) else {
        return Ok(());
    };
    let arn = subject
        .parameters
        .get("ResourceArn")
        .and_then(Value::as_str);
    let named = arn
        .and_then(|arn| arn.split(':').nth(4))
        .unwrap_or_default();
    match named.is_empty() || *named == **account {
        true => Ok(()),
        false => Err(Failure::field(
            "resource_arn",
            "the account in the ARN is not the one that the call goes to",
        )),
    }
}
