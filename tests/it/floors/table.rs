//! The floors and who may name what, as data. The design's picture in the crate's
//! docs says why.

/// Floor 0, the words that everybody speaks. They may use each other.
pub(super) const WORDS: &[&str] = &[
    "call",
    "caller",
    "clock",
    "failure",
    "fetch",
    "header_file",
    "model",
    "notes",
    "operation",
    "pb",
    "pool_field",
    "remembered",
    "rpc",
    "secret",
    "sections",
    "settings_file",
    "trace",
];

/// Floor 1: each may use the words and never another engine.
pub(super) const ENGINES: &[&str] = &[
    "audit", "authn", "convert", "emulator", "policy", "quota", "status", "upstream",
];

/// Floors 2 and up: what each place may use beside the words. The longest place
/// that fits counts.
pub(super) const HIGHER: &[(&str, &[&str])] = &[
    // 2: tower only, no decisions. A layer sees the one engine it attaches.
    ("layers", &["status"]),
    ("layers/authenticate", &["status", "authn"]),
    ("layers/authorize", &["status", "policy"]),
    ("layers/flow", &["status", "quota"]),
    ("layers/inspect", &["status", "convert"]),
    ("layers/limit", &["status", "quota"]),
    ("layers/record", &["status", "audit"]),
    ("layers/target", &["status", "upstream"]),
    // 2: the translator knows no layer and no other engine.
    ("service", &["status", "convert", "upstream"]),
    // 3: these assemble. `config` reads into the settings types of all others; nobody
    // gets a `Config` handed down, so nobody below `cli` names it.
    (
        "telemetry",
        &[
            "layers", "service", "audit", "authn", "convert", "emulator", "policy", "quota",
            "status", "upstream",
        ],
    ),
    (
        "server",
        &[
            "layers",
            "service",
            "telemetry",
            "audit",
            "authn",
            "convert",
            "emulator",
            "policy",
            "quota",
            "status",
            "upstream",
        ],
    ),
    (
        "config",
        &[
            "server",
            "telemetry",
            "audit",
            "authn",
            "emulator",
            "policy",
            "quota",
            "upstream",
        ],
    ),
    // 4
    ("cli", &["config", "server", "telemetry"]),
    // Reads the journal's files; no server is there.
    ("cli/audit", &["audit"]),
    // `main` hands the environment, which `config` reads, to `cli`.
    ("main", &["cli", "config"]),
];

/// Which crates are named in which places only. A name that ends with `*` stands for
/// all that begin so.
pub(super) const CRATES: &[(&str, &[&str])] = &[
    // `pb` holds tonic's generated code and descriptors; of `cli`, only clients.
    (
        "tonic",
        &[
            "layers",
            "service",
            "status",
            "server",
            "pb",
            "telemetry/traces",
            "cli/call",
            "cli/client",
            "cli/healthcheck",
        ],
    ),
    (
        "tonic_*",
        &[
            "layers",
            "service",
            "status",
            "server",
            "pb",
            "cli/call",
            "cli/client",
            "cli/healthcheck",
        ],
    ),
    ("tower", &["layers", "service", "status", "server"]),
    ("tower_*", &["layers", "service", "status", "server"]),
    ("aws_config", AWS),
    ("aws_credential_types", SIGNING),
    ("aws_runtime", AWS),
    ("aws_sdk_*", AWS),
    ("aws_sigv4", SIGNING),
    ("aws_smithy_*", AWS),
    ("aws_types", AWS),
    // Listening is the server's; `upstream` asks hyper why a connection failed.
    ("hyper", &["server", "upstream/error"]),
    ("hyper_util", &["server", "upstream/error"]),
    ("axum", &["server/admin"]),
    ("procfs", &["telemetry"]),
    ("prometheus_client", &["telemetry"]),
    ("opentelemetry*", &["telemetry", "trace"]),
    ("tracing_opentelemetry", &["telemetry", "trace"]),
    ("cedar_policy*", &["policy"]),
    // Connections are the server's; what a certificate says is read where callers are
    // told apart, where a SAML provider says what it signs with, and where the server's own
    // says how long it is good.
    ("rustls", &["server"]),
    ("tokio_rustls", &["server"]),
    (
        "x509_parser",
        &[
            "authn",
            "emulator/issuers/saml_metadata",
            "server/tls/validity",
        ],
    ),
    ("redis", &["quota/redis"]),
    ("rustix", &["config/places", "server/listen/unix"]),
];

const AWS: &[&str] = &["convert", "service", "upstream", "emulator/connector"];

/// What verifies a signature makes one.
const SIGNING: &[&str] = &["upstream", "emulator/connector", "emulator/signature"];

pub(super) const CLOCK: &[&str] = &["clock"];
pub(super) const ENVIRONMENT: &[&str] = &["config"];
/// `call` is a client: tonic's codecs answer with statuses there.
pub(super) const STATUS: &[&str] = &["status", "cli/call"];
pub(super) const RPC_PATHS: &[&str] = &["operation"];

/// Functions of `Status` that only look at one.
pub(super) const READS_STATUS: &[&str] = &["code", "details", "message", "metadata", "source"];

pub(super) const MOST_LINES: usize = 300;
