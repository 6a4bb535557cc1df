//! The JWS vectors of Project Wycheproof (C2SP, Apache-2.0), which are not part of this
//! repository: `POOLGATE_WYCHEPROOF_JWS` names the file `json_web_signature_test.json`.

use std::collections::BTreeMap;

use poolgate::authn::KeySet;
use poolgate::authn::jws::{ALGORITHMS, Algorithm, Signed, Unverified};
use serde_json::{Value, json};

/// What is good by the vectors and refused here, by the rule: how many there are of
/// each.
const STRICTER: [(&str, usize); 7] = [
    ("a name of the key with `@`", 4),
    ("a symmetric key", 10),
    // P-521 by a name that does not exist; the vectors mean ES512.
    ("the algorithm ES521", 2),
    ("the algorithm PS384", 4),
    ("the algorithm PS512", 4),
    ("the algorithm RS384", 4),
    ("the algorithm RS512", 4),
];

#[test]
fn no_invalid_signature_of_wycheproof_is_accepted() {
    let Some(path) = std::env::var_os("POOLGATE_WYCHEPROOF_JWS") else {
        println!("skipped: POOLGATE_WYCHEPROOF_JWS names no file");
        return;
    };
    let vectors = std::fs::read(path).unwrap();
    let vectors: Value = serde_json::from_slice(&vectors).unwrap();
    let (mut ran, mut accepted) = (0, 0);
    let mut stricter = BTreeMap::<String, usize>::new();
    for group in vectors["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let verified = verify(&group["public"], test["jws"].as_str().unwrap());
            ran += 1;
            match (test["result"].as_str().unwrap(), verified) {
                ("valid", Ok(())) => accepted += 1,
                ("valid", Err(_)) => *stricter.entry(rule(&group["public"])).or_default() += 1,
                (_, verified) => assert!(verified.is_err(), "accepted: {test}"),
            }
        }
    }
    assert_eq!(ran, vectors["numberOfTests"].as_u64().unwrap());
    let stricter: Vec<(&str, usize)> = stricter
        .iter()
        .map(|(rule, count)| (rule.as_str(), *count))
        .collect();
    assert_eq!(stricter, STRICTER);
    println!("{ran} vectors, {accepted} accepted");
}

/// The rule by which a key is not used.
fn rule(key: &Value) -> String {
    let (name, id) = (key["alg"].as_str(), key["kid"].as_str());
    let is_ours = |name: &str| ALGORITHMS.iter().any(|(ours, _)| *ours == name);
    match (name, id) {
        (None, _) => "a symmetric key".to_owned(),
        (Some(name), _) if !is_ours(name) => format!("the algorithm {name}"),
        (_, Some(id)) if id.contains('@') => "a name of the key with `@`".to_owned(),
        _ => format!("none: {key}"),
    }
}

fn verify(key: &Value, token: &str) -> Result<(), String> {
    let all: Vec<Algorithm> = ALGORITHMS.iter().map(|(_, algorithm)| *algorithm).collect();
    let keys = KeySet::read(json!({"keys": [key]}).to_string().as_bytes())?;
    let verified = Signed::read(token)?.verify(&keys, &all);
    verified.map_err(|reason| match reason {
        Unverified::UnknownKey => "another key".to_owned(),
        Unverified::Refused(reason) => reason,
    })
}
