//! The digests of a journal, and the files they list.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::fault::{Fault, What};
use super::file::Found;
use super::{Digests, Report};
use crate::audit::blocks::is_damage;
use crate::audit::digest::{Digest, Files, Previous, read_signature};
use crate::audit::listing::Listing;
use crate::audit::sign::PublicKey;

/// Checks all digests and what they say.
pub(super) fn check(listing: &Listing, files: &[Found], keys: &[PublicKey], report: &mut Report) {
    let folder = listing.digests();
    let there = match Files::of(listing) {
        Ok(there) => there,
        Err(error) => {
            report.unreadable.push((folder, error.to_string()));
            return;
        }
    };
    let by_name = files
        .iter()
        .filter_map(|file| Some((file.name.as_deref()?, file)));
    let mut checked = Checked {
        listing,
        keys,
        files: by_name.collect(),
        first_seq: report.first.map_or(0, |(seq, _)| seq),
        folder,
        listed: HashSet::new(),
        faults: Vec::new(),
        unreadable: Vec::new(),
        digests: Digests::default(),
    };
    let mut previous = None;
    for (at, name) in there.digests.iter().enumerate() {
        previous = checked.digest(name, previous, at == 0);
    }
    if checked.faults.is_empty() && checked.unreadable.is_empty() {
        checked.unlisted();
    }
    report.faults.append(&mut checked.faults);
    report.unreadable.append(&mut checked.unreadable);
    report.digests = checked.digests;
}

struct Checked<'a> {
    listing: &'a Listing,
    keys: &'a [PublicKey],
    files: HashMap<&'a str, &'a Found>,
    /// What was before it was taken away on purpose.
    first_seq: u64,
    folder: PathBuf,
    /// Names of files that are in digests.
    listed: HashSet<String>,
    faults: Vec<Fault>,
    unreadable: Vec<(PathBuf, String)>,
    digests: Digests,
}

impl Checked<'_> {
    /// Gives back what the next digest has to say of this one, if that can be told.
    fn digest(
        &mut self,
        name: &str,
        previous: Option<Previous>,
        is_first: bool,
    ) -> Option<Previous> {
        let path = self.folder.join(name);
        self.digests.count += 1;
        let (digest, hash) = match Digest::read(&path) {
            Ok(read) => read,
            Err(error) => return self.failed(path, &error),
        };
        let position = self.position(&digest);
        let mut blame = |what| self.faults.push(Fault::of_file(&path, position, what));
        if digest.digest_s3_object != format!("digests/{name}") {
            blame(What::RenamedDigest(digest.digest_s3_object));
            return None;
        }
        let signature = match read_signature(&path) {
            Ok(signature) => signature,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                blame(What::Unsigned);
                return None;
            }
            Err(error) => return self.failed(path, &error),
        };
        if !self.keys.is_empty() {
            let fingerprint = &digest.digest_public_key_fingerprint;
            let mut keys = self.keys.iter();
            let Some(key) = keys.find(|key| key.fingerprint() == *fingerprint) else {
                blame(What::OtherKey(digest.digest_public_key_fingerprint));
                return None;
            };
            if !key.has_signed(&digest.to_sign(hash), &signature) {
                blame(What::WronglySigned);
                return None;
            }
            self.digests.signed += 1;
        }
        if let Err(what) = follows(&digest, previous.as_ref(), is_first) {
            blame(what);
        }
        self.digests.is_suffix |= is_first && digest.previous_digest_s3_object.is_some();
        self.digests.until = humantime::parse_rfc3339(&digest.digest_end_time).ok();
        for file in &digest.log_files {
            self.log_file(name, &file.s3_object, &file.hash_value);
        }
        Some(Previous {
            object: digest.digest_s3_object,
            hash,
            signature,
        })
    }

    fn failed(&mut self, path: PathBuf, error: &io::Error) -> Option<Previous> {
        match is_damage(error) {
            false => self.unreadable.push((path, error.to_string())),
            true => self.blame(path, u64::MAX, What::NoDigest(error.to_string())),
        }
        None
    }

    /// The number of the first line that it covers.
    fn position(&self, digest: &Digest) -> u64 {
        let files = digest.log_files.iter();
        let seqs = files.filter_map(|file| self.listing.names.first_seq(&file.s3_object));
        seqs.min().unwrap_or(u64::MAX)
    }

    fn log_file(&mut self, digest: &str, object: &str, hash: &str) {
        let name = object.strip_suffix(".gz").unwrap_or(object);
        self.listed.insert(name.to_owned());
        let Some(file) = self.files.get(name) else {
            let seq = self.listing.names.first_seq(name).unwrap_or(u64::MAX);
            let path = self.listing.folder.join(object);
            // One that is there was closed since the files were listed.
            let is_there = path.exists() || self.listing.folder.join(name).exists();
            if seq >= self.first_seq && !is_there {
                self.blame(path, seq, What::ListedAbsent(digest.to_owned()));
            }
            return;
        };
        match file.hash {
            Some(found) if found.to_string() == hash => {
                self.digests.files += 1;
                let last = file.last.map(|last| last.seq);
                self.digests.last_seq = self.digests.last_seq.max(last);
            }
            Some(_) => {
                let what = What::ListedChanged(digest.to_owned());
                self.blame(&file.path, file.position, what);
            }
            None => {}
        }
    }

    /// A file is compressed only when a digest has it.
    fn unlisted(&mut self) {
        if self.digests.count == 0 && self.keys.is_empty() {
            return;
        }
        for file in &self.listing.closed {
            let found = self.files.get(file.name.as_str());
            let is_known = found.is_none_or(|found| found.unreadable.is_none());
            let is_unlisted = is_known && !self.listed.contains(&file.name);
            if let (Some(path), true) = (&file.zipped, is_unlisted) {
                self.faults
                    .push(Fault::of_file(path, file.first_seq, What::Unlisted));
            }
        }
    }

    fn blame(&mut self, path: impl AsRef<Path>, position: u64, what: What) {
        self.faults
            .push(Fault::of_file(path.as_ref(), position, what));
    }
}

/// Whether a digest is the one behind another.
fn follows(digest: &Digest, previous: Option<&Previous>, is_first: bool) -> Result<(), What> {
    let named = digest.previous_digest_s3_object.as_deref();
    match (named, previous) {
        (None, _) if is_first => Ok(()),
        (None, _) => Err(What::NewChain),
        // Of a damaged one, and of those that are gone, nothing is known.
        (Some(_), None) => Ok(()),
        (Some(named), Some(previous)) if named != previous.object => {
            Err(What::DigestGap(named.to_owned()))
        }
        (Some(_), Some(previous)) => {
            let hash = digest.previous_digest_hash_value.as_deref();
            let signature = digest.previous_digest_signature.as_deref();
            let is_same = hash == Some(previous.hash.to_string().as_str())
                && signature == Some(previous.signature.as_str());
            is_same.then_some(()).ok_or(What::DigestReplaced)
        }
    }
}
