//! `poolgate healthcheck`.

use std::time::Duration;

use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Console, client, exit};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Silent when the server is serving. Exit codes: 0 serving, 1 not.\n\n\
        Examples:\n  \
        poolgate healthcheck --address 127.0.0.1:50051\n  \
        poolgate healthcheck --address unix:///run/poolgate/grpc.sock\n  \
        poolgate healthcheck --config poolgate.toml --ca-file ca.pem --server-name pools.example.org"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    connection: client::Connection,
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
        service,
        timeout,
        verbose,
    } = arguments;
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
