use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use poolgate::caller::Proof;

use super::{Door, NOW};
use crate::support::tokens::Site;

const TOKEN: &str = "c2l4dGVlbiBieXRlcyBvZiBpdA";

fn row(name: &str, token: &str, more: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    let hash: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{hash}\"\n{more}\n")
}

#[tokio::test]
async fn a_listed_token_says_who_calls() {
    let more = "roles = [\"admin\"]\nattributes = { team = \"ops\" }";
    let door = Door::new(&row("ci", TOKEN, more), &Arc::<Site>::default());

    let caller = door.bearer(TOKEN).await.unwrap();

    assert_eq!(caller.id(), "token:ci");
    let name = "ci".to_owned();
    assert_eq!(*caller.proof(), Proof::StaticToken { name });
    assert!(caller.roles().contains("admin"));
    assert_eq!(caller.attributes()["team"], "ops");
}

#[tokio::test]
async fn tokens_that_are_not_listed_weak_or_old_are_refused() {
    let short = "only-21-characters-xx";
    let dotted = "three.parts.but-no-issuer";
    let callers = [
        row("ci", TOKEN, "expires = 2027-01-15T08:00:10Z"),
        row("short", short, ""),
        row("dotted", dotted, ""),
    ];
    let door = Door::new(&callers.concat(), &Arc::<Site>::default());
    assert_eq!(NOW, 1_800_000_000, "2027-01-15T08:00:00Z");

    assert!(door.bearer(TOKEN).await.is_ok());
    assert!(door.bearer(dotted).await.is_ok());
    for (token, says) in [
        (short, "`token:short` has fewer than 22 characters"),
        (
            "c2l4dGVlbiBieXRlcyBvZiBpdB",
            "the token is not in the callers file",
        ),
        (
            "C2L4DGVLBIBIEXRLCYBVZIBPDA",
            "the token is not in the callers file",
        ),
        (
            "c2l4dGVlbiBieXRlcyBvZiBpd",
            "the token is not in the callers file",
        ),
        ("a.b.c", "the header is not base64url"),
    ] {
        let cause = door.refusal(token).await;
        assert!(cause.contains(says), "{token}: {cause}");
    }

    door.advance(10);
    assert_eq!(door.refusal(TOKEN).await, "`token:ci` has expired");
}
