//! A real `redis-server` on a free port, ended when dropped. It stands on nothing of
//! poolgate, so that unit tests and benchmarks use it as well.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "each of them uses a part, and what cannot be set up stops"
)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A Redis that a test has to itself.
pub struct RedisServer {
    pub port: u16,
    child: Child,
    directory: TempDir,
    options: Vec<String>,
    password: Option<String>,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with options of its command line.
    pub fn start_with(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let directory = TempDir::new().expect("a directory");
        // Between looking for a free port and taking it, another may take it.
        for _ in 0..5 {
            let port = Self::free_port();
            if let Some(child) = spawn(port, &options, &directory) {
                let password = None;
                return Self {
                    port,
                    child,
                    directory,
                    options,
                    password,
                };
            }
        }
        panic!("redis-server ends at once with {options:?}");
    }

    /// A port that nobody has taken yet.
    pub fn free_port() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        // A cluster has a second one, 10,000 above.
        let port = listener.local_addr().expect("it is bound").port();
        match port > 50_000 {
            true => port - 20_000,
            false => port,
        }
    }

    /// As a cluster of one node, which has all slots.
    pub fn start_cluster() -> Self {
        let server = Self::start_with(&["--cluster-enabled", "yes"]);
        assert_eq!(server.ask("CLUSTER ADDSLOTSRANGE 0 16383"), "OK");
        server.until("CLUSTER INFO", |info| info.contains("cluster_state:ok"));
        server
    }

    /// Where it is.
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// From now on it wants this password, also of those who are connected; none if it is
    /// empty.
    pub fn want_password(&mut self, password: &str) {
        let set = self.ask(&format!("CONFIG SET requirepass \"{password}\""));
        assert_eq!(set, "OK");
        self.password = (!password.is_empty()).then(|| password.to_owned());
        self.ask("CLIENT KILL TYPE normal");
    }

    /// What it answers to a command: a text, a number, or an error with its code.
    pub fn ask(&self, command: &str) -> String {
        let mut stream = BufReader::new(
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("Redis listens"),
        );
        let mut ask = |command: &str| {
            let line = format!("{command}\r\n");
            stream
                .get_mut()
                .write_all(line.as_bytes())
                .expect("it reads");
            reply(&mut stream)
        };
        if let Some(password) = &self.password {
            ask(&format!("AUTH {password}"));
        }
        ask(command)
    }

    /// Asks until it answers so.
    pub fn until(&self, command: &str, is_so: impl Fn(&str) -> bool) {
        while !is_so(&self.ask(command)) {
            std::thread::yield_now();
        }
    }

    /// Sends a signal by its name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again where it was, with nothing in it.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port, &self.options, &self.directory).expect("the port is free");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that takes connections; nothing if it could not.
fn spawn(port: u16, options: &[String], directory: &TempDir) -> Option<Child> {
    let spawned = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(directory.path())
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("`redis-server` is wanted: `apt-get install redis-server` has it")
        }
        Err(error) => panic!("redis-server does not start: {error}"),
    };
    let log = BufReader::new(child.stdout.take().expect("it is piped"));
    let is_ready = log
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("Ready to accept connections"));
    if !is_ready {
        let _ = child.kill();
        let _ = child.wait();
    }
    is_ready.then_some(child)
}

fn reply(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).unwrap_or_default();
    match (kind, rest.parse::<usize>()) {
        ("$", Ok(length)) => {
            let mut text = vec![0; length + 2];
            stream.read_exact(&mut text).expect("the whole answer");
            String::from_utf8_lossy(&text).trim_end().to_owned()
        }
        ("*", Ok(count)) => {
            let items: Vec<String> = (0..count).map(|_| reply(stream)).collect();
            items.join("\n")
        }
        _ => rest.to_owned(),
    }
}
