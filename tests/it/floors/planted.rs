//! One violation of each rule, for the test of the rules.

pub(super) struct Planted {
    pub(super) why: &'static str,
    pub(super) path: &'static str,
    pub(super) code: &'static str,
    pub(super) says: &'static str,
}

pub(super) const PLANTED: &[Planted] = &[
    Planted {
        why: "an engine uses another",
        path: "quota.rs",
        code: "use crate::audit::Sink;",
        says: "`quota` may not use `audit`",
    },
    Planted {
        why: "an engine's inner file does",
        path: "upstream/clients.rs",
        code: "type A = super::super::quota::A;",
        says: "`upstream` may not use `quota`",
    },
    Planted {
        why: "an engine uses the conversions",
        path: "emulator/pool.rs",
        code: "use crate::{clock::Clock, convert};",
        says: "`emulator` may not use `convert`",
    },
    Planted {
        why: "a word uses an engine",
        path: "failure.rs",
        code: "fn f() { crate::status::g() }",
        says: "`failure` may not use `status`",
    },
    Planted {
        why: "a layer uses another's engine",
        path: "layers/limit.rs",
        code: "use crate::convert;",
        says: "`layers` may not use `convert`",
    },
    Planted {
        why: "a layer uses the service",
        path: "layers/inspect.rs",
        code: "use crate::service;",
        says: "`layers` may not use `service`",
    },
    Planted {
        why: "the service uses a layer",
        path: "service/rpcs.rs",
        code: "use crate::layers::gate;",
        says: "`service` may not use `layers`",
    },
    Planted {
        why: "the server is handed a Config",
        path: "server/listen.rs",
        code: "use crate::config::Config;",
        says: "`server` may not use `config`",
    },
    Planted {
        why: "main skips a floor",
        path: "main.rs",
        code: "fn main() { poolgate::server::run() }",
        says: "`main` may not use `server`",
    },
    Planted {
        why: "a room without a row",
        path: "util.rs",
        code: "",
        says: "the room `util` stands on no floor",
    },
    Planted {
        why: "an engine names tonic",
        path: "policy.rs",
        code: "use tonic::Code;",
        says: "the crate `tonic` is named in",
    },
    Planted {
        why: "it does so with a leading `::`",
        path: "policy.rs",
        code: "fn f() -> ::tonic::Code {}",
        says: "the crate `tonic` is named in",
    },
    Planted {
        why: "a command that is no client names tonic",
        path: "cli/serve.rs",
        code: "use tonic_health::pb;",
        says: "the crate `tonic_health` is named in",
    },
    Planted {
        why: "the command line names tower",
        path: "cli/call.rs",
        code: "use tower::Service;",
        says: "the crate `tower` is named in",
    },
    Planted {
        why: "a layer names the SDK",
        path: "layers/record.rs",
        code: "use aws_sdk_cognitoidentity as sdk;",
        says: "the crate `aws_sdk_cognitoidentity` is named in",
    },
    Planted {
        why: "the emulator's heart names the SDK",
        path: "emulator/store.rs",
        code: "use aws_smithy_types::DateTime;",
        says: "the crate `aws_smithy_types` is named in",
    },
    Planted {
        why: "a layer names hyper",
        path: "layers/observe.rs",
        code: "fn f(error: hyper::Error) {}",
        says: "the crate `hyper` is named in",
    },
    Planted {
        why: "metrics outside telemetry",
        path: "quota.rs",
        code: "use prometheus_client::metrics::counter::Counter;",
        says: "the crate `prometheus_client` is named in",
    },
    Planted {
        why: "a clock is read",
        path: "audit.rs",
        code: "fn f() { std::time::SystemTime::now(); }",
        says: "the clock is read in clock.rs only",
    },
    Planted {
        why: "tokio's clock is read",
        path: "layers/deadline.rs",
        code: "fn f() { Instant::now(); }",
        says: "the clock is read in clock.rs only",
    },
    Planted {
        why: "the environment is read",
        path: "upstream.rs",
        code: "fn f() { std::env::var_os(\"A\"); }",
        says: "the environment is read in config.rs only",
    },
    Planted {
        why: "a status is built by a layer",
        path: "layers/gate.rs",
        code: "fn f() { tonic::Status::internal(\"\"); }",
        says: "a `Status` is built in status.rs only",
    },
    Planted {
        why: "the path of an RPC is written out",
        path: "service.rs",
        code: "const P: &str = \"/cognito.identity.v1.CognitoIdentityService/GetId\";",
        says: "paths of RPCs stand in operation.rs only",
    },
];
