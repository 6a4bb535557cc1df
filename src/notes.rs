//! What inner rooms tell the outer ones about a call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The response header with AWS's own identifier of the request.
pub const AWS_REQUEST_ID: &str = "x-amzn-requestid";

/// A slip that travels with a call: inner rooms write, outer ones read. Clones
/// share what is written.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Slip>);

#[derive(Debug, Default)]
struct Slip {
    aws_request_id: OnceLock<String>,
    write_started: AtomicBool,
}

impl Notes {
    /// Notes AWS's own identifier of the request. The first one stays.
    pub fn set_aws_request_id(&self, id: &str) {
        self.0.aws_request_id.get_or_init(|| id.to_owned());
    }

    /// AWS's own identifier of the request.
    pub fn aws_request_id(&self) -> Option<&str> {
        self.0.aws_request_id.get().map(String::as_str)
    }

    /// Notes that a write may have reached AWS: from here on, giving up leaves
    /// its outcome unknown.
    pub fn set_write_started(&self) {
        self.0.write_started.store(true, Ordering::SeqCst);
    }

    /// Whether a write may have reached AWS.
    pub fn write_started(&self) -> bool {
        self.0.write_started.load(Ordering::SeqCst)
    }
}
