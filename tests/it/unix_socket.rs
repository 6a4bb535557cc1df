//! Callers on this machine, over the Unix socket of the real binary.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use poolgate::pb::cognito_identity_service_client::CognitoIdentityServiceClient;
use poolgate::pb::{CreateIdentityPoolRequest, ListIdentityPoolsRequest};
use tempfile::TempDir;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::support::process::Process;
use crate::support::records::{outcomes, plain_records};

/// Readers by the kernel's word may read, and nobody may do more.
const POLICY: &str = r#"
@id("processes-read")
permit (principal in Poolgate::Role::"reader", action in Poolgate::Action::"read", resource)
when { principal.proof == "process" && context.peer_address.isLoopback() };
"#;

#[tokio::test]
async fn a_process_is_told_apart_by_its_user_and_the_record_says_so() {
    let served = Served::to(|uid| uid);
    let mut client = CognitoIdentityServiceClient::new(served.channel().await);

    let read = client.list_identity_pools(nothing()).await;
    let write = client.create_identity_pool(pool()).await;

    assert!(read.is_ok(), "{read:?}");
    assert_eq!(write.unwrap_err().code(), Code::PermissionDenied);
    let (code, _) = served.process.terminate();
    assert_eq!(code, Some(0));
    let records = plain_records(&served.directory.path().join("audit.jsonl"));
    let records = outcomes(&records);
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record["userIdentity"]["type"], "UnixProcess");
        assert_eq!(record["userIdentity"]["userName"], "tests");
        assert_eq!(record["userIdentity"]["principalId"], "process:tests");
        assert_eq!(record["sourceIPAddress"], "127.0.0.1");
        let process = &record["additionalEventData"]["process"];
        assert_eq!(process["uid"], served.uid);
        assert_eq!(process["pid"], std::process::id());
    }
}

#[tokio::test]
async fn a_process_that_is_not_listed_is_nobody_and_so_is_a_peer_of_the_network() {
    let served = Served::to(|uid| uid + 1);
    let over_the_socket = served.channel().await;
    let over_the_network = served.process.channel().await;

    for channel in [over_the_socket, over_the_network] {
        let mut client = CognitoIdentityServiceClient::new(channel);
        let refused = client.list_identity_pools(nothing()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let of_who_it_is = format!("unix:uid={}", served.uid);
    served.process.wait_for_log(&of_who_it_is, 1);
}

#[tokio::test]
async fn the_socket_is_for_whom_it_is_set_and_goes_with_the_server() {
    let served = Served::to(|uid| uid);
    let socket = served.socket();

    let metadata = std::fs::symlink_metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);

    let (code, _) = served.process.terminate();
    assert_eq!(code, Some(0));
    assert!(!Path::new(&socket).exists());
}

#[tokio::test]
async fn a_socket_that_a_killed_server_has_left_is_taken_over() {
    let served = Served::to(|uid| uid);
    let Served {
        process, directory, ..
    } = served;
    process.stop();
    assert!(directory.path().join("grpc.sock").exists());

    let served = Served::within(directory, |uid| uid);

    let mut client = CognitoIdentityServiceClient::new(served.channel().await);
    assert!(client.list_identity_pools(nothing()).await.is_ok());
}

#[tokio::test]
async fn of_two_servers_that_start_at_once_one_serves_and_the_other_says_why_not() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("grpc.sock");
    // What a killed server has left is what both want to take over.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .arg("serve")
            .env_clear()
            .env("POOLGATE_SERVER__LISTEN", "127.0.0.1:0")
            .env("POOLGATE_ADMIN__LISTEN", "off")
            .env("POOLGATE_SERVER__UNIX_SOCKET", &socket)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut servers = [start(), start()];

    // One of them ends by itself.
    let failed = loop {
        let has_ended = |it: &mut Child| it.try_wait().unwrap().is_some();
        if let Some(number) = servers.iter_mut().position(has_ended) {
            break number;
        }
        tokio::task::yield_now().await;
    };
    let [first, second] = servers;
    let (failed, mut serves) = match failed {
        0 => (first, second),
        _ => (second, first),
    };
    let failed = failed.wait_with_output().unwrap();
    let said = String::from_utf8(failed.stderr).unwrap();
    assert!(said.contains("in use"), "{said}");

    let mut lines = BufReader::new(serves.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("serving")));
    let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display())).unwrap();
    let mut client = CognitoIdentityServiceClient::new(endpoint.connect().await.unwrap());
    assert!(client.list_identity_pools(nothing()).await.is_ok());
    serves.kill().unwrap();
    serves.wait().unwrap();
}

#[test]
fn a_file_in_its_place_is_a_mistake_in_the_configuration() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("grpc.sock");
    std::fs::write(&file, "precious").unwrap();

    let ended = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("serve")
        .env_clear()
        .env("POOLGATE_SERVER__UNIX_SOCKET", &file)
        .output()
        .unwrap();

    assert_eq!(ended.status.code(), Some(78));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.contains("there is something there that is not a socket"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

struct Served {
    process: Process,
    uid: u32,
    directory: TempDir,
}

impl Served {
    /// To the user that `listed` makes of this one.
    fn to(listed: impl Fn(u32) -> u32) -> Self {
        Self::within(TempDir::new().unwrap(), listed)
    }

    fn within(directory: TempDir, listed: impl Fn(u32) -> u32) -> Self {
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let uid = std::fs::metadata(directory.path()).unwrap().uid();
        let callers = format!(
            "[[processes]]\nname = \"tests\"\nuid = {}\nroles = [\"reader\"]\n",
            listed(uid)
        );
        std::fs::write(path("callers.toml"), callers).unwrap();
        std::fs::write(path("policy.cedar"), POLICY).unwrap();
        let process = Process::start(&[
            ("POOLGATE_SERVER__UNIX_SOCKET", &path("grpc.sock")),
            ("POOLGATE_SERVER__UNIX_SOCKET_MODE", "0600"),
            ("POOLGATE_AUTHN__CALLERS_FILE", &path("callers.toml")),
            ("POOLGATE_POLICY__FILES", &path("policy.cedar")),
            ("POOLGATE_AUDIT__FILE", &path("audit.jsonl")),
            ("POOLGATE_SERVER__DRAIN_NOTICE", "0s"),
        ]);
        Self {
            process,
            uid,
            directory,
        }
    }

    fn socket(&self) -> String {
        let path = self.directory.path().join("grpc.sock");
        path.to_str().unwrap().to_owned()
    }

    async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("unix://{}", self.socket())).unwrap();
        endpoint.connect().await.unwrap()
    }
}

fn nothing() -> ListIdentityPoolsRequest {
    ListIdentityPoolsRequest::default()
}

fn pool() -> CreateIdentityPoolRequest {
    CreateIdentityPoolRequest {
        identity_pool_name: "shop".to_owned(),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    }
}
