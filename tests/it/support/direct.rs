//! The emulator without poolgate around it: requests as the SDK would send them.

use bytes::Bytes;
use http::Request;
use poolgate::clock::Clock;
use poolgate::emulator::{Emulator, Settings};
use serde_json::Value;

pub struct Direct(pub Emulator);

impl Direct {
    pub fn new(settings: Settings) -> Self {
        Self(Emulator::new(settings, Clock::system()))
    }

    /// The answer's body, or AWS's code and text.
    pub fn call(&self, operation: &str, body: &Value) -> Result<Value, (String, String)> {
        let response = self.0.handle(&request(operation, body.to_string()));
        let text: Value = match response.body().is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(response.body()).unwrap(),
        };
        if response.status().is_success() {
            return Ok(text);
        }
        let member = |name: &str| text[name].as_str().unwrap_or_default().to_owned();
        Err((member("__type"), member("message")))
    }
}

/// A request that looks signed.
pub fn request(operation: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post("http://localhost/")
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            format!("AWSCognitoIdentityService.{operation}"),
        )
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIA/20270101/us-east-1/cognito-identity/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .body(body.into())
        .unwrap()
}
