//! What strangers send to the port: each gets a clear answer, and the next call
//! works.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use poolgate::operation::Operation;
use poolgate::pb;
use poolgate::server::{self, Running};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::examples::frame;

/// How a request is spoiled and what the answer is.
struct Case {
    why: &'static str,
    request: http::request::Builder,
    body: Vec<u8>,
    expected: Expected,
}

enum Expected {
    Http(u16),
    Grpc(Code, &'static str),
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_has_its_answer_and_the_next_call_works() {
    let server = start().await;
    let mut connection = connect(&server).await;
    for Case {
        why,
        request,
        body,
        expected,
    } in cases()
    {
        let response = send(&mut connection, request, body).await;

        match expected {
            Expected::Http(status) => assert_eq!(response.status(), status, "{why}"),
            Expected::Grpc(code, reason) => {
                assert_eq!(response.status(), 200, "{why}");
                let status = tonic::Status::from_header_map(response.headers()).unwrap();
                assert_eq!(status.code(), code, "{why}: {}", status.message());
                let info = status.get_details_error_info().unwrap();
                assert_eq!(info.reason, reason, "{why}");
            }
        }
        assert!(response.headers().contains_key("x-request-id"), "{why}");

        assert_works(&mut connection, why).await;
    }
}

fn cases() -> Vec<Case> {
    let post = |path: &str| {
        http::Request::post(path)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
    };
    let describe = Operation::DescribeIdentityPool.path();
    let message = |id: &str| {
        frame(
            &pb::DescribeIdentityPoolRequest {
                identity_pool_id: id.to_owned(),
            }
            .encode_to_vec(),
        )
    };
    let good = message("us-east-1:0a");
    let large = frame(&vec![b'x'; 2 << 20]);
    let grpc = |why, request, body, code, reason| Case {
        why,
        request,
        body,
        expected: Expected::Grpc(code, reason),
    };
    let http = |why, request, status| Case {
        why,
        request,
        body: Vec::new(),
        expected: Expected::Http(status),
    };
    vec![
        grpc(
            "garbage",
            post(describe),
            b"garbage".to_vec(),
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        grpc(
            "a frame of garbage",
            post(describe),
            frame(b"\xff\xff\xff"),
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        grpc(
            "a field with the wire type of another",
            post(describe),
            frame(b"\x08\x01"),
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        grpc(
            "invalid UTF-8",
            post(describe),
            frame(b"\x0a\x01\xff"),
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        grpc(
            "no message",
            post(describe),
            Vec::new(),
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        grpc(
            "two messages",
            post(describe),
            [good.clone(), good.clone()].concat(),
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        grpc(
            "a compressed message",
            post(describe),
            [&[1], &good[1..]].concat(),
            Code::Unimplemented,
            "COMPRESSED_MESSAGE",
        ),
        grpc(
            "2 MiB",
            post(describe),
            large,
            Code::ResourceExhausted,
            "MESSAGE_TOO_LARGE",
        ),
        grpc(
            "4 GiB announced",
            post(describe),
            vec![0, 0xff, 0xff, 0xff, 0xff, 0],
            Code::ResourceExhausted,
            "MESSAGE_TOO_LARGE",
        ),
        grpc(
            "an unknown method",
            post(&describe.replace("Describe", "Destroy")),
            good.clone(),
            Code::Unimplemented,
            "UNKNOWN_METHOD",
        ),
        grpc(
            "a query behind the method",
            post(&format!("{describe}?x=y")),
            good.clone(),
            Code::Unimplemented,
            "UNKNOWN_METHOD",
        ),
        grpc(
            "a deadline that cannot be read",
            post(describe).header("grpc-timeout", "soon"),
            good.clone(),
            Code::InvalidArgument,
            "INVALID_TIMEOUT",
        ),
        grpc(
            "a deadline of nothing",
            post(describe).header("grpc-timeout", "0n"),
            good,
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        ),
        grpc(
            "a region that is none",
            post(describe),
            message("nowhere:0a"),
            Code::InvalidArgument,
            "UNKNOWN_REGION",
        ),
        grpc(
            "an identifier that is none",
            post(describe),
            message("us-east-1"),
            Code::InvalidArgument,
            "INVALID_FIELDS",
        ),
        http(
            "GET",
            http::Request::get(describe)
                .header("content-type", "application/grpc")
                .header("te", "trailers"),
            405,
        ),
        http("GET of the root", http::Request::get("/"), 405),
        http(
            "JSON",
            http::Request::post(describe).header("content-type", "application/json"),
            415,
        ),
        http("no content type", http::Request::post(describe), 415),
        http(
            "no `te`",
            http::Request::post(describe).header("content-type", "application/grpc"),
            400,
        ),
        http(
            "another server in `host`",
            post(describe).header("host", "elsewhere"),
            400,
        ),
        http(
            "two servers in `host`",
            post(describe)
                .header("host", "poolgate")
                .header("host", "poolgate"),
            400,
        ),
        http(
            "gRPC-Web",
            http::Request::post(describe).header("content-type", "application/grpc-web+proto"),
            415,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_http2_close_their_connection_and_no_other() {
    let server = start().await;
    let mut good = connect(&server).await;
    for bytes in [
        &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01",
        b"\0\0\0\0\0\0\0\0",
        &[0xff; 64],
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();

        // Whatever the server says first, it closes.
        let closed = tokio::time::timeout(Duration::from_secs(10), async {
            let mut sink = [0; 1024];
            while stream.read(&mut sink).await.is_ok_and(|count| count > 0) {}
        });
        closed.await.unwrap();

        assert_works(&mut good, "after garbage").await;
    }
}

async fn start() -> Running {
    let free = "127.0.0.1:0".parse().unwrap();
    let parts = server::Parts {
        server: server::Settings {
            listen: free,
            ..Default::default()
        },
        tls: None,
        admin: server::admin::Settings { listen: None },
        ..server::Parts::default()
    };
    server::start(parts).await.unwrap()
}

type Connection = SendRequest<Full<Bytes>>;

async fn connect(server: &Running) -> Connection {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

async fn send(
    connection: &mut Connection,
    request: http::request::Builder,
    body: Vec<u8>,
) -> http::Response<hyper::body::Incoming> {
    let uri = request.uri_ref().unwrap().to_string();
    let request = request
        .uri(format!("http://poolgate{uri}"))
        .body(Full::from(body))
        .unwrap();
    connection.ready().await.unwrap();
    connection.send_request(request).await.unwrap()
}

async fn assert_works(connection: &mut Connection, after: &str) {
    let request = http::Request::post(Operation::ListIdentityPools.path())
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let response = send(connection, request, frame(&[])).await;

    let collected = response.into_body().collect().await.unwrap();
    let code = collected.trailers().unwrap().get("grpc-status").unwrap();
    assert_eq!(code, "0", "the call after: {after}");
}
