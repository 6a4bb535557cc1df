//! Callers that the kernel vouches for.

use poolgate::authn::Method;
use poolgate::caller::{Address, Caller, Peer, Process, Proof};

use super::{Door, ISSUER};
use crate::support::tokens::{Issuer, Site};

const STATIC: &str = "c2l4dGVlbiBieXRlcyBvZiBpdA";

const LISTED: &str = r#"
[[processes]]
name = "backup"
uid = 1001
gid = 50
roles = ["reader"]
attributes = { team = "storage" }

[[processes]]
name = "ann"
uid = 1001

[[processes]]
name = "wheel"
gid = 10
"#;

#[tokio::test]
async fn a_process_is_who_the_first_row_says_that_fits_its_user_and_group() {
    for (uid, gid, name) in [
        (1001, 50, Some("backup")),
        (1001, 51, Some("ann")),
        (1001, 10, Some("ann")),
        (0, 10, Some("wheel")),
        (0, 0, None),
        (50, 1001, None),
    ] {
        let answer = ask(LISTED, uid, gid, &[]).await;

        match name {
            Some(name) => {
                let caller = answer.unwrap();
                assert_eq!(caller.id(), format!("process:{name}"));
                let name = name.to_owned();
                assert_eq!(*caller.proof(), Proof::Process { name });
            }
            None => assert_eq!(answer.unwrap_err(), Method::Process, "{uid} {gid}"),
        }
    }
    let backup = ask(LISTED, 1001, 50, &[]).await.unwrap();
    assert!(backup.roles().contains("reader"));
    assert_eq!(backup.attributes()["team"], "storage");
}

#[tokio::test]
async fn a_process_and_a_token_go_together_by_the_rules_of_the_file() {
    let ci = format!("Bearer {STATIC}");
    let (listed, other) = (1001, 7);
    for (rule, uid, authorization, becomes) in [
        // Whoever forwards the calls of others is nobody by itself.
        ("", other, Some(&*ci), Ok("token:ci")),
        ("", other, None, Err(Method::Process)),
        ("", listed, Some(&*ci), Err(Method::Both)),
        ("", listed, Some("Bearer bad"), Err(Method::Token)),
        ("both = \"token\"", listed, Some(&*ci), Ok("token:ci")),
        ("both = \"token\"", listed, None, Ok("process:ann")),
        (
            "both = \"certificate\"",
            listed,
            Some(&*ci),
            Ok("process:ann"),
        ),
        ("require = \"all\"", listed, None, Err(Method::Process)),
        ("require = \"all\"", other, Some(&*ci), Err(Method::Token)),
    ] {
        let callers = format!("{rule}\n{LISTED}\n{}", token_row());
        let authorization: Vec<&str> = authorization.into_iter().collect();

        let answer = ask(&callers, uid, 0, &authorization).await;

        let answer = answer.map(|caller| caller.id().to_owned());
        assert_eq!(answer, becomes.map(str::to_owned), "{rule} {uid}");
    }
}

/// An issuer could otherwise make tokens for somebody else's processes.
#[tokio::test]
async fn no_issuer_gives_the_name_of_a_process() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::of(&issuer, "caller_claim = \"sub\"\n");

    let cause = door.refusal(&issuer.token("process:ann", door.now())).await;

    assert!(cause.contains("given to others"), "{cause}");
}

fn token_row() -> String {
    let hash = crate::support::guarded::sha256(STATIC);
    format!("[[tokens]]\nname = \"ci\"\nsha256 = \"{hash}\"\n")
}

async fn ask(callers: &str, uid: u32, gid: u32, authorization: &[&str]) -> Result<Caller, Method> {
    let door = Door::new(callers, &std::sync::Arc::<Site>::default());
    let peer = Peer::at(Address::Process(Process {
        uid,
        gid,
        pid: None,
        connection: 0,
    }));
    let values = authorization.iter().map(|value| value.as_bytes());
    let answer = door.authenticator.authenticate(Some(&peer), values).await;
    answer.map_err(|refusal| refusal.method)
}
