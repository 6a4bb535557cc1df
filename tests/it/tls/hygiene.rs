//! What is spoken on the port, and what is not.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::{Server, until};
use crate::support::certificates::SERVER_NAME;

const NAME: &str = "spiffe://example.org/shop";

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const PROTOCOL_VERSION: u8 = 70;
const HANDSHAKE_FAILURE: u8 = 40;
const NO_APPLICATION_PROTOCOL: u8 = 120;

const ECDHE_ECDSA_AES128_GCM: u16 = 0xc02b;
const ECDHE_ECDSA_AES128_CBC: u16 = 0xc009;
const RSA_AES128_GCM: u16 = 0x009c;
const P256: u16 = 23;
const P521: u16 = 25;

/// How many may have their handshake under way.
const HANDSHAKES: usize = 256;

#[tokio::test]
async fn peers_that_fall_silent_after_their_hello_keep_nobody_out() {
    let hour = Duration::from_secs(3600);
    let server = Server::with(|_, _| {}, |tls| tls.handshake = hour).await;
    let config = Arc::new(server.authority.client_config(None));
    let name = ServerName::try_from(SERVER_NAME).unwrap();
    let mut silent = Vec::new();
    for _ in 0..500 {
        let mut hello = Vec::new();
        let mut client = ClientConnection::new(Arc::clone(&config), name.clone()).unwrap();
        client.write_tls(&mut hello).unwrap();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&hello).await.unwrap();
        silent.push(stream);
    }

    let identity = server.authority.client(NAME);
    let good = server.greet_as(&identity);
    let answered = tokio::time::timeout(Duration::from_secs(60), good).await;

    let _peer = answered.expect("the silent hold it back").unwrap();
    // It took the place of one of them, and has left it by now.
    until(|| server.serving.open_connections() == HANDSHAKES).await;
    assert_eq!(server.crowded_out(), silent.len() + 1 - HANDSHAKES);
}

#[tokio::test]
async fn old_versions_weak_ciphers_and_other_protocols_are_refused() {
    let good = Hello {
        version: 0x0303,
        cipher: ECDHE_ECDSA_AES128_GCM,
        group: P256,
        alpn: Some("h2"),
    };
    let server = Server::start().await;
    for (why, hello, alert) in [
        ("nothing is wrong", good, None),
        (
            "TLS 1.1",
            Hello {
                version: 0x0302,
                ..good
            },
            Some(PROTOCOL_VERSION),
        ),
        (
            "TLS 1.0",
            Hello {
                version: 0x0301,
                ..good
            },
            Some(PROTOCOL_VERSION),
        ),
        (
            "a cipher without authentication of its own",
            Hello {
                cipher: ECDHE_ECDSA_AES128_CBC,
                ..good
            },
            Some(HANDSHAKE_FAILURE),
        ),
        (
            "no forward secrecy",
            Hello {
                cipher: RSA_AES128_GCM,
                ..good
            },
            Some(HANDSHAKE_FAILURE),
        ),
        (
            "another curve",
            Hello {
                group: P521,
                ..good
            },
            Some(HANDSHAKE_FAILURE),
        ),
        (
            "no ALPN",
            Hello { alpn: None, ..good },
            Some(NO_APPLICATION_PROTOCOL),
        ),
        (
            "HTTP/1.1",
            Hello {
                alpn: Some("http/1.1"),
                ..good
            },
            Some(NO_APPLICATION_PROTOCOL),
        ),
    ] {
        let before = server.refused();
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&hello.bytes()).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();

        let expected = alert.map_or(HANDSHAKE, |_| ALERT);
        assert_eq!(answer[0], expected, "{why}: {answer:?}");
        match alert {
            Some(alert) => {
                assert_eq!(answer[6], alert, "{why}");
                closed(stream).await;
            }
            // It goes on no further, which ends this handshake, too.
            None => drop(stream),
        }
        until(|| server.refused() == before + 1).await;
    }
}

#[tokio::test]
async fn both_versions_are_spoken() {
    let server = Server::start().await;
    let identity = server.authority.client(NAME);
    for version in [&TLS13, &TLS12] {
        let config = server
            .authority
            .client_config_of(&[version], Some(&identity));

        let came = server.greet(config).await;

        assert!(came.is_ok(), "{version:?}: {came:?}");
    }
}

#[tokio::test]
async fn a_client_of_plain_text_is_closed_at_once() {
    let server = Server::start().await;
    for opening in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(opening).await.unwrap();

        closed(stream).await;
    }
    until(|| server.refused() == 3).await;
}

#[tokio::test]
async fn a_client_that_stalls_in_its_hello_is_closed_in_time() {
    let server = Server::with(|_, _| {}, |tls| tls.handshake = Duration::from_millis(1)).await;
    let hello = Hello {
        version: 0x0303,
        cipher: ECDHE_ECDSA_AES128_GCM,
        group: P256,
        alpn: Some("h2"),
    };
    let bytes = hello.bytes();
    for (number, opening) in (1..).zip([&bytes[..0], &bytes[..1], &bytes[..20], &bytes[..]]) {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // It may be closed before all is written.
        let _ = stream.write_all(opening).await;

        closed(stream).await;
        until(|| server.refused() == number).await;
    }
}

#[tokio::test]
async fn many_clients_that_stall_keep_no_good_one_out() {
    let server = Server::with(|_, _| {}, |tls| tls.handshake = Duration::from_secs(3600)).await;
    let mut silent = Vec::new();
    for _ in 0..500 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&[HANDSHAKE, 3, 1]).await.unwrap();
        silent.push(stream);
    }
    until(|| server.crowded_out() == silent.len() - HANDSHAKES).await;

    let came = server.greet_as(&server.authority.client(NAME)).await;

    assert!(came.is_ok(), "{came:?}");
    assert_eq!(server.refused(), 0);
}

#[derive(Clone, Copy)]
struct Hello {
    version: u16,
    cipher: u16,
    group: u16,
    alpn: Option<&'static str>,
}

impl Hello {
    /// A ClientHello as it goes over the wire (RFC 5246, 7.4.1.2).
    fn bytes(self) -> Vec<u8> {
        let sized = |bytes: Vec<u8>| [short(bytes.len()), bytes].concat();
        let extension =
            |kind: u16, bytes: Vec<u8>| [kind.to_be_bytes().to_vec(), sized(bytes)].concat();
        let ecdsa_with_sha256 = vec![4, 3];
        let mut extensions = [
            extension(10, sized(self.group.to_be_bytes().to_vec())),
            extension(11, vec![1, 0]),
            extension(13, sized(ecdsa_with_sha256)),
            extension(23, Vec::new()),
        ]
        .concat();
        if let Some(alpn) = self.alpn {
            let name = [vec![u8::try_from(alpn.len()).unwrap()], alpn.into()].concat();
            extensions.extend(extension(16, sized(name)));
        }
        let body = [
            self.version.to_be_bytes().to_vec(),
            vec![7; 32],
            vec![0],
            sized(self.cipher.to_be_bytes().to_vec()),
            vec![1, 0],
            sized(extensions),
        ]
        .concat();
        let message = [vec![1, 0], sized(body)].concat();
        [vec![HANDSHAKE, 3, 1], sized(message)].concat()
    }
}

fn short(length: usize) -> Vec<u8> {
    u16::try_from(length).unwrap().to_be_bytes().to_vec()
}

/// Waits until the other side has closed the connection.
async fn closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // Both an orderly end and a reset are an end.
    let _ = stream.read_to_end(&mut rest).await;
}
