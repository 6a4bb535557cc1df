//! poolgate as a process of its own, with the environment a user would set.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tonic::transport::Channel;

/// A running `poolgate serve`. Killed when dropped.
pub struct Process {
    pub address: String,
    child: Child,
}

impl Process {
    /// Starts poolgate on free ports and waits for the line that says it serves.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .env_clear()
            .env("POOLGATE_SERVER__LISTEN", "127.0.0.1:0")
            .env("POOLGATE_ADMIN__LISTEN", "off")
            .env("POOLGATE_LOG__FORMAT", "json")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let Some(address) = line["address"].as_str() {
                break address.to_owned();
            }
        };
        // Nobody reads on, but a full pipe must not stop the process.
        std::thread::spawn(move || lines.count());
        Self { address, child }
    }

    pub async fn client(&self) -> CognitoIdentityServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        CognitoIdentityServiceClient::new(channel.connect().await.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
