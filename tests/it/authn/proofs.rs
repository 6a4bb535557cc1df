use aws_lc_rs::digest::{SHA256, digest};
use poolgate::authn::Method;
use poolgate::caller::{Caller, Proof};
use serde_json::json;

use super::{Door, ISSUER, NOW, with_uri};
use crate::support::tokens::Issuer;

const SHOP: &str = "spiffe://example.org/shop";
const TILL: &str = "spiffe://example.org/till";
const STATIC: &str = "c2l4dGVlbiBieXRlcyBvZiBpdA";

/// What the file says, what a call shows, and what becomes of it.
struct Case {
    both: &'static str,
    require: &'static str,
    certificate: Option<&'static str>,
    /// A subject, `static` or `bad`.
    token: Option<&'static str>,
    becomes: Result<&'static str, Method>,
}

#[tokio::test]
async fn a_certificate_and_a_token_go_together_by_the_rules_of_the_file() {
    use Method::{Both, Certificate, Jwt, None as Nothing, Token};
    let (any, all) = ("any", "all");
    let (same, cert, token) = ("same-caller", "certificate", "token");
    let cases = [
        (same, any, None, None, Err(Nothing)),
        (same, any, Some(SHOP), None, Ok(SHOP)),
        (same, any, None, Some(SHOP), Ok(SHOP)),
        (same, any, Some(SHOP), Some(SHOP), Ok(SHOP)),
        (same, any, Some(SHOP), Some(TILL), Err(Both)),
        (same, any, Some(SHOP), Some("static"), Err(Both)),
        (same, any, Some(SHOP), Some("bad"), Err(Jwt)),
        (same, any, Some("bad"), Some(SHOP), Err(Certificate)),
        (same, any, None, Some("bad"), Err(Jwt)),
        (same, any, None, Some("static"), Ok("token:ci")),
        (cert, any, Some(SHOP), Some(TILL), Ok(SHOP)),
        (cert, any, Some(SHOP), Some("static"), Ok(SHOP)),
        (cert, any, Some(SHOP), Some("bad"), Err(Jwt)),
        (cert, any, Some("bad"), Some(SHOP), Err(Certificate)),
        (cert, any, None, Some(TILL), Ok(TILL)),
        (token, any, Some(SHOP), Some(TILL), Ok(TILL)),
        (token, any, Some(SHOP), Some("static"), Ok("token:ci")),
        (token, any, Some(SHOP), Some("bad"), Err(Jwt)),
        (token, any, Some("bad"), Some(TILL), Err(Certificate)),
        (token, any, Some(SHOP), None, Ok(SHOP)),
        (same, all, Some(SHOP), Some(SHOP), Ok(SHOP)),
        (same, all, Some(SHOP), Some(TILL), Err(Both)),
        (same, all, Some(SHOP), None, Err(Certificate)),
        (same, all, None, Some(SHOP), Err(Token)),
        (same, all, None, None, Err(Nothing)),
        (token, all, Some(SHOP), Some(TILL), Ok(TILL)),
        (cert, all, Some(SHOP), Some(TILL), Ok(SHOP)),
        (cert, all, None, Some(TILL), Err(Token)),
    ];
    let issuer = Issuer::new(ISSUER);
    for (both, require, certificate, token, becomes) in cases {
        let case = Case {
            both,
            require,
            certificate,
            token,
            becomes,
        };
        assert_case(&issuer, &case).await;
    }
}

async fn assert_case(issuer: &Issuer, case: &Case) {
    let Case {
        both,
        require,
        certificate,
        token,
        becomes,
    } = case;
    let callers = format!(
        "both = \"{both}\"\nrequire = \"{require}\"\n{}",
        listed(issuer)
    );
    let door = Door::new(&callers, &issuer.site);
    let certificate = certificate.map(|uri| match uri {
        "bad" => with_uri("https://example.org/shop"),
        uri => with_uri(uri),
    });
    let token = token.map(|token| match token {
        "static" => format!("Bearer {STATIC}"),
        "bad" => {
            let token = issuer.sign(&json!({"iss": ISSUER, "sub": SHOP}));
            format!("Bearer {token}")
        }
        subject => format!("Bearer {}", issuer.token(subject, NOW)),
    });
    let values: Vec<&str> = token.as_deref().into_iter().collect();

    let answer = door.ask(certificate.as_ref(), &values).await;

    let answer = answer.as_ref().map(Caller::id);
    let answer = answer.map_err(|refusal| refusal.method);
    assert_eq!(
        answer,
        *becomes,
        "{both}, {require}, {certificate:?}, {}",
        values.len()
    );
}

#[tokio::test]
async fn two_proofs_of_one_caller_add_up_and_the_tokens_words_win() {
    let issuer = Issuer::new(ISSUER);
    let door = Door::new(&listed(&issuer), &issuer.site);
    let mut claims = issuer.claims(SHOP, NOW);
    claims["team"] = json!("of the token");
    let token = format!("Bearer {}", issuer.sign(&claims));

    let caller = door.ask(Some(&with_uri(SHOP)), &[&token]).await.unwrap();

    assert_eq!(
        caller.roles().iter().collect::<Vec<_>>(),
        ["by-certificate", "by-token"]
    );
    assert_eq!(caller.attributes()["team"], "of the token");
    assert_eq!(caller.attributes()["floor"], "3");
    assert!(matches!(caller.proof(), Proof::Jwt { .. }));
}

#[tokio::test]
async fn certificates_that_name_nobody_can_be_left_aside() {
    let issuer = Issuer::new(ISSUER);
    let callers = format!("[certificates]\nnames = []\n{}", issuer.row(""));
    let door = Door::new(&callers, &issuer.site);
    let token = format!("Bearer {}", issuer.token("shop", NOW));

    let alone = door.ask(Some(&with_uri(SHOP)), &[]).await.unwrap_err();
    let both = door.ask(Some(&with_uri(SHOP)), &[&token]).await.unwrap();

    assert_eq!(alone.method, Method::None);
    assert_eq!(both.id(), "https://login.example.com|shop");
}

fn listed(issuer: &Issuer) -> String {
    let hash: String = digest(&SHA256, STATIC.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let issuer = issuer.row(
        "caller_claim = \"sub\"\nattributes = { team = \"team\" }\n\
         roles = [{ claim = \"aud\", value = \"poolgate\", role = \"by-token\" }]",
    );
    format!(
        "[[certificates.map]]\nname = \"{SHOP}\"\nroles = [\"by-certificate\"]\n\
         attributes = {{ team = \"of the certificate\", floor = \"3\" }}\n{issuer}\n\
         [[tokens]]\nname = \"ci\"\nsha256 = \"{hash}\"\n"
    )
}
