//! `poolgate healthcheck`.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Console, client, exit};

/// More than the admin port answers, in bytes.
const LONGEST_ANSWER: u64 = 8 * 1024;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Silent when the server is serving. Exit codes: 0 serving, 1 not, 2 usage, 78 mistakes in the configuration.\n\n\
        Examples:\n  \
        poolgate healthcheck --address 127.0.0.1:50051\n  \
        poolgate healthcheck --address unix:///run/poolgate/grpc.sock\n  \
        poolgate healthcheck --config poolgate.toml --ca-file ca.pem \\\n    \
        --server-name pools.example.org\n  \
        poolgate healthcheck --admin"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    connection: client::Connection,
    /// Ask `/readyz` at `admin.listen` of the configuration, which wants neither TLS nor a
    /// certificate; where that is `off`, gRPC is asked.
    #[arg(long, conflicts_with_all = ["address", "service"])]
    admin: bool,
    /// The service to ask about; empty for the whole server.
    #[arg(long, default_value = "", hide_default_value = true)]
    service: String,
    /// How long to wait for the answer.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Also say so when the server is serving.
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn run(
    arguments: Arguments,
    environment: Vec<(String, String)>,
    console: &mut Console<'_>,
) -> u8 {
    let Arguments {
        connection,
        admin,
        service,
        timeout,
        verbose,
    } = arguments;
    if admin {
        match connection.admin(&environment, console) {
            Ok(Some(address)) => return ask_admin(address, timeout, verbose, console),
            Ok(None) => {}
            Err(code) => return code,
        }
    }
    let server = match connection.prepare(environment, console) {
        Ok(server) => server,
        Err(code) => return code,
    };
    let address = &server.address;
    client::block_on(console, async |console| {
        let asked = tokio::time::timeout(timeout, ask(&server, service)).await;
        let answer = asked.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        match answer {
            Ok(ServingStatus::Serving) => {
                if verbose {
                    console.say(format_args!("{address}: SERVING"));
                }
                exit::OK
            }
            Ok(status) => {
                console.complain(format_args!("{address}: {}", status.as_str_name()));
                exit::FAILURE
            }
            Err(reason) => {
                console.complain(format_args!("{address}: {reason}"));
                exit::FAILURE
            }
        }
    })
}

async fn ask(server: &client::Server, service: String) -> Result<ServingStatus, String> {
    let channel = server.connect().await?;
    let mut request = Request::new(HealthCheckRequest { service });
    server.authorize(&mut request);
    HealthClient::new(channel)
        .check(request)
        .await
        .map(|answer| answer.into_inner().status())
        .map_err(|status| client::describe(&status))
}

/// Asks the admin port of this machine.
fn ask_admin(
    address: SocketAddr,
    timeout: Duration,
    verbose: bool,
    console: &mut Console<'_>,
) -> u8 {
    client::block_on(console, async |console| {
        let asked = tokio::time::timeout(timeout, readiness(address)).await;
        let answer = asked.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        match answer {
            Ok(()) => {
                if verbose {
                    console.say(format_args!("{address}: ready"));
                }
                exit::OK
            }
            Err(reason) => {
                console.complain(format_args!("{address}: {reason}"));
                exit::FAILURE
            }
        }
    })
}

/// Whether the process is ready; or why not, as it says itself.
async fn readiness(address: SocketAddr) -> Result<(), String> {
    let failed = |error| format!("cannot be asked: {error}");
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let written = stream.write_all(request.as_bytes()).await;
    written.map_err(failed)?;
    let mut answer = Vec::new();
    let mut stream = stream.take(LONGEST_ANSWER);
    stream.read_to_end(&mut answer).await.map_err(failed)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some("503") => Err(body.trim().to_owned()),
        // Somebody holds all of its connections.
        None if answer.is_empty() => Err("closed the connection without an answer".to_owned()),
        _ => Err("this is no admin port of poolgate".to_owned()),
    }
}
