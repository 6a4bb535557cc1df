//! poolgate as a process of its own, with the environment a user would set.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tonic::transport::Channel;

/// A running poolgate. Killed when dropped.
pub struct Process {
    pub address: String,
    admin: Option<SocketAddr>,
    child: Child,
    lines: Option<JoinHandle<Vec<String>>>,
}

impl Process {
    /// Starts poolgate on free ports and waits for the line that says it serves.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        Self::run("serve", environment)
    }

    /// The same with the emulator alone, served to AWS SDKs.
    pub fn emulate(environment: &[(&str, &str)]) -> Self {
        let free = [("POOLGATE_EMULATOR__LISTEN", "127.0.0.1:0")];
        Self::run("emulate", &[&free, environment].concat())
    }

    fn run(command: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .arg(command)
            .env_clear()
            .env("POOLGATE_SERVER__LISTEN", "127.0.0.1:0")
            .env("POOLGATE_ADMIN__LISTEN", "off")
            .env("POOLGATE_LOG__FORMAT", "json")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        let (address, admin) = loop {
            let line = lines.next().unwrap().unwrap();
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
            seen.push(line);
            if let Some(address) = parsed["address"].as_str() {
                let admin = parsed["admin"]
                    .as_str()
                    .and_then(|admin| admin.parse().ok());
                break (address.to_owned(), admin);
            }
        };
        // Read on, or a full pipe would stop the process.
        let lines = std::thread::spawn(move || {
            seen.extend(lines.map_while(Result::ok));
            seen
        });
        Self {
            address,
            admin,
            child,
            lines: Some(lines),
        }
    }

    /// Where probes and metrics are served, if that is set.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Sends a signal to the process, by its name such as `HUP`.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Has the process end by itself, and returns its exit code and every line it has
    /// logged.
    pub fn terminate(mut self) -> (Option<i32>, Vec<String>) {
        self.signal("TERM");
        let lines = self.lines.take().unwrap().join().unwrap();
        (self.child.wait().unwrap().code(), lines)
    }

    /// Ends the process and returns every line it has logged.
    pub fn stop(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.lines.take().unwrap().join().unwrap()
    }

    pub async fn client(&self) -> CognitoIdentityServiceClient<Channel> {
        CognitoIdentityServiceClient::new(self.channel().await)
    }

    pub async fn channel(&self) -> Channel {
        let channel = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        channel.connect().await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
