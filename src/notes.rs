//! What inner rooms tell the outer ones about a call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::call::RequestId;
use crate::caller::Caller;

/// The response header with AWS's own identifier of the request.
pub const AWS_REQUEST_ID: &str = "x-amzn-requestid";

/// A slip that travels with a call: inner rooms write, outer ones read. Clones
/// share what is written.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Slip>);

#[derive(Debug, Default)]
struct Slip {
    request_id: OnceLock<RequestId>,
    caller: OnceLock<Caller>,
    aws_request_id: OnceLock<String>,
    in_doubt: AtomicBool,
}

impl Notes {
    /// Notes the call's name. The first one stays.
    pub fn set_request_id(&self, id: &RequestId) {
        self.0.request_id.get_or_init(|| id.clone());
    }

    /// The call's name.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.get()
    }

    /// Notes who calls. The first one stays.
    pub fn set_caller(&self, caller: &Caller) {
        self.0.caller.get_or_init(|| caller.clone());
    }

    /// Who calls.
    pub fn caller(&self) -> Option<&Caller> {
        self.0.caller.get()
    }

    /// Notes AWS's own identifier of the request. The first one stays.
    pub fn set_aws_request_id(&self, id: &str) {
        self.0.aws_request_id.get_or_init(|| id.to_owned());
    }

    /// AWS's own identifier of the request.
    pub fn aws_request_id(&self) -> Option<&str> {
        self.0.aws_request_id.get().map(String::as_str)
    }

    /// Notes whether something may have been changed at AWS that nobody knows of:
    /// giving up now leaves the outcome unknown.
    pub fn set_in_doubt(&self, in_doubt: bool) {
        self.0.in_doubt.store(in_doubt, Ordering::SeqCst);
    }

    /// Whether giving up now leaves the outcome unknown.
    pub fn in_doubt(&self) -> bool {
        self.0.in_doubt.load(Ordering::SeqCst)
    }
}
