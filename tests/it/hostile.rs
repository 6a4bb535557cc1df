//! Peers that mean harm, against the real binary, with a good caller beside them whose calls
//! have to go on (reference: security, 2.1). Each test is a row or a few of them; what else
//! rows ask for is tested where it is decided:
//!
//! | row | here | and elsewhere |
//! |---|---|---|
//! | T-C1, T-C2, T-C3, T-C5, T-C6 | `frames` | `server/listen/tests.rs` |
//! | T-C4 | `frames` | `server/listen/frames.rs` |
//! | T-C7, T-C12 | `connections`, `memory` | `server/listen/tests.rs`, `server/descriptors.rs` |
//! | T-C8 | `slow` | `tls::hygiene`, `deadlines`, `order`, `server/listen/tests.rs` |
//! | T-C9 | `slow` | `server/listen/owed.rs`, `server/listen/tests.rs` |
//! | T-C10 | `slow`, `memory` | `bad_input` |
//! | T-C11 | `connections` | `server/listen/tests.rs`, `server/drain/tests.rs` |
//! | T-C13 | `connections` | `bad_input`, `tls::hygiene` |
//! | T-C14 | `conformance` | |
//! | T-G1 | | `paths` |
//! | T-G2 | | `bad_input` |
//! | T-G3 | | `callers`, `authn::headers`, `bad_input` |
//! | T-G4 | | `strangers`, `permissions`, `policy/tests/matrix.rs` |
//! | T-G5 | | `upstream` |
//! | T-G6 | | `policy/tests/guardrails.rs` |
//! | T-G7 | | `callers`, `floods` |
//! | T-G8 | | `secrets`, `status/text.rs` |
//! | T-G9 | | `any_bytes`, `fuzzed`, `bad_input`, `bounds` |
//! | T-G10 | | `order`, `audit::panics` |
//! | T-G11 | | `bad_input`, `deadlines`, `layers/deadline.rs` |

mod conformance;
mod connections;
mod frames;
mod memory;
mod slow;
