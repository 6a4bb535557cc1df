//! Methods in words that are safe in logs and as metric labels: callers choose
//! the path, so what is not known is `_OTHER`.

use crate::operation::Operation;
use crate::pb;

const OTHER: &str = "_OTHER";
const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// A method that poolgate serves, or `_OTHER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rpc {
    /// The kind of call as gRPC middleware calls it, such as `unary`.
    pub kind: &'static str,
    /// The full name of the service.
    pub service: &'static str,
    /// The name of the method.
    pub method: &'static str,
}

impl Rpc {
    /// The method of one of the 23 operations.
    pub const fn of_operation(operation: Operation) -> Self {
        Self {
            kind: "unary",
            service: pb::SERVICE_NAME,
            method: operation.name(),
        }
    }

    /// The method of a request's path.
    pub fn of_path(path: &str) -> Self {
        if let Some(operation) = Operation::from_path(path) {
            return Self::of_operation(operation);
        }
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (service, method) = (parts.next(), parts.next());
        match (service, method) {
            (Some(HEALTH), Some("Check")) => Self::known("unary", HEALTH, "Check"),
            (Some(HEALTH), Some("Watch")) => Self::known("server_stream", HEALTH, "Watch"),
            (Some(service), Some("ServerReflectionInfo")) => REFLECTION
                .into_iter()
                .find(|&known| known == service)
                .map_or(Self::known("unary", OTHER, OTHER), |known| {
                    Self::known("bidi_stream", known, "ServerReflectionInfo")
                }),
            (Some(pb::SERVICE_NAME), _) => Self::known("unary", pb::SERVICE_NAME, OTHER),
            _ => Self::known("unary", OTHER, OTHER),
        }
    }

    /// Whether poolgate has the service.
    pub fn is_known_service(self) -> bool {
        self.service != OTHER
    }

    /// Whether the method serves machines that watch poolgate, not callers.
    pub fn is_infrastructure(self) -> bool {
        self.service.starts_with("grpc.")
    }

    const fn known(kind: &'static str, service: &'static str, method: &'static str) -> Self {
        Self {
            kind,
            service,
            method,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_poolgate_serves_has_its_name_and_nothing_else_has_one() {
        let cases = [
            (Operation::GetId.path(), pb::SERVICE_NAME, "GetId"),
            ("/grpc.health.v1.Health/Check", HEALTH, "Check"),
            (
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                REFLECTION[1],
                "ServerReflectionInfo",
            ),
            (
                &Operation::GetId.path().replace("GetId", "Made"),
                pb::SERVICE_NAME,
                OTHER,
            ),
            ("/made.up.Service/ServerReflectionInfo", OTHER, OTHER),
            ("/made", OTHER, OTHER),
            ("", OTHER, OTHER),
        ];
        for (path, service, method) in cases {
            let rpc = Rpc::of_path(path);
            assert_eq!((rpc.service, rpc.method), (service, method), "{path}");
        }
    }
}
