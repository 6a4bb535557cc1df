//! What an operator sets about the upstream.

use std::time::Duration;

use super::targets::TargetSettings;

/// Which service stands behind poolgate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// The emulator inside this process.
    #[default]
    Emulator,
    /// Amazon Cognito Identity, or whatever answers at `endpoint_url`.
    Aws,
}

/// When calls are shed to spare an upstream that is slow or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Spare {
    /// In front of AWS: what the emulator does wrong is wanted.
    #[default]
    Aws,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What an operator sets about the upstream. Sources of the defaults: reference
/// "Defaults for every limit", upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which service stands behind poolgate.
    pub kind: Kind,
    /// The region of operations that name no pool and no identity.
    pub region: String,
    /// The regions that calls may go to. A call for a pool or identity of any
    /// other region is refused.
    pub regions: Vec<String>,
    /// The number of the AWS account that is called, where it is known.
    pub account_id: Option<String>,
    /// The accounts that calls go to, where they are several or a role is wanted.
    pub targets: Vec<TargetSettings>,
    /// Where to send requests, in place of AWS's endpoint of the region.
    pub endpoint_url: Option<String>,
    /// Whether to use AWS's FIPS endpoints.
    pub fips: bool,
    /// Whether to use AWS's dual-stack (IPv6) endpoints.
    pub dual_stack: bool,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// How long one attempt of a reading operation may take.
    pub read_attempt_timeout: Duration,
    /// How long one attempt of a writing operation may take.
    pub write_attempt_timeout: Duration,
    /// How long one attempt of an operation that issues an identity, a token or
    /// credentials may take.
    pub issue_attempt_timeout: Duration,
    /// How long one operation may take with all its attempts.
    pub operation_timeout: Duration,
    /// How many writes may be under way.
    pub max_writes: usize,
    /// When calls are shed to spare an upstream that is slow or fails.
    pub spare: Spare,
    /// How many calls may be under way in a region; fewer while AWS is slow.
    pub max_in_flight: usize,
    /// How often it is seen whether AWS answers; never, where nothing is set.
    pub probe_interval: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kind: Kind::default(),
            region: "us-east-1".to_owned(),
            regions: KNOWN_REGIONS.iter().map(|&name| name.to_owned()).collect(),
            account_id: None,
            targets: Vec::new(),
            endpoint_url: None,
            fips: false,
            dual_stack: false,
            connect_timeout: Duration::from_secs(1),
            read_attempt_timeout: Duration::from_secs(2),
            write_attempt_timeout: Duration::from_secs(5),
            issue_attempt_timeout: Duration::from_secs(3),
            operation_timeout: Duration::from_secs(10),
            max_writes: 256,
            spare: Spare::default(),
            max_in_flight: 256,
            probe_interval: None,
        }
    }
}

/// AWS's regions, as far as this version knows them.
pub const KNOWN_REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];
