//! What a digest looks like, and where it lies.
//!
//! A digest lies beside its journal, in `digests/{stem}-{time of its end}.json.gz`, and
//! its signature in hexadecimal digits in a file that is called the same with `.sig`
//! behind. To AWS's validator the journal's folder is a bucket, `poolgate`, and a file's
//! path in it is the key of an object.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::audit::files;
use crate::audit::line::Hash;
use crate::audit::listing::Listing;
use crate::audit::stamp::parse_stamp;

pub(in crate::audit) const BUCKET: &str = "poolgate";
pub(in crate::audit) const HASH_ALGORITHM: &str = "SHA-256";
pub(in crate::audit) const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
const ENDING: &str = ".json.gz";
const SIGNATURE_ENDING: &str = ".json.gz.sig";
/// The largest digest, in bytes; one of 100,000 files has 30 MB.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A digest file of CloudTrail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit) struct Digest {
    pub(in crate::audit) aws_account_id: String,
    pub(in crate::audit) digest_start_time: String,
    pub(in crate::audit) digest_end_time: String,
    pub(in crate::audit) digest_s3_bucket: String,
    pub(in crate::audit) digest_s3_object: String,
    pub(in crate::audit) digest_public_key_fingerprint: String,
    pub(in crate::audit) digest_signature_algorithm: String,
    pub(in crate::audit) newest_event_time: Option<String>,
    pub(in crate::audit) oldest_event_time: Option<String>,
    pub(in crate::audit) previous_digest_s3_bucket: Option<String>,
    pub(in crate::audit) previous_digest_s3_object: Option<String>,
    pub(in crate::audit) previous_digest_hash_value: Option<String>,
    pub(in crate::audit) previous_digest_hash_algorithm: Option<String>,
    pub(in crate::audit) previous_digest_signature: Option<String>,
    pub(in crate::audit) log_files: Vec<LogFile>,
}

/// A closed file, as a digest has it. The hash is of what it was before it was
/// compressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit) struct LogFile {
    pub(in crate::audit) s3_bucket: String,
    pub(in crate::audit) s3_object: String,
    pub(in crate::audit) hash_value: String,
    pub(in crate::audit) hash_algorithm: String,
    pub(in crate::audit) newest_event_time: Option<String>,
    pub(in crate::audit) oldest_event_time: Option<String>,
}

/// What a digest says of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Previous {
    pub(in crate::audit) object: String,
    pub(in crate::audit) hash: Hash,
    pub(in crate::audit) signature: String,
}

/// The files of a journal's digests, in their order.
#[derive(Clone, Debug, Default)]
pub(in crate::audit) struct Files {
    pub(in crate::audit) digests: Vec<String>,
    /// Signatures without a digest.
    pub(in crate::audit) orphans: Vec<String>,
}

impl Digest {
    /// What is signed.
    pub(in crate::audit) fn to_sign(&self, hash: Hash) -> Vec<u8> {
        let Self {
            digest_end_time: end,
            digest_s3_bucket: bucket,
            digest_s3_object: object,
            ..
        } = self;
        let previous = self.previous_digest_signature.as_deref();
        let previous = previous.unwrap_or("null");
        format!("{end}\n{bucket}/{object}\n{hash}\n{previous}").into_bytes()
    }

    /// The compressed digest, and the hash of what it was before.
    pub(in crate::audit) fn to_bytes(&self) -> io::Result<(Vec<u8>, Hash)> {
        let text = serde_json::to_vec(self)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&text)?;
        Ok((encoder.finish()?, Hash::of(&text)))
    }

    /// Reads a digest, and the hash of what it was before it was compressed.
    pub(in crate::audit) fn read(path: &Path) -> io::Result<(Self, Hash)> {
        let zipped = read_file(path)?;
        let mut text = Vec::new();
        let mut decoder = GzDecoder::new(zipped.as_slice());
        decoder.by_ref().take(MOST_BYTES).read_to_end(&mut text)?;
        if !decoder.into_inner().is_empty() {
            return Err(io::Error::other(
                "bytes follow the end of what is compressed",
            ));
        }
        Ok((serde_json::from_slice(&text)?, Hash::of(&text)))
    }
}

/// Where a digest that ends then lies, from the journal's folder.
pub(in crate::audit) fn object(stem: &str, stamp: &str) -> String {
    format!("digests/{stem}-{stamp}{ENDING}")
}

/// The file beside a digest.
pub(in crate::audit) fn signature_path(digest: &Path) -> PathBuf {
    let mut path = digest.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// The signature beside a digest: its digits and the end of the line.
pub(in crate::audit) fn read_signature(digest: &Path) -> io::Result<String> {
    let text = read_file(&signature_path(digest))?;
    let text = String::from_utf8(text).unwrap_or_default();
    Ok(text.strip_suffix('\n').unwrap_or_default().to_owned())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = files::open(path)?;
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// When a digest of a journal ends, by its name.
fn end_of(stem: &str, name: &str, ending: &str) -> Option<SystemTime> {
    let stamp = name.strip_prefix(stem)?.strip_prefix('-')?;
    parse_stamp(stamp.strip_suffix(ending)?)
}

impl Files {
    pub(in crate::audit) fn of(listing: &Listing) -> io::Result<Self> {
        let entries = match fs::read_dir(listing.digests()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        let stem = listing.names.stem();
        let is_digest = |name: &String| end_of(stem, name, ENDING).is_some();
        let is_orphan = |name: &String| {
            let digest = name.strip_suffix(".sig").unwrap_or_default();
            end_of(stem, name, SIGNATURE_ENDING).is_some()
                && names
                    .binary_search_by(|other| other.as_str().cmp(digest))
                    .is_err()
        };
        Ok(Self {
            digests: names
                .iter()
                .filter(|name| is_digest(name))
                .cloned()
                .collect(),
            orphans: names
                .iter()
                .filter(|name| is_orphan(name))
                .cloned()
                .collect(),
        })
    }
}
