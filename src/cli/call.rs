//! `poolgate call`: a client that knows every message from the descriptors built
//! in, with JSON in and out.

use std::io::Read;
use std::time::Duration;

use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::metadata::{AsciiMetadataKey, MetadataMap, MetadataValue};
use tonic::{Request, Status};

use super::{Console, client, exit, json};
use crate::settings_file;

mod codec;
mod failure;
mod method;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 answered, 1 no connection, 2 usage, 64 + gRPC code for an error answer.\n\n\
        Examples:\n  \
        poolgate call ListIdentityPools\n  \
        poolgate call DescribeIdentityPool '{\"identity_pool_id\": \"us-east-1:...\"}'\n  \
        poolgate call CreateIdentityPool - < pool.json\n  \
        poolgate call ListIdentityPools --address pools.example.org:443 --ca-file ca.pem \\\n    \
        --token-file token\n  \
        poolgate call ListIdentityPools --address unix:///run/poolgate/grpc.sock\n  \
        poolgate call ListIdentityPools --config poolgate.toml --certificate-file me.pem \\\n    \
        --key-file me.key --ca-file ca.pem"
)]
pub(super) struct Arguments {
    /// The method, with or without its service.
    #[arg(value_name = "METHOD")]
    method: String,
    /// The request; `-` or nothing reads standard input unless that is a terminal.
    #[arg(value_name = "JSON")]
    json: Option<String>,
    #[command(flatten)]
    connection: client::Connection,
    /// Metadata to send; may be repeated.
    #[arg(long = "header", short = 'H', value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<Header>,
    /// How long the call may take.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
}

type Header = (AsciiMetadataKey, MetadataValue<tonic::metadata::Ascii>);

pub(super) fn run(
    arguments: Arguments,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> u8 {
    let prepared = method::find(&arguments.method).and_then(|method| {
        let text = input(arguments.json.as_deref(), console)?;
        let message = json::parse(&text, method.input())?;
        Ok((method, message))
    });
    let (method, message) = match prepared {
        Ok(prepared) => prepared,
        Err(mistake) => {
            console.complain(mistake);
            return exit::USAGE;
        }
    };
    let server = match arguments.connection.prepare(environment, console) {
        Ok(server) => server,
        Err(code) => return code,
    };
    let mut request = request(message, arguments.headers, arguments.timeout);
    server.authorize(&mut request);
    client::block_on(console, async |console| {
        let channel = match server.connect().await {
            Ok(channel) => channel,
            Err(reason) => {
                console.complain(reason);
                return exit::FAILURE;
            }
        };
        match call(channel, &method, request).await {
            Ok(answer) => {
                console.say(json::print(&answer));
                exit::OK
            }
            Err(status) => failure::report(&status, console),
        }
    })
}

fn input(json: Option<&str>, console: &mut Console<'_>) -> Result<String, String> {
    match json {
        Some(text) if text != "-" => return Ok(text.to_owned()),
        None if console.input_is_terminal => return Ok("{}".to_owned()),
        _ => {}
    }
    let mut text = String::new();
    let mut most = (&mut *console.input).take(settings_file::LARGEST + 1);
    let read = most.read_to_string(&mut text);
    let read = read.map_err(|error| format!("cannot read standard input: {error}"))?;
    if read as u64 > settings_file::LARGEST {
        let most = settings_file::LARGEST;
        return Err(format!("standard input has more than {most} bytes"));
    }
    if text.trim().is_empty() {
        return Ok("{}".to_owned());
    }
    Ok(text)
}

fn request(
    message: DynamicMessage,
    headers: Vec<Header>,
    timeout: Option<Duration>,
) -> Request<DynamicMessage> {
    let mut metadata = MetadataMap::new();
    for (name, value) in headers {
        metadata.append(name, value);
    }
    let mut request = Request::from_parts(metadata, http::Extensions::new(), message);
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    request
}

async fn call(
    channel: tonic::transport::Channel,
    method: &MethodDescriptor,
    request: Request<DynamicMessage>,
) -> Result<DynamicMessage, Status> {
    let path = method::path(method)?;
    let codec = codec::Dynamic::answering_with(method.output());
    let mut client = tonic::client::Grpc::new(channel);
    client
        .ready()
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    let answer = client.unary(request, path, codec).await?;
    Ok(answer.into_inner())
}

fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("no `:` between name and value")?;
    let name = name
        .trim()
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| "not a name of text metadata")?;
    let value = value
        .trim()
        .parse()
        .map_err(|_| "not a value of text metadata")?;
    Ok((name, value))
}
