//! The table of keys.

use std::fmt::Write;
use std::marker::PhantomData;
use std::time::Duration;

use super::accepts::{
    AccountId, Address, AddressOrOff, Directory, FilePath, FilePaths, Flag, Guardrails, IssuerUrls,
    LogLevel, Maybe, Name, OneOf, Paths, QuotaOverrides, Ratio, Region, Regions, RoleArns,
    SamlFiles, SecretFile, SecretKeysFile, SocketPath, Span, Tag, TargetTables, Targets, Url,
    Whole, Window,
};
use super::key::{AnyKey, Key};
use crate::audit::{Sync, Unrecorded};
use crate::emulator::{Isolation, LoginTokens, Pace};
use crate::quota::{InForce, OnStoreFailure, Store};
use crate::server::tls::ClientCertificates;
use crate::server::{Plaintext, Unauthenticated};
use crate::telemetry::log::Format;
use crate::upstream::{Kind, Spare};

macro_rules! keys {
    ($($constant:ident: $type:ty = $path:literal, $default:expr, $accepts:expr, $meaning:literal;)+) => {
        $(pub(super) static $constant: Key<$type> = Key {
            path: $path,
            default: $default,
            accepts: $accepts,
            meaning: $meaning,
        };)+

        /// Every key, in the order of the reference.
        pub(super) static ALL: &[&dyn AnyKey] = &[$(&$constant),+];
    };
}

const fn span(least_millis: u64, most_seconds: u64) -> Span {
    Span {
        least: Duration::from_millis(least_millis),
        most: Duration::from_secs(most_seconds),
    }
}

const fn whole<T>(least: u64, most: u64) -> Whole<T> {
    Whole {
        least,
        most,
        number: PhantomData,
    }
}

