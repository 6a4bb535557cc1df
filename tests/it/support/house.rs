//! poolgate in this process, on a real socket, with callers and policies as an operator
//! writes them.

use std::path::PathBuf;
use std::time::Duration;

use poolgate::config::{Config, Sources};
use poolgate::server::{self, Running};
use tempfile::TempDir;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::guarded::{self, Bearer, sha256};

/// Long enough for anything that is not broken.
pub const LONG: Duration = Duration::from_secs(60);

/// A running poolgate and its files.
pub struct House {
    pub running: Running,
    directory: TempDir,
}

/// What an operator writes about callers.
pub struct Rules {
    files: Vec<(&'static str, String)>,
    environment: Vec<(String, String)>,
}

impl Rules {
    /// A callers file in which `{name}` stands for the hash of the token of each of
    /// `names`, and policies.
    pub fn new(callers: &str, names: &[&str], policies: &str) -> Self {
        let mut filled = callers.to_owned();
        for name in names {
            filled = filled.replace(&format!("{{{name}}}"), &sha256(&token(name)));
        }
        Self {
            files: vec![
                ("callers.toml", filled),
                ("house.cedar", policies.to_owned()),
            ],
            environment: vec![
                set("POOLGATE_SERVER__LISTEN", "127.0.0.1:0"),
                set("POOLGATE_ADMIN__LISTEN", "off"),
                set("POOLGATE_AUTHN__CALLERS_FILE", "{}/callers.toml"),
                set("POOLGATE_POLICY__FILES", "{}/house.cedar"),
                set("POOLGATE_POLICY__ALLOWED_ROLE_ARNS", "*"),
            ],
        }
    }

    /// The same with one more setting, by its variable.
    #[must_use]
    pub fn and(mut self, variable: &str, value: &str) -> Self {
        self.environment.push(set(variable, value));
        self
    }

    /// What the engines are set to, with files in this directory.
    pub fn engines(
        &self,
        directory: &TempDir,
    ) -> (poolgate::authn::Settings, poolgate::policy::Settings) {
        self.write(directory);
        let config = self.load(directory);
        (config.authn, config.policy)
    }

    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, name: &'static str, content: &str) -> Self {
        self.files.push((name, content.to_owned()));
        self
    }

    fn write(&self, directory: &TempDir) {
        for (name, content) in &self.files {
            std::fs::write(directory.path().join(name), content).unwrap();
        }
    }

    fn load(&self, directory: &TempDir) -> Config {
        let at = directory.path().to_str().unwrap();
        let filled = self.environment.iter();
        let sources = Sources {
            environment: filled
                .map(|(name, value)| (name.clone(), value.replace("{}", at)))
                .collect(),
            ..Sources::default()
        };
        Config::load(&sources).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    /// What is in one of the files.
    pub fn content(&self, name: &str) -> &str {
        let mut files = self.files.iter();
        &files.find(|(file, _)| *file == name).unwrap().1
    }
}

impl House {
    pub async fn start(rules: Rules) -> Self {
        let directory = TempDir::new().unwrap();
        rules.write(&directory);
        let parts = server::Parts::from(rules.load(&directory));
        let running = server::start(parts).await.unwrap();
        Self { running, directory }
    }

    /// The server, which can be ended, and its files.
    pub fn into_parts(self) -> (Running, TempDir) {
        (self.running, self.directory)
    }

    /// A file of the house.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A connection on which each call carries the token of this caller; `nobody` has
    /// none.
    pub async fn channel(&self, caller: &str) -> guarded::Channel {
        let address = format!("http://{}", self.running.address);
        let channel = Channel::from_shared(address)
            .unwrap()
            .connect()
            .await
            .unwrap();
        let bearer = match caller {
            "nobody" => Bearer::none(),
            caller => Bearer::new(&format!("Bearer {}", token(caller))),
        };
        InterceptedService::new(channel, bearer)
    }
}

/// The static token of a caller.
pub fn token(caller: &str) -> String {
    format!("token-of-{caller}-with-enough-bits")
}

fn set(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
