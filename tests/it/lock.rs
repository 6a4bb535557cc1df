//! What `Cargo.lock` may hold: one HTTP and TLS stack, none of the versions with
//! known holes, and nothing that does not come from the registry.

use std::fs;

use toml::{Table, Value};

/// Crates of which the tree holds exactly one version.
const ONE_VERSION: &[&str] = &[
    "h2",
    "http",
    "http-body",
    "hyper",
    "prost",
    "rustls",
    "rustls-webpki",
    "tokio-rustls",
    "tonic",
];

/// The lowest version of a crate, and why.
const FLOORS: &[(&str, [u64; 3], &str)] = &[
    ("aws-lc-sys", [0, 39, 0], "advisories of March 2026"),
    (
        "h2",
        [0, 4, 20],
        "RUSTSEC-2024-0332 and RUSTSEC-2026-0258; counting of refused streams",
    ),
    (
        "hyper",
        [1, 5, 1],
        "the limit of local resets is passed on wrongly before",
    ),
    ("jsonwebtoken", [10, 3, 0], "CVE-2026-25537"),
    ("prost", [0, 14, 0], "RUSTSEC-2020-0002, recursion"),
    (
        "rustls",
        [0, 23, 18],
        "RUSTSEC-2024-0336 and RUSTSEC-2024-0399",
    ),
    (
        "rustls-webpki",
        [0, 103, 13],
        "RUSTSEC-2026-0049, -0098, -0099 and -0104",
    ),
    (
        "tonic",
        [0, 14, 9],
        "RUSTSEC-2024-0376; the listener is closed before the drain",
    ),
];

/// Crates that are not in the tree, and why.
const BANNED: &[(&str, &str)] = &[
    ("native-tls", "TLS is rustls"),
    ("openssl", "TLS is rustls"),
    ("openssl-sys", "TLS is rustls"),
    ("rsa", "RUSTSEC-2023-0071; RSA is aws-lc-rs"),
];

#[test]
fn the_lock_file_keeps_to_its_rules() {
    let lock: Table = fs::read_to_string("Cargo.lock").unwrap().parse().unwrap();

    let found = violations(&lock);

    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn violations(lock: &Table) -> Vec<String> {
    let packages: Vec<&Table> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_table)
        .collect();
    let versions = |wanted: &str| -> Vec<&str> {
        packages
            .iter()
            .filter(|package| package["name"].as_str() == Some(wanted))
            .filter_map(|package| package["version"].as_str())
            .collect()
    };
    let mut found = Vec::new();

    for name in ONE_VERSION {
        let held = versions(name);
        if held.len() != 1 {
            found.push(format!(
                "{name}: exactly one version is wanted, found {held:?}"
            ));
        }
    }
    for (name, floor, why) in FLOORS {
        for version in versions(name)
            .into_iter()
            .filter(|held| number(held) < *floor)
        {
            let [major, minor, patch] = floor;
            found.push(format!(
                "{name} {version}: at least {major}.{minor}.{patch} ({why})"
            ));
        }
    }
    for (name, why) in BANNED {
        if !versions(name).is_empty() {
            found.push(format!("{name}: banned ({why})"));
        }
    }
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let source = package.get("source").and_then(Value::as_str);
        if let Some(source) = source.filter(|source| !source.starts_with("registry+")) {
            found.push(format!(
                "{name}: comes from {source}, not from the registry"
            ));
        }
        // The lock file lists ring under rustls-webpki although no feature asks for it:
        // a feature that is only passed on (`ring?/std`) is enough for that.
        if depends_on(package, "ring") && name != "rustls-webpki" {
            found.push(format!(
                "{name}: brings in ring; the one cryptography is aws-lc-rs"
            ));
        }
    }
    found
}

/// `1.12.0+spec` as `[1, 12, 0]`.
fn number(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap());
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

fn depends_on(package: &Table, other: &str) -> bool {
    let dependencies = package.get("dependencies").and_then(Value::as_array);
    dependencies.into_iter().flatten().any(|dependency| {
        let name = dependency.as_str().and_then(|text| text.split(' ').next());
        name == Some(other)
    })
}

#[test]
fn each_rule_notices_a_planted_violation() {
    const CASES: &[(&str, &str, &str)] = &[
        ("h2", "0.3.27", "h2: exactly one version"),
        ("h2", "0.3.27", "h2 0.3.27: at least 0.4.20"),
        ("hyper", "0.14.32", "hyper 0.14.32: at least 1.5.1"),
        (
            "rustls-webpki",
            "0.103.9",
            "rustls-webpki 0.103.9: at least 0.103.13",
        ),
        ("openssl", "0.10.0", "openssl: banned"),
    ];
    let plant = |name: &str, version: &str, rest: &str| -> Vec<String> {
        let mut text = fs::read_to_string("Cargo.lock").unwrap();
        text.push_str(&format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}\n"
        ));
        violations(&text.parse().unwrap())
    };
    for (name, version, says) in CASES {
        let found = plant(name, version, "");
        assert!(
            found.iter().any(|text| text.starts_with(says)),
            "{says}: {found:?}"
        );
    }
    let found = plant("mine", "1.0.0", "source = \"git+https://example.com/mine\"");
    assert!(found[0].starts_with("mine: comes from git+"), "{found:?}");
    let found = plant("mine", "1.0.0", "dependencies = [\"ring\"]");
    assert!(found[0].starts_with("mine: brings in ring"), "{found:?}");
}
