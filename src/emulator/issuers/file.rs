//! The file that names the login providers, in TOML or JSON.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Issuer, KeySet, Keys, issuer_url, provider};
use crate::emulator::document::{self, Mistakes};
use crate::fetch;
use crate::settings_file;

/// Reads the file; or every mistake in it, each with its place.
pub fn read(path: &Path) -> Result<Vec<Issuer>, Vec<String>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let document = document::read(path)?;
    let mut mistakes = Mistakes::default();
    let issuers = mistakes.issuers(&document, folder);
    mistakes.unless_any(issuers)
}

impl Mistakes {
    fn issuers(&mut self, document: &Value, folder: &Path) -> Vec<Issuer> {
        let mut seen = BTreeSet::new();
        let mut issuers = Vec::new();
        for (place, entry) in self.tables(document, "issuers") {
            let Some(issuer) = self.issuer(&place, entry, folder) else {
                continue;
            };
            match seen.insert(provider(&issuer.issuer)) {
                true => issuers.push(issuer),
                false => self.add(&format!("{place}.issuer"), "named before"),
            }
        }
        issuers
    }

    fn issuer(&mut self, place: &str, entry: &Map<String, Value>, folder: &Path) -> Option<Issuer> {
        let known = ["issuer", "jwks", "jwks_file", "jwks_url", "client_ids"];
        self.unknown(&format!("{place}."), entry, &known);
        let issuer = self.text(place, entry, "issuer");
        if entry.get("issuer").is_none() {
            self.add(&format!("{place}.issuer"), "missing");
        }
        if let Some(Err(reason)) = issuer.as_deref().map(issuer_url) {
            self.add(&format!("{place}.issuer"), reason);
        }
        let keys = self.keys(place, entry, folder);
        let client_ids = match entry.get("client_ids") {
            None => None,
            Some(list) => match texts(list) {
                Some(ids) => Some(ids),
                None => {
                    self.add(&format!("{place}.client_ids"), "not a list of texts");
                    None
                }
            },
        };
        Some(Issuer {
            issuer: issuer?,
            keys: keys?,
            client_ids,
        })
    }

    /// Exactly one of the three sources.
    fn keys(&mut self, place: &str, entry: &Map<String, Value>, folder: &Path) -> Option<Keys> {
        let sources = ["jwks", "jwks_file", "jwks_url"];
        let given = sources.iter().filter(|name| entry.contains_key(**name));
        let given: Vec<&str> = given.copied().collect();
        let [source] = given.as_slice() else {
            self.add(place, "wants one of `jwks`, `jwks_file` and `jwks_url`");
            return None;
        };
        let source_place = format!("{place}.{source}");
        let keys = match (*source, entry.get(*source)?) {
            ("jwks", set) => KeySet::of_json(set).map(Keys::Written),
            ("jwks_file", Value::String(name)) => set_in(&folder.join(name)).map(Keys::Written),
            (_, Value::String(url)) => fetch::check_url(url).map(|()| Keys::Fetched(url.clone())),
            _ => Err("not a text".to_owned()),
        };
        keys.map_err(|reason| self.add(&source_place, reason)).ok()
    }
}

fn set_in(path: &Path) -> Result<KeySet, String> {
    let text =
        settings_file::bytes(path).map_err(|reason| format!("{} {reason}", path.display()))?;
    let json = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    KeySet::of_json(&json)
}

fn texts(list: &Value) -> Option<Vec<String>> {
    let list = list.as_array()?.iter();
    list.map(|text| text.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuers.toml");
        let text = r#"
            colour = "blue"
            [[issuers]]
            issuer = "http://login.example.com"
            jwks_url = "http://login.example.com/keys"
            [[issuers]]
            jwks = {keys = []}
            client_ids = "app"
            [[issuers]]
            issuer = "https://a.example"
            jwks_url = "https://a.example/keys"
            jwks_file = "keys.json"
            [[issuers]]
            issuer = 5
            jwks_url = 6
        "#;
        fs::write(&path, text).unwrap();

        let mistakes = read(&path).unwrap_err();

        assert_eq!(
            mistakes,
            [
                "colour: unknown; known are `issuers`",
                "issuers[0].issuer: not an https URL",
                "issuers[0].jwks_url: not an https URL, nor an http URL of this machine",
                "issuers[1].issuer: missing",
                "issuers[1].jwks: no RSA key for signatures among `keys`",
                "issuers[1].client_ids: not a list of texts",
                "issuers[2]: wants one of `jwks`, `jwks_file` and `jwks_url`",
                "issuers[3].issuer: not a text",
                "issuers[3].jwks_url: not a text",
            ]
        );
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let in_toml = folder.path().join("issuers.toml");
        let in_json = folder.path().join("issuers.json");
        let keys = r#"{"keys": [{"kty": "RSA", "kid": "a", "n": "AJE", "e": "AQAB"}]}"#;
        fs::write(folder.path().join("keys.json"), keys).unwrap();
        let toml = "[[issuers]]\nissuer = \"https://a.example\"\njwks_file = \"keys.json\"\nclient_ids = [\"app\"]\n";
        fs::write(&in_toml, toml).unwrap();
        let json = format!(
            r#"{{"issuers": [{{"issuer": "https://a.example", "jwks": {keys}, "client_ids": ["app"]}}]}}"#
        );
        fs::write(&in_json, json).unwrap();

        let issuers = read(&in_toml).unwrap();

        assert_eq!(issuers, read(&in_json).unwrap());
        assert_eq!(issuers.len(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_one_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuers.json");

        let missing = read(&path).unwrap_err();
        fs::write(&path, "{\n\"issuers\": [}").unwrap();
        let broken = read(&path).unwrap_err();

        assert_eq!(missing.len(), 1);
        assert_eq!(broken, ["expected value at line 2 column 13"]);
    }
}
