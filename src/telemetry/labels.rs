//! The values that labels have: a closed set, whatever callers send.

use crate::rpc::Rpc;

pub(super) type PairLabels = [(&'static str, &'static str); 2];
pub(super) type MethodLabels = [(&'static str, &'static str); 3];
pub(super) type OutcomeLabels = [(&'static str, &'static str); 4];

/// Why a connection was closed before its first call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many connections are open.
    Limit,
    /// Too many connections of its address are open.
    Address,
    /// No HTTP/2 preface came in time, or something else came.
    Preface,
    /// Its handshake was the oldest under way when there were too many.
    Handshakes,
    /// There was no TLS handshake in time, or one that we or the peer refused.
    Tls,
    /// The system could not accept it.
    Error,
}

impl Refusal {
    pub(super) const ALL: [Refusal; 6] = [
        Refusal::Limit,
        Refusal::Address,
        Refusal::Handshakes,
        Refusal::Preface,
        Refusal::Tls,
        Refusal::Error,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            Refusal::Limit => "limit",
            Refusal::Address => "address",
            Refusal::Handshakes => "handshakes",
            Refusal::Preface => "preface",
            Refusal::Tls => "tls",
            Refusal::Error => "error",
        }
    }
}

/// Why a connection was ended by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It had grown old.
    Age,
    /// It had no call for long.
    Idle,
    /// The certificate of its peer is no longer good.
    Trust,
    /// Its calls came to nothing too often.
    InVain,
    /// Its peer sent too many frames that belong to no call.
    Flood,
    /// Its peer took nothing of what it was owed.
    Stall,
}

impl Ending {
    pub(super) const ALL: [Ending; 6] = [
        Ending::Age,
        Ending::Idle,
        Ending::Trust,
        Ending::InVain,
        Ending::Flood,
        Ending::Stall,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            Ending::Age => "age",
            Ending::Idle => "idle",
            Ending::Trust => "trust",
            Ending::InVain => "in_vain",
            Ending::Flood => "flood",
            Ending::Stall => "stall",
        }
    }
}

/// The labels of a method.
pub(super) fn method_labels(rpc: Rpc) -> MethodLabels {
    [
        ("grpc_type", rpc.kind),
        ("grpc_service", rpc.service),
        ("grpc_method", rpc.method),
    ]
}
