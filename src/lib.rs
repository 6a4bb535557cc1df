//! poolgate is a gRPC facade in front of Amazon Cognito Identity (identity pools).
//!
//! Internal services call the 23 operations with stubs of their own language, or
//! ad hoc with grpcurl; poolgate makes the call through the AWS SDK. With nothing
//! set up it runs on an emulator of Cognito Identity inside the process, *under*
//! the real SDK.
//!
//! This page is the map of the house as it is built.
//!
//! # Words
//!
//! A **caller** calls us. **Upstream** is Cognito, real or emulated. An
//! **operation** is one of the 23; its **effect** is Read, Write or Issue. Identity,
//! principal, provider and pool are Cognito's words and never name a thing of ours.
//!
//! # The path of one request
//!
//! ```text
//! server/listen    our accept loop: connection limits, preface deadline, slow readers, GOAWAY, drain
//!   server/tls       handshake with the newest set of files; peers are verified again
//! server/stack     outer ring, around every service:
//!   observe          counts and logs every call, whatever becomes of it
//!   context          request id in and out; 400, 405 and 415 for what is not gRPC
//!   catch_panic      a panic is one failed call
//!   known service    what nobody serves                             UNIMPLEMENTED
//!     health (with a deadline and bounds on its watches) leaves here, and reflection (with
//!     bounds on its streams, and with brake, authenticate and authorize)
//!   inner ring, around our service alone:
//!   record           opens an entry, closes it before the answer leaves (audit) AUDIT_UNAVAILABLE
//!   catch_panic      what panics has a record, too
//!   route            byte-exact path -> Operation                   UNIMPLEMENTED
//!   deadline         grpc-timeout within bounds                     DEADLINE_EXCEEDED
//!   brake            addresses that failed too often (quota)        RESOURCE_EXHAUSTED
//!                    connections that go on are closed
//!   authenticate     certificate, process, token -> Caller (authn)  UNAUTHENTICATED
//!   limit            how often may this caller?     (quota)         RESOURCE_EXHAUSTED
//!   inspect          exactly one message -> Subject, by AWS's model INVALID_ARGUMENT
//!   weights          what the message weighs more   (quota)         RESOURCE_EXHAUSTED
//!   targets          which of AWS's accounts is called (upstream)   INVALID_ARGUMENT
//!   flow             whose turn upstream this is    (quota)
//!   authorize        may this caller do this?       (policy)        PERMISSION_DENIED
//!   intend           the intent of a change is durable before AWS is asked (audit)
//! service          message -> SDK input                     (convert)
//! upstream         a way to each target; one client per region; what may be repeated is, what must not is not
//!                  spares an AWS that is slow or fails   UPSTREAM_OVERLOADED, CIRCUIT_OPEN
//!                  waits for the call's turn at the account's quotas; `server` hands it the
//!                  guard that says so (quota)            ACCOUNT_QUOTA_EXCEEDED
//!                  changes of one pool go one after the other; writes are carried to their end
//!                  where the target has a role: a session for the caller TARGET_ROLE_REFUSED
//!   SDK            -> Amazon Cognito Identity, or the emulator's connector in process
//! service          SDK output -> message, failure -> status (convert, status)
//! ```
//!
//! A **gate** lets a request pass or answers it: one trait with one `check`
//! ([`layers::Gate`]). A **wrap** sees both ways ([`layers::Wrap`]). A refusal is an
//! answer, never an error of the service.
//!
//! # Floors
//!
//! A room may use rooms on lower floors; rooms on one floor do not use each other,
//! except where it is written here. A test reads the sources and fails on any other
//! use.
//!
//! | floor | rooms |
//! |---|---|
//! | 4 | `main` -> [`cli`] -> [`config`], [`server`] |
//! | 3 | [`server`], [`config`], [`telemetry`]: assemble, may see everything below |
//! | 2 | [`layers`]: tower and nothing else, one engine each; [`service`]: convert and upstream |
//! | 1 | [`audit`], [`authn`], [`convert`], [`policy`], [`quota`], [`upstream`], [`emulator`], [`status`]: engines, never each other |
//! | 0 | [`operation`], [`rpc`], [`call`], [`caller`], [`notes`], [`failure`], [`fetch`], [`model`], [`pool_field`], [`remembered`], [`pb`], [`clock`], [`trace`], [`header_file`], [`settings_file`], `sections`: words |
//!
//! # What is deliberately absent
//!
//! * Clocks outside [`clock`], environment outside [`config`], `Status` outside
//!   [`status`], paths of RPCs outside [`operation`], metric names outside
//!   [`telemetry`].
//! * Global state. Constants that are computed once are not state.
//! * `{:?}` of SDK types and of messages with secrets: the SDK's `Debug` prints login
//!   tokens and session tokens in clear. Messages of ours that carry secrets have a
//!   `Debug` without fields ([`pb`]).
//!
//! # Where to go
//!
//! * A limit, an address, a default: the table of keys in [`config`].
//! * Who may do what, and what policies can speak of: [`policy`], and docs/policies.md.
//! * How often who may do what, and what is told of it: [`quota`], and docs/quotas.md.
//! * Who is next when AWS's quotas are used up: [`quota::account`].
//! * What is recorded of a call, what of it is shown, and when it is durable: [`audit`], and
//!   docs/audit.md.
//! * How the journal gets to syslog and collectors: `audit/forward.rs` decides,
//!   `server/forwarding.rs` sends.
//! * How AWS's error becomes a gRPC status: [`status`].
//! * What clients may try again by themselves: clients/service-config.json, made from
//!   [`operation`] by `tests/it/service_config.rs`.
//! * Why a request is or is not sent again: [`upstream`].
//! * Several AWS accounts, and who AWS is told calls: `upstream/ways.rs` and
//!   `upstream/sessions.rs`, and docs/targets.md.
//! * A file that is read again when it changes: `server/reload.rs`.
//! * A bound or pattern of a field: [`model`].
//! * What a certificate or a token has to be like, and the callers file: [`authn`].
//! * How the real service behaves, and where the emulator had to guess: [`emulator`].
//! * Operation 24: the proto, two conversions in [`convert`], its input in [`model`],
//!   one row in [`operation`], three lines in [`service`]. Forgetting one does not
//!   compile or fails a test.

pub mod audit;
pub mod authn;
pub mod call;
pub mod caller;
pub mod cli;
pub mod clock;
pub mod config;
pub mod convert;
pub mod emulator;
pub mod failure;
pub mod fetch;
pub mod header_file;
pub mod layers;
pub mod model;
pub mod notes;
pub mod operation;
pub mod pb;
pub mod policy;
pub mod pool_field;
pub mod quota;
pub mod remembered;
pub mod rpc;
mod sections;
pub mod server;
pub mod service;
pub mod settings_file;
pub mod status;
pub mod telemetry;
pub mod trace;
pub mod upstream;