keys! {
    SERVER_LISTEN: Address = "server.listen", Some("127.0.0.1:50051"), Address,
        "Where gRPC is served. Port 0 takes any free port.";
    SERVER_UNIX_SOCKET: SocketPath = "server.unix_socket", None, SocketPath,
        "The Unix socket on which gRPC is served as well, in plain text, to processes of this machine; they prove who they are by their user and group (`[[processes]]` of the callers file). A socket that nobody listens on is replaced. Unset: none.";
    SERVER_UNIX_SOCKET_MODE: OneOf<u32> = "server.unix_socket_mode", Some("0660"),
        OneOf(&[("0600", 0o600), ("0660", 0o660), ("0666", 0o666)]),
        "Who may connect to the Unix socket: poolgate's user, its group as well, or everybody. Whoever may not search its directory may not.";
    SERVER_UNAUTHENTICATED: OneOf<Unauthenticated> = "server.unauthenticated", Some("loopback"),
        OneOf(&[("loopback", Unauthenticated::Loopback), ("everywhere", Unauthenticated::Everywhere)]),
        "Where callers are let in without authentication. `loopback` refuses to start on a listener that other machines can reach.";
    SERVER_PLAINTEXT: OneOf<Plaintext> = "server.plaintext", Some("loopback"),
        OneOf(&[("loopback", Plaintext::Loopback), ("everywhere", Plaintext::Everywhere)]),
        "Where plain text is spoken when TLS is not set up. `loopback` refuses to start on a listener that other machines can reach.";
    SERVER_MAX_CONNECTIONS: Whole<usize> = "server.max_connections", Some("2000"), whole(1, 100_000),
        "How many connections may be open; further ones are closed at once. 256 of the file descriptors that the process may open are kept from them.";
    SERVER_MAX_CONNECTIONS_PER_ADDRESS: Whole<usize> = "server.max_connections_per_address", Some("200"), whole(1, 100_000),
        "How many connections one address (of IPv6, a /64) may have open; further ones are closed at once. Behind a proxy, as many as `server.max_connections`.";
    SERVER_MAX_HANDSHAKES: Whole<usize> = "server.max_handshakes", Some("256"), whole(1, 100_000),
        "How many connections may have their TLS handshake or their HTTP/2 preface under way; for one more, the oldest of the address (of IPv6, the /64) that has most of them is closed.";
    SERVER_MAX_CONNECTION_AGE: Span = "server.max_connection_age", Some("30m"), span(1_000, 604_800),
        "How old a connection becomes, a tenth more or less, before its peer is told to go away: clients connect again, and balance and certificates get changed.";
    SERVER_MAX_CONNECTION_IDLE: Span = "server.max_connection_idle", Some("5m"), span(1_000, 604_800),
        "How long a connection may have no call under way before its peer is told to go away.";
    SERVER_MAX_CONNECTION_GRACE: Span = "server.max_connection_grace", Some("30s"), span(0, 3_600),
        "How long calls under way may take to end then, before the connection is cut.";
    SERVER_MAX_CONNECTION_STALL: Span = "server.max_connection_stall", Some("10s"), span(1_000, 3_600),
        "How long a peer may take nothing of an answer that it is owed (it gives no window, does not read, or does not acknowledge our settings) before its connection is closed. What it takes gives it more time: a second for each 240 bytes, and never more than this in all.";
    SERVER_MAX_CONCURRENT_STREAMS: Whole<u32> = "server.max_concurrent_streams", Some("100"), whole(1, 10_000),
        "How many calls one connection may have under way.";
    SERVER_MAX_MESSAGE_BYTES: Whole<usize> = "server.max_message_bytes", Some("1048576"), whole(1024, 4_194_304),
        "The largest message, in bytes.";
    SERVER_DEFAULT_DEADLINE: Span = "server.default_deadline", Some("10s"), span(100, 600),
        "How long a call may take whose caller sets no deadline.";
    SERVER_MAX_DEADLINE: Span = "server.max_deadline", Some("60s"), span(100, 600),
        "How long a call may take at most, whatever its caller asks for.";
    SERVER_DRAIN_NOTICE: Span = "server.drain_notice", Some("5s"), span(0, 300),
        "How long calls are still taken after SIGTERM, while load balancers learn from the health check to send none. SIGINT skips it.";
    SERVER_DRAIN_GRACE: Span = "server.drain_grace", Some("25s"), span(0, 600),
        "How long calls under way may take to end after the notice, before they are cut.";
    SERVER_REFLECTION: Flag = "server.reflection", Some("true"), Flag,
        "Whether gRPC reflection is served.";
    TLS_CERTIFICATE_FILE: FilePath = "tls.certificate_file", None, FilePath,
        "The server's certificate, followed by its intermediates, in PEM. Like all files of this section it is read again when it changes. Unset: plain text.";
    TLS_KEY_FILE: SecretFile = "tls.key_file", None, SecretFile,
        "The key of the certificate, in PEM, not encrypted.";
    TLS_CLIENT_CA_FILE: FilePath = "tls.client_ca_file", None, FilePath,
        "The authorities that client certificates come from, in PEM. Unset: none is asked for.";
    TLS_CLIENT_CERTIFICATES: OneOf<ClientCertificates> = "tls.client_certificates", Some("required"),
        OneOf(&[("required", ClientCertificates::Required), ("optional", ClientCertificates::Optional)]),
        "Whether a client has to show a certificate. One that it shows is verified in any case.";
    TLS_CRL_FILES: FilePaths = "tls.crl_files", None, FilePaths,
        "Lists of revoked certificates, in PEM, one for each authority of a chain: a certificate whose authority has no list, or an expired one, is refused. Unset: nothing is revoked.";
    ADMIN_LISTEN: AddressOrOff = "admin.listen", Some("127.0.0.1:9464"), AddressOrOff,
        "Where `/livez`, `/readyz` and `/metrics` are served, and the emulator's routes below `/emulator`. `off` closes it.";
    AUTHN_CALLERS_FILE: FilePath = "authn.callers_file", None, FilePath,
        "The file with everything about who calls: what names callers in their certificates, the issuers of their tokens, static tokens, their roles and attributes. In TOML.";
    POLICY_FILES: Paths = "policy.files", None, Paths,
        "The policies that say who may do what, in Cedar: see docs/policies.md. Unset: nobody is asked.";
    POLICY_SHADOW_FILES: Paths = "policy.shadow_files", None, Paths,
        "Policies that are tried beside those in force, told about and not enforced.";
    POLICY_SAMPLES_FILE: FilePath = "policy.samples_file", None, FilePath,
        "The calls, in TOML, whose outcome has to be as written before policies take effect.";
    POLICY_GUARDRAILS_OFF: Guardrails = "policy.guardrails_off", None, Guardrails,
        "The guardrails that are switched off. Unset: all are in force, whenever policies are.";
    POLICY_PRODUCTION_TAG: Tag = "policy.production_tag", Some("environment=production"), Tag,
        "The tag of pools in production, for guardrails. Key and value are compared as they are, upper and lower case apart.";
    POLICY_ALLOWED_ROLE_ARNS: RoleArns = "policy.allowed_role_arns", None, RoleArns,
        "The roles that pools may be given and that credentials may be asked for, for guardrails. Unset: none; `[\"*\"]`: any.";
    POLICY_MAX_TOKEN_DURATION: Span = "policy.max_token_duration", Some("1h"), span(1000, 86_400),
        "How long a token for a developer identity may hold, for guardrails. AWS's default is 15 minutes.";
    POLICY_ADMIN_ROLE: Name = "policy.admin_role", Some("admin"), Name,
        "The role that may delete and may take the production tag off, for guardrails.";
    QUOTA_LIMITS_FILE: FilePath = "quota.limits_file", None, FilePath,
        "The file that says how often callers may do what, in TOML: see docs/quotas.md. It is read again when it changes. Unset: the limits that poolgate brings along.";
    QUOTA_IN_FORCE: OneOf<InForce> = "quota.in_force", Some("aws"),
        OneOf(&[("aws", InForce::Aws), ("always", InForce::Always), ("never", InForce::Never)]),
        "When callers are limited, and the account's quotas guarded. `aws`: in front of AWS, and wherever `quota.limits_file` is set (the quotas: where it says something about the account).";
    QUOTA_FAILED_AUTHENTICATIONS: Window = "quota.failed_authentications", Some("50/s burst 100"), Window,
        "How many calls of an address (of IPv6, of a /64) may carry credentials that do not hold, before others of it are refused without a look at theirs.";
    QUOTA_STORE: OneOf<Store> = "quota.store", Some("memory"),
        OneOf(&[("memory", Store::Memory), ("redis", Store::Redis)]),
        "Where callers are counted: in this process for it alone, or in Redis for all replicas together: see docs/quotas.md.";
    QUOTA_REDIS_URL_FILE: SecretFile = "quota.redis_url_file", None, SecretFile,
        "The file with the URL of Redis: `redis://HOST:PORT`, or with TLS `rediss://USER:PASSWORD@HOST:PORT`. It is read for each connection. Wanted with `quota.store = \"redis\"`.";
    QUOTA_REDIS_KEY_FILE: SecretFile = "quota.redis_key_file", None, SecretFile,
        "The file with a secret of at least 32 bytes, the same for all replicas, so that Redis holds a keyed hash of a caller's name and never the name. Wanted with `quota.store = \"redis\"`.";
    QUOTA_REDIS_CLUSTER: Flag = "quota.redis_cluster", Some("false"), Flag,
        "Whether it is a Redis Cluster. Then the file may name several nodes, one on each line.";
    QUOTA_REDIS_CA_FILE: FilePath = "quota.redis_ca_file", None, FilePath,
        "The authorities that the certificate of Redis comes from, in PEM. Unset: the system's.";
    QUOTA_REDIS_TIMEOUT: Span = "quota.redis_timeout", Some("20ms"), span(1, 1),
        "How long a call waits for Redis before it is decided without.";
    QUOTA_ON_STORE_FAILURE: OneOf<OnStoreFailure> = "quota.on_store_failure", Some("local"),
        OneOf(&[("local", OnStoreFailure::Local), ("deny-issue", OnStoreFailure::DenyIssue), ("deny", OnStoreFailure::Deny)]),
        "What becomes of calls while Redis does not count. `local`: this replica decides alone, by its part of each limit. `deny-issue`: what issues identities, tokens or credentials is refused. `deny`: all that is limited is refused.";
    QUOTA_REPLICAS: Whole<u32> = "quota.replicas", Some("1"), whole(1, 1_000),
        "How many replicas of poolgate are expected to run, this one included. Each uses its part of the account's quotas.";
    AUDIT_FILE: FilePath = "audit.file", None, FilePath,
        "The file with one record for each call, in CloudTrail's shape: see docs/audit.md. Its directory has to be there. Unset: none.";
    AUDIT_STDOUT: Flag = "audit.stdout", Some("false"), Flag,
        "Whether records go to standard output: beside a file as a copy, without one as the journal itself.";
    AUDIT_UNRECORDED: OneOf<Unrecorded> = "audit.unrecorded", Some("emulator"),
        OneOf(&[("emulator", Unrecorded::Emulator), ("everywhere", Unrecorded::Everywhere)]),
        "Where calls are served that nobody records. `emulator` refuses to start in front of AWS without a journal.";
    AUDIT_SYNC: OneOf<Sync> = "audit.sync", Some("all"),
        OneOf(&[("all", Sync::All), ("changes", Sync::Changes)]),
        "Which records are on the disk before the answer leaves. `changes`: those of reads that succeed are handed to the operating system before, and are on the disk 100 ms later.";
    AUDIT_ROTATE_BYTES: Whole<u64> = "audit.rotate_bytes", Some("67108864"), whole(65_536, 1_099_511_627_776),
        "How large a file becomes before another one is begun, in bytes.";
    AUDIT_ROTATE_AFTER: Span = "audit.rotate_after", Some("1h"), span(60_000, 604_800),
        "How long a file is written before another one is begun. SIGHUP begins one at once.";
    AUDIT_MAC_KEY_FILE: SecretFile = "audit.mac_key_file", None, SecretFile,
        "The file with a key of at least 32 bytes by which names of users and values of tags are shown, as `hmac-sha256:…`: they can be looked for and not be read. Unset: they are hidden.";
    AUDIT_SIGNING_KEY_FILE: SecretFile = "audit.signing_key_file", None, SecretFile,
        "The RSA key, in PEM, that digests of the journal are signed with, in CloudTrail's own format. Wants `audit.file`. Unset: no digests.";
    AUDIT_INSTANCE: Name = "audit.instance", Some("poolgate"), Name,
        "The name of this instance in its records.";
    AUDIT_FORWARD: Targets = "audit.forward", None, Targets,
        "Where every line of the journal goes as well, at least once and in order: see docs/audit.md. Wants `audit.file`. Unset: nowhere.";
    AUDIT_FORWARD_HEADERS_FILE: SecretFile = "audit.forward_headers_file", None, SecretFile,
        "The file with headers for collectors, such as `authorization`, in lines of `name: value`. It is read again when a collector does not take lines.";
    AUDIT_FORWARD_CA_FILE: FilePath = "audit.forward_ca_file", None, FilePath,
        "The authorities that certificates of targets come from, in PEM. Unset: the system's.";
    AUDIT_FORWARD_IN_CLEAR: Flag = "audit.forward_in_clear", Some("false"), Flag,
        "Whether lines may go to other machines without encryption.";
    UPSTREAM_KIND: OneOf<Kind> = "upstream.kind", Some("emulator"),
        OneOf(&[("emulator", Kind::Emulator), ("aws", Kind::Aws)]),
        "The emulator inside the process, or Amazon Cognito Identity.";
    UPSTREAM_REGION: Region = "upstream.region", Some("us-east-1"), Region,
        "The region of operations that name no pool and no identity.";
    UPSTREAM_REGIONS: Regions = "upstream.regions", None, Regions,
        "The regions that calls may go to. Unset: every region this version knows.";
    UPSTREAM_ACCOUNT_ID: Maybe<AccountId> = "upstream.account_id", None, Maybe(AccountId),
        "The number of the AWS account that is called, for policies that ask for it. Unset: not known; the emulator's own with `upstream.kind = \"emulator\"`.";
    UPSTREAM_TARGETS: TargetTables = "upstream.targets", None, TargetTables,
        "The AWS accounts that calls go to, by region or by the metadata `x-poolgate-target`, each with a role where it wants one: see docs/targets.md. Wants `upstream.kind = \"aws\"`. Unset: one account, and poolgate's own credentials.";
    UPSTREAM_ENDPOINT_URL: Url = "upstream.endpoint_url", None, Url,
        "Where requests are sent, in place of AWS's endpoint of the region. Wants `upstream.kind = \"aws\"`.";
    UPSTREAM_FIPS: Flag = "upstream.fips", Some("false"), Flag,
        "Whether AWS's FIPS endpoints are used.";
    UPSTREAM_DUAL_STACK: Flag = "upstream.dual_stack", Some("false"), Flag,
        "Whether AWS's dual-stack (IPv6) endpoints are used.";
    UPSTREAM_CONNECT_TIMEOUT: Span = "upstream.connect_timeout", Some("1s"), span(10, 30),
        "How long connecting may take, TLS included.";
    UPSTREAM_READ_ATTEMPT_TIMEOUT: Span = "upstream.read_attempt_timeout", Some("2s"), span(50, 60),
        "How long one attempt of a reading operation may take.";
    UPSTREAM_WRITE_ATTEMPT_TIMEOUT: Span = "upstream.write_attempt_timeout", Some("5s"), span(50, 60),
        "How long one attempt of a writing operation may take.";
    UPSTREAM_ISSUE_ATTEMPT_TIMEOUT: Span = "upstream.issue_attempt_timeout", Some("3s"), span(50, 60),
        "How long one attempt may take of an operation that issues an identity, a token or credentials.";
    UPSTREAM_OPERATION_TIMEOUT: Span = "upstream.operation_timeout", Some("10s"), span(100, 300),
        "How long an operation may take with all its attempts.";
    UPSTREAM_MAX_WRITES: Whole<usize> = "upstream.max_writes", Some("256"), whole(1, 10_000),
        "How many writes may be under way; a write is carried to its end when its caller has gone.";
    UPSTREAM_SPARE: OneOf<Spare> = "upstream.spare", Some("aws"),
        OneOf(&[("aws", Spare::Aws), ("always", Spare::Always), ("never", Spare::Never)]),
        "When calls are shed to spare an upstream that is slow or fails: never more under way in a region than it bears, and circuit breakers. `aws`: in front of AWS.";
    UPSTREAM_MAX_IN_FLIGHT: Whole<usize> = "upstream.max_in_flight", Some("256"), whole(1, 10_000),
        "How many calls may be under way in a region, where calls are shed; while AWS is slow, down to 16.";
    UPSTREAM_PROBE_INTERVAL: Maybe<Span> = "upstream.probe_interval", None, Maybe(span(1_000, 3600)),
        "How often every target is asked for one pool (`ListIdentityPools`), to see whether it answers; poolgate is not ready while none does. Unset: never, because an outage of AWS is no reason to take a process out of service.";
    EMULATOR_LISTEN: AddressOrOff = "emulator.listen", None, AddressOrOff,
        "Where the emulator is served to AWS SDKs and the AWS CLI, over HTTP. Unset: nowhere, but `poolgate emulate` takes `127.0.0.1:4566`.";
    EMULATOR_ACCOUNT_ID: AccountId = "emulator.account_id", Some("123456789012"), AccountId,
        "The AWS account that the emulator plays.";
    EMULATOR_LOGIN_TOKENS: OneOf<LoginTokens> = "emulator.login_tokens", Some("lenient"),
        OneOf(&[("lenient", LoginTokens::Lenient), ("strict", LoginTokens::Strict)]),
        "What becomes of login tokens whose issuer's keys are not known: believed as they are, or refused.";
    EMULATOR_ISSUERS_FILE: FilePath = "emulator.issuers_file", None, FilePath,
        "The file with the login providers whose tokens are verified, in TOML or, when its name ends in `.json`, in JSON.";
    EMULATOR_TEST_ISSUERS: IssuerUrls = "emulator.test_issuers", None, IssuerUrls,
        "Login providers that live inside the emulator and sign what `POST /emulator/issuers/token` on the admin port asks for.";
    EMULATOR_SAML_METADATA: SamlFiles = "emulator.saml_metadata", None, SamlFiles,
        "The metadata of SAML providers, whose assertions are then checked, their signatures above all.";
    EMULATOR_DATA_DIR: Directory = "emulator.data_dir", None, Directory,
        "The directory that keeps the emulator's state and its signing key over a restart. Unset: memory.";
    EMULATOR_ISOLATION: OneOf<Isolation> = "emulator.isolation", Some("none"),
        OneOf(&[("none", Isolation::None), ("per-access-key", Isolation::PerAccessKey)]),
        "Whether signed requests see one store, or each access key its own (over gRPC, each `x-poolgate-tenant`). Requests that AWS wants unsigned find the store by the pool or identity they name.";
    EMULATOR_SEED: Whole<Option<u64>> = "emulator.seed", None, whole(0, i64::MAX as u64),
        "The number that identifiers, access keys and secrets follow from, so that two runs with the same calls get the same ones. For tests only. Unset: random.";
    EMULATOR_ENFORCE_QUOTAS: Flag = "emulator.enforce_quotas", Some("false"), Flag,
        "Whether AWS's quotas are enforced: requests per second by operation and region, pools in a region, user pools in a pool.";
    EMULATOR_QUOTAS: QuotaOverrides = "emulator.quotas", None, QuotaOverrides,
        "Other quotas than AWS's defaults. Wants `emulator.enforce_quotas = true`.";
    EMULATOR_FAULTS_FILE: FilePath = "emulator.faults_file", None, FilePath,
        "The file with the rules for what goes wrong on purpose, in TOML or, when its name ends in `.json`, in JSON. For tests only.";
    EMULATOR_CLOCK: OneOf<Pace> = "emulator.clock", Some("system"),
        OneOf(&[("system", Pace::System), ("manual", Pace::Manual)]),
        "Whether the emulator's clock goes with the system's, or stands until `POST /emulator/clock` on the admin port moves it. For tests only.";
    EMULATOR_SECRET_KEYS_FILE: SecretKeysFile = "emulator.secret_keys_file", None, SecretKeysFile,
        "The secrets that signatures over HTTP are verified with, in lines of `ACCESS_KEY:SECRET`. Unset: signatures have to be there and well-formed, no more.";
    TRACES_ENDPOINT: Url = "traces.endpoint", None, Url,
        "The OpenTelemetry collector that traces go to, over OTLP/gRPC, such as `http://127.0.0.1:4317`. Unset: nothing is traced.";
    TRACES_SAMPLE_RATIO: Ratio = "traces.sample_ratio", Some("1"), Ratio,
        "Which part of the calls is traced, of those whose callers have not decided it for their trace.";
    TRACES_SERVICE_NAME: Maybe<Name> = "traces.service_name", None, Maybe(Name),
        "The name of this service in traces. Unset: that of `OTEL_SERVICE_NAME`, or `poolgate`. `OTEL_RESOURCE_ATTRIBUTES` adds what else is to be said of it.";
    TRACES_HEADERS_FILE: SecretFile = "traces.headers_file", None, SecretFile,
        "The file with headers for the collector, such as `authorization`, in lines of `name: value`. It is read at the start.";
    TRACES_CA_FILE: FilePath = "traces.ca_file", None, FilePath,
        "The authorities that the collector's certificate comes from, in PEM. Unset: the system's.";
    LOG_FORMAT: OneOf<Format> = "log.format", Some("auto"),
        OneOf(&[("auto", Format::Auto), ("text", Format::Text), ("json", Format::Json)]),
        "How log lines look. `auto`: text on a terminal, JSON when not.";
    LOG_LEVEL: LogLevel = "log.level", Some("info"), LogLevel,
        "Which events are logged. Dependencies never log below `info`.";
}

/// The keys as a Markdown table.
pub fn reference() -> String {
    let mut table = String::from(
        "| Key | Environment | Default | Meaning | Accepted |\n|---|---|---|---|---|\n",
    );
    for key in ALL {
        let default = key
            .default()
            .map_or_else(|| "unset".to_owned(), |text| format!("`{text}`"));
        // Writing into a `String` cannot fail.
        let _ = writeln!(
            table,
            "| `{}` | `{}` | {default} | {} | {} |",
            key.path(),
            key.variable(),
            key.meaning(),
            key.accepted()
        );
    }
    table
}
