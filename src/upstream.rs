//! Calls to Amazon Cognito Identity through the AWS SDK.

mod settings;

pub use settings::{KNOWN_REGIONS, Kind, Settings};
