//! Login providers of the emulator.

use std::path::PathBuf;

use super::{Accepts, Shape};
use crate::config::hidden::is_no_path;
use crate::emulator;

/// Addresses of issuers.
pub(in crate::config) struct IssuerUrls;

impl Accepts for IssuerUrls {
    type Value = Vec<String>;

    fn parse(&self, text: &str) -> Result<Vec<String>, String> {
        each(text, |url| {
            emulator::issuer_url(url)?;
            Ok(url.to_owned())
        })
    }

    fn accepted(&self) -> String {
        "a list of https URLs, such as `https://login.example.com`; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn hides(&self, text: &str) -> bool {
        text.contains(['@', '?', '#'])
    }
}

/// Files of metadata, each with the ARN of its provider.
pub(in crate::config) struct SamlFiles;

impl Accepts for SamlFiles {
    type Value = Vec<(String, PathBuf)>;

    fn parse(&self, text: &str) -> Result<Vec<(String, PathBuf)>, String> {
        each(text, |pair| {
            let (arn, path) = pair.split_once('=').ok_or("without `=`")?;
            if !arn.starts_with("arn:") || !arn.contains(":saml-provider/") {
                return Err("not the ARN of a SAML provider".to_owned());
            }
            Ok((arn.to_owned(), path.into()))
        })
    }

    fn accepted(&self) -> String {
        "a list of ARNs with files, such as `arn:aws:iam::123456789012:saml-provider/idp=idp.xml`; in the environment separated by commas".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn hides(&self, text: &str) -> bool {
        let paths = text.split(',').filter_map(|pair| pair.split_once('='));
        text.contains("://") || paths.map(|(_, path)| path.trim()).any(is_no_path)
    }
}

/// Reads every word of a list, or tells what is wrong with each bad one.
fn each<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut values = Vec::new();
    let mut wrong = Vec::new();
    for word in text.split(',').map(str::trim) {
        match read(word) {
            Ok(value) => values.push(value),
            Err(reason) => wrong.push(format!("`{word}` is {reason}")),
        }
    }
    match wrong.is_empty() {
        true => Ok(values),
        false => Err(wrong.join(", ")),
    }
}
