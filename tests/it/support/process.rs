//! poolgate as a process of its own, with the environment a user would set.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use tonic::transport::Channel;

use super::memory_limit::MemoryLimit;

/// A running poolgate. Killed when dropped.
pub struct Process {
    pub address: String,
    admin: Option<SocketAddr>,
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

/// What a process has logged so far.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    longer: Condvar,
}

impl Process {
    /// Starts poolgate on free ports and waits for the line that says it serves.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        Self::run("serve", environment, Stdio::inherit())
    }

    /// The same with its standard output given away.
    pub fn start_with_output(environment: &[(&str, &str)], output: impl Into<Stdio>) -> Self {
        Self::run("serve", environment, output.into())
    }

    /// The same with the emulator alone, served to AWS SDKs.
    pub fn emulate(environment: &[(&str, &str)]) -> Self {
        let free = [("POOLGATE_EMULATOR__LISTEN", "127.0.0.1:0")];
        Self::run("emulate", &[&free, environment].concat(), Stdio::inherit())
    }

    /// The same with so many file descriptors at most.
    pub fn start_with_descriptors(most: usize, environment: &[(&str, &str)]) -> Self {
        let limit = most.to_string();
        Self::run_after(r#"ulimit -n "$0""#, limit.as_ref(), environment)
    }

    /// The same with a limit of memory.
    pub fn start_within(limit: &MemoryLimit, environment: &[(&str, &str)]) -> Self {
        let processes = limit.processes();
        Self::run_after(r#"echo $$ > "$0""#, processes.as_ref(), environment)
    }

    /// Starts it as soon as a shell has done something else, which knows `value` as `$0`.
    fn run_after(first: &str, value: &OsStr, environment: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("/bin/sh");
        let script = format!(r#"{first} && exec "$@""#);
        shell.args(["-c".as_ref(), script.as_ref(), value]);
        shell.arg(binary()).arg("serve");
        Self::run_as(shell, environment, Stdio::inherit())
    }

    fn run(command: &str, environment: &[(&str, &str)], output: Stdio) -> Self {
        let mut poolgate = Command::new(binary());
        poolgate.arg(command);
        Self::run_as(poolgate, environment, output)
    }

    fn run_as(mut command: Command, environment: &[(&str, &str)], output: Stdio) -> Self {
        let mut child = command
            .env_clear()
            .env("POOLGATE_SERVER__LISTEN", "127.0.0.1:0")
            .env("POOLGATE_ADMIN__LISTEN", "off")
            .env("POOLGATE_LOG__FORMAT", "json")
            .envs(environment.iter().copied())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Log::default());
        let (address, admin) = loop {
            let line = lines.next().unwrap().unwrap();
            let parsed: serde_json::Value = serde_json::from_str(&line)
                .unwrap_or_else(|_| panic!("not a line of a log: {line}"));
            log.add(line);
            if let Some(address) = parsed["address"].as_str() {
                let admin = parsed["admin"]
                    .as_str()
                    .and_then(|admin| admin.parse().ok());
                break (address.to_owned(), admin);
            }
        };
        // Read on, or a full pipe would stop the process.
        let rest = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                rest.add(line);
            }
        });
        Self {
            address,
            admin,
            child,
            log,
            reader: Some(reader),
        }
    }

    /// Where probes and metrics are served, if that is set.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// How much memory the process has, in KiB, and how long it has computed.
    pub fn usage(&self) -> (usize, Duration) {
        let memory = self.memory("VmRSS:");
        // The fields behind the name, in hundredths of a second (proc(5)).
        let stat = self.told("stat");
        let fields = stat.rsplit(')').next().unwrap().split_whitespace();
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .map(|t| t.parse::<u64>().unwrap())
            .sum();
        (memory, Duration::from_millis(10 * ticks))
    }

    /// The most memory that the process had so far, in KiB.
    pub fn peak(&self) -> usize {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> usize {
        let status = self.told("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let memory = line.unwrap().split_whitespace().next().unwrap();
        memory.parse().unwrap()
    }

    /// What the kernel tells of it.
    fn told(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// What has been logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
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
        let lines = self.all_lines();
        (self.child.wait().unwrap().code(), lines)
    }

    /// The same without the notice, as somebody at a terminal ends it.
    pub fn interrupt(mut self) -> Vec<String> {
        self.signal("INT");
        let lines = self.all_lines();
        self.child.wait().unwrap();
        lines
    }

    /// Ends the process at once and returns the lines that it has written of its log; those
    /// of the last moment may be missing.
    pub fn stop(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.all_lines()
    }

    /// Every line, once the process has ended.
    fn all_lines(&mut self) -> Vec<String> {
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut self.log.lines.lock().unwrap())
    }

    /// Waits until so many lines of the log have this text.
    pub fn wait_for_log(&self, text: &str, count: usize) {
        let lines = self.log.lines.lock().unwrap();
        let missing = |lines: &mut Vec<String>| {
            lines.iter().filter(|line| line.contains(text)).count() < count
        };
        let patience = Duration::from_secs(10);
        let longer = &self.log.longer;
        let (lines, waited) = longer.wait_timeout_while(lines, patience, missing).unwrap();
        assert!(!waited.timed_out(), "no `{text}` in {lines:#?}");
    }

    pub async fn client(&self) -> CognitoIdentityServiceClient<Channel> {
        CognitoIdentityServiceClient::new(self.channel().await)
    }

    pub async fn channel(&self) -> Channel {
        let channel = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        channel.connect().await.unwrap()
    }
}

/// The one that was built for the tests, or `POOLGATE_TEST_BINARY`: what is measured is better
/// measured of a release build.
fn binary() -> OsString {
    std::env::var_os("POOLGATE_TEST_BINARY").unwrap_or(env!("CARGO_BIN_EXE_poolgate").into())
}

impl Log {
    fn add(&self, line: String) {
        self.lines.lock().unwrap().push(line);
        self.longer.notify_all();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
