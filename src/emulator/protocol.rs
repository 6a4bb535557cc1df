//! The wire: AWS JSON 1.1 over HTTP.
//!
//! A request is read in the order AWS's front end reads it: which operation, is it
//! signed, is the body JSON of the right types, does it keep the model. Only then
//! does an operation see it.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::error::{Error, Kind};
use super::{region, signature};
use crate::model::{self, Member, Shape};
use crate::operation::{Operation, Signing};

const TARGET_PREFIX: &str = "AWSCognitoIdentityService.";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// unverified: up to which length AWS repeats a message in a header.
const LONGEST_HEADER: usize = 4096;

/// How much of a value an error repeats, in characters.
///
/// unverified: whether AWS shortens values, and where.
const VALUE_LIMIT: usize = 4096;

/// A request that is well-formed.
pub(super) struct WellFormed {
    pub(super) operation: Operation,
    pub(super) region: String,
    /// The access key that it is signed with; empty if it is not.
    pub(super) access_key: String,
    pub(super) body: Map<String, Value>,
}

/// The operation that a request names in `X-Amz-Target`.
pub(super) fn operation<Body>(request: &Request<Body>) -> Option<Operation> {
    request
        .headers()
        .get("x-amz-target")?
        .to_str()
        .ok()?
        .strip_prefix(TARGET_PREFIX)
        .and_then(Operation::from_name)
}

/// Reads a request, or finds AWS's error for it.
pub(super) fn read(request: &Request<Bytes>, default_region: &str) -> Result<WellFormed, Error> {
    let operation = operation(request)
        .filter(|_| request.method() == http::Method::POST)
        // unverified: AWS's front end may add a text.
        .ok_or_else(|| Error::new(Kind::UnknownOperation, ""))?;
    if operation.signing() == Signing::Signed && !signature::is_signed(request) {
        return Err(Error::new(
            Kind::MissingAuthenticationToken,
            "Missing Authentication Token",
        ));
    }
    let credential = signature::credential(request);
    let body = object(request.body())?;
    let members = model::input(operation);
    check_types(members, &body)?;
    let violations = model::check(members, &body, VALUE_LIMIT);
    if !violations.is_empty() {
        return Err(Error::new(Kind::Validation, model::summary(&violations)));
    }
    let host = request
        .uri()
        .host()
        .unwrap_or_else(|| header_text(request, header::HOST.as_str()));
    let region = region::of_host(host)
        .or_else(|| credential.as_deref().and_then(region::of_credential))
        .or_else(|| region_of_resource(&body))
        .unwrap_or(default_region)
        .to_owned();
    Ok(WellFormed {
        operation,
        region,
        access_key: credential
            .as_deref()
            .and_then(|credential| credential.split('/').next())
            .unwrap_or_default()
            .to_owned(),
        body,
    })
}

/// The answer on the wire.
pub(super) fn write(result: Result<Vec<u8>, Error>) -> Response<Bytes> {
    let (status, body, error) = match result {
        Ok(output) => (StatusCode::OK, Bytes::from(output), None),
        Err(error) => (error.kind.status(), error_body(&error), Some(error)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    if let Ok(id) = HeaderValue::try_from(uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(error) = error {
        // The part after the colon is a URI, which this service leaves empty.
        if let Ok(kind) = HeaderValue::try_from(format!("{}:", error.kind.name())) {
            headers.insert("x-amzn-errortype", kind);
        }
        // A message repeats values of the request, which no client takes in a header
        // once they are long.
        if error.message.len() <= LONGEST_HEADER
            && let Ok(message) = HeaderValue::try_from(error.message)
        {
            headers.insert("x-amzn-errormessage", message);
        }
    }
    response
}

/// Written by hand because the order of the two members is part of the protocol
/// as recorded, and a JSON object does not keep one.
fn error_body(error: &Error) -> Bytes {
    let name = json!(error.kind.name());
    if error.message.is_empty() {
        return Bytes::from(format!(r#"{{"__type":{name}}}"#));
    }
    Bytes::from(format!(
        r#"{{"__type":{name},"{}":{}}}"#,
        error.kind.message_member(),
        json!(error.message)
    ))
}

fn header_text<'a>(request: &'a Request<Bytes>, name: &str) -> &'a str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The region that the identifier of a pool or an identity begins with. AWS has an
/// endpoint for each region; a request without a signature to an endpoint that was
/// set by hand says nothing else about its region.
fn region_of_resource(body: &Map<String, Value>) -> Option<&str> {
    ["IdentityPoolId", "IdentityId"]
        .iter()
        .find_map(|member| body.get(*member)?.as_str())
        .and_then(region::of_id)
}

/// An empty body is an empty object, as it is to AWS.
fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        // unverified: AWS answers some of these without a text.
        Ok(_) => Err(Error::serialization("Start of structure or map expected.")),
        Err(_) => Err(Error::serialization("The body is not valid JSON.")),
    }
}

fn check_types(members: &'static [Member], object: &Map<String, Value>) -> Result<(), Error> {
    members
        .iter()
        .filter_map(|member| Some((member.shape, object.get(member.name)?)))
        // A member that is null is absent.
        .filter(|(_, value)| !value.is_null())
        .try_for_each(|(shape, value)| check_type(shape, value))
}

fn check_type(shape: &'static Shape, value: &Value) -> Result<(), Error> {
    match (shape, value) {
        (Shape::Text { .. } | Shape::Choice(_), Value::String(_))
        | (Shape::Flag, Value::Bool(_)) => Ok(()),
        (Shape::Integer { .. }, Value::Number(number)) if !number.is_f64() => Ok(()),
        (Shape::List { of, .. }, Value::Array(elements)) => elements
            .iter()
            .try_for_each(|element| check_type(of, element)),
        (Shape::Map { value: of, .. }, Value::Object(entries)) => entries
            .values()
            .try_for_each(|element| check_type(of, element)),
        (Shape::Structure(members), Value::Object(object)) => check_types(members, object),
        // unverified: the real texts name classes of AWS's parser.
        _ => Err(Error::serialization(format!(
            "{} can not be converted to {}",
            json_type(value),
            shape_type(shape)
        ))),
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(number) if number.is_f64() => "DECIMAL_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

fn shape_type(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text { .. } | Shape::Choice(_) => "String",
        Shape::Integer { .. } => "Long",
        Shape::Flag => "Boolean",
        Shape::List { .. } => "List",
        Shape::Map { .. } => "Map",
        Shape::Structure(_) => "Structure",
    }
}
