//! Finds the method that is meant.

use http::uri::PathAndQuery;
use prost_reflect::MethodDescriptor;
use tonic::Status;

use crate::config::nearest;
use crate::pb;

/// The method called `name`: alone for our own service, or after its service's full
/// name and `/` or `.`.
pub(super) fn find(name: &str) -> Result<MethodDescriptor, String> {
    let wanted = name.trim_start_matches('/');
    let (service, method) = wanted
        .rsplit_once(['/', '.'])
        .unwrap_or((pb::SERVICE_NAME, wanted));
    let services: Vec<_> = pb::descriptors().services().collect();
    let Some(service) = services.iter().find(|known| known.full_name() == service) else {
        let known = services.iter().map(|known| known.full_name());
        return Err(unknown("service", service, known));
    };
    let methods: Vec<_> = service.methods().collect();
    let Some(method) = methods.iter().find(|known| known.name() == method) else {
        let known = methods.iter().map(MethodDescriptor::name);
        return Err(unknown("method", method, known));
    };
    if method.is_client_streaming() || method.is_server_streaming() {
        return Err(format!(
            "`{}` streams; only calls with one answer can be made",
            method.name()
        ));
    }
    Ok(method.clone())
}

/// The path of a method on the wire.
pub(super) fn path(method: &MethodDescriptor) -> Result<PathAndQuery, Status> {
    let service = method.parent_service();
    format!("/{}/{}", service.full_name(), method.name())
        .parse()
        .map_err(|_| Status::internal("the method's name is no path"))
}

fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("unknown {what} `{word}`; did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = known.collect();
            format!("unknown {what} `{word}`; known are {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_with_and_without_its_service() {
        for name in [
            "GetId",
            "cognito.identity.v1.CognitoIdentityService/GetId",
            "/cognito.identity.v1.CognitoIdentityService/GetId",
            "cognito.identity.v1.CognitoIdentityService.GetId",
        ] {
            let method = find(name).unwrap();
            assert_eq!(
                path(&method).unwrap(),
                "/cognito.identity.v1.CognitoIdentityService/GetId"
            );
        }
        assert!(find("grpc.health.v1.Health/Check").is_ok());
    }

    #[test]
    fn a_method_that_is_not_there_names_the_nearest() {
        for (name, expected) in [
            (
                "DescribePool",
                "unknown method `DescribePool`; did you mean `DescribeIdentityPool`?",
            ),
            (
                "grpc.health.v2.Health/Check",
                "unknown service `grpc.health.v2.Health`; did you mean `grpc.health.v1.Health`?",
            ),
            ("grpc.health.v1.Health/Watch", "`Watch` streams"),
            ("Qqq", "unknown method `Qqq`; known are "),
        ] {
            let mistake = find(name).unwrap_err();
            assert!(mistake.starts_with(expected), "{mistake}");
        }
    }
}
