//! To syslog servers.

use std::fs;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UdpSocket, UnixDatagram};
use tokio::time::timeout;

use super::otlp::acceptor;
use super::{Sender, has_ended, once, verify};
use crate::support::certificates::Authority;
use crate::support::house::LONG;
use crate::support::syslog::{Syslog, Taken, line};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_arrives_over_tcp_as_it_was_written() {
    let server = Syslog::start().await;
    let target = format!("syslog+tcp://127.0.0.1:{}", server.port);
    let sender = Sender::new(&target);
    for _ in 0..2 {
        let process = sender.start();
        sender.calls(&process, 3).await;
        process.terminate();
    }

    let taken = server.taken(|taken| stops(taken) == 2).await;

    // At the end of the first process the server has said that it has everything.
    let lines = lines(&taken);
    assert_eq!(lines, sender.lines());
    assert_eq!(verify(sender.folder.path(), &lines), Some(0));
    let message = &taken.messages[0];
    assert!(message.starts_with("<110>1 20"), "{message}");
    assert!(message.contains("Z poolgate poolgate "), "{message}");
    assert!(message.contains(" OpenJournalFile - {"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_connection_is_cut_nothing_is_missing() {
    let server = Syslog::cutting(3).await;
    let sender = Sender::new(&format!("syslog+tcp://127.0.0.1:{}", server.port));
    let process = sender.start();
    sender.calls(&process, 10).await;
    server.taken(|taken| taken.connections > 1).await;
    sender.calls(&process, 3).await;
    process.terminate();

    let taken = server.taken(|taken| has_ended(&lines(taken))).await;

    assert_eq!(once(&lines(&taken)), sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_talks_without_an_end_is_not_listened_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sender = Sender::new(&format!("syslog+tcp://{}", listener.local_addr().unwrap()));
    let _process = sender.start();
    let (mut stream, _) = listener.accept().await.unwrap();

    let talking = async { while stream.write_all(&[b'a'; 4096]).await.is_ok() {} };

    assert!(timeout(LONG, talking).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_what_may_have_been_lost_comes_again() {
    let server = Syslog::start().await;
    let sender = Sender::new(&format!("syslog+tcp://127.0.0.1:{}", server.port));
    let process = sender.start();
    sender.calls(&process, 3).await;
    process.stop();
    let process = sender.start();
    process.terminate();

    let taken = server.taken(|taken| has_ended(&lines(taken))).await;

    assert_eq!(once(&lines(&taken)), sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_certificate_of_a_private_authority_is_trusted() {
    let authority = Authority::new("ours");
    let server = Syslog::secured(acceptor(&authority, "localhost")).await;
    let sender = Sender::new(&format!("syslog+tls://localhost:{}", server.port));
    let authorities = sender.path("authorities.pem");
    fs::write(&authorities, authority.pem()).unwrap();
    let sender = sender.and("AUDIT__FORWARD_CA_FILE", authorities.to_str().unwrap());
    let process = sender.start();
    sender.calls(&process, 3).await;
    process.terminate();

    let taken = server.taken(|taken| stops(taken) == 1).await;

    assert_eq!(lines(&taken), sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_of_this_machine_gets_a_datagram_for_each_line_once_it_is_there() {
    let sender = Sender::silent();
    let path = sender.path("log");
    let sender = sender.and(
        "AUDIT__FORWARD",
        &format!("syslog+unix://{}", path.display()),
    );
    let process = sender.start();
    sender.calls(&process, 2).await;
    let written = sender.lines().len();
    let socket = UnixDatagram::bind(&path).unwrap();

    let mut got = Vec::new();
    let mut buffer = vec![0; 128 * 1024];
    while got.len() < written {
        let length = timeout(LONG, socket.recv(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        got.push(text(&buffer[..length]));
    }
    let ended = std::thread::spawn(move || process.terminate());
    while !has_ended(&got) {
        let length = timeout(LONG, socket.recv(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        got.push(text(&buffer[..length]));
    }

    ended.join().unwrap();
    assert_eq!(got, sender.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn udp_gets_a_datagram_for_each_line() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let target = format!("syslog+udp://{}", socket.local_addr().unwrap());
    let sender = Sender::new(&target);
    let process = sender.start();
    let mut buffer = vec![0; 128 * 1024];

    let mut got = Vec::new();
    for _ in 0..2 {
        let length = timeout(LONG, socket.recv(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        got.push(text(&buffer[..length]));
    }

    assert_eq!(got, sender.lines());
    process.terminate();
}

fn text(message: &[u8]) -> String {
    line(std::str::from_utf8(message).unwrap()).to_owned()
}

fn lines(taken: &Taken) -> Vec<String> {
    let messages = taken.messages.iter();
    messages.map(|message| line(message).to_owned()).collect()
}

/// How often a journal has ended.
fn stops(taken: &Taken) -> usize {
    let messages = taken.messages.iter();
    messages
        .filter(|message| message.contains(" StopJournal - "))
        .count()
}
