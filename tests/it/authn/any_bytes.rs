use std::sync::Arc;

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Door, ISSUER, NOW};
use crate::support::tokens::{Issuer, Site};

/// A key set that nobody has the private half of, and a static token.
fn door() -> Door {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("callers.toml");
    let keys = Issuer::new(ISSUER).jwks().to_string();
    std::fs::write(folder.path().join("keys.json"), keys).unwrap();
    let hash = "a5dd".repeat(16);
    let text = format!(
        "[[issuers]]\nissuer = \"{ISSUER}\"\naudiences = [\"poolgate\"]\n\
         algorithms = [\"ES256\"]\njwks_file = \"keys.json\"\n\
         [[tokens]]\nname = \"ci\"\nsha256 = \"{hash}\"\n"
    );
    std::fs::write(&path, text).unwrap();
    let callers = poolgate::authn::Callers::read(&path).unwrap();
    let door = Door::new("[certificates]", &Arc::<Site>::default());
    door.authenticator.reload(callers);
    door
}

fn is_refused(door: &Door, values: &[Vec<u8>]) -> bool {
    let values = values.iter().map(Vec::as_slice);
    let answer = door.authenticator.authenticate(None, values);
    // Nothing has to be fetched, so that there is nothing to wait for.
    answer.now_or_never().unwrap().is_err()
}

proptest! {
    #[test]
    fn random_bytes_let_nobody_in(values in prop::collection::vec(any::<Vec<u8>>(), 0..3)) {
        prop_assert!(is_refused(&door(), &values));
    }

    #[test]
    fn random_tokens_let_nobody_in(token in "[Bb]earer [A-Za-z0-9._~+/=-]{0,200}") {
        prop_assert!(is_refused(&door(), &[token.into_bytes()]));
    }

    #[test]
    fn random_headers_and_signatures_let_nobody_in(
        alg in prop_oneof![Just("ES256".to_owned()), Just("none".to_owned()), any::<String>()],
        kid in prop::option::of(prop_oneof![Just("key-1".to_owned()), any::<String>()]),
        signature in prop::collection::vec(any::<u8>(), 0..100),
        more in any::<String>(),
    ) {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
        let mut header = json!({"alg": alg, "kid": kid});
        header[more] = Value::Null;
        let claims = Issuer::new(ISSUER).claims("shop", NOW);
        let [header, claims] = [header, claims].map(|part| BASE64.encode(part.to_string()));
        let token = format!("Bearer {header}.{claims}.{}", BASE64.encode(signature));
        prop_assert!(is_refused(&door(), &[token.into_bytes()]));
    }
}
