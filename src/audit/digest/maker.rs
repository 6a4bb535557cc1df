//! Makes digests, and compresses what they list.
//!
//! The folder is the truth: what is closed and in no digest gets into the next one, and
//! what is in one and not yet compressed is compressed. So it does not matter where the
//! process was killed. A digest is durable before a file that it lists is touched.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::format::{self, Digest, Files, LogFile, Previous};
use super::others::refuse_others;
use super::{OpenError, Settings, durable, log};
use crate::audit::listing::{ListError, Listing};
use crate::audit::sign::SigningKey;
use crate::audit::stamp::stamp;

const HOUR: u64 = 60 * 60;

/// The digests of one journal.
#[derive(Debug)]
pub struct Maker {
    journal: PathBuf,
    account_id: String,
    key: SigningKey,
    fingerprint: String,
    previous: Option<Previous>,
    /// The file of the last digest that is known here.
    newest: Option<String>,
    /// When the last digest ended, or when there was none and this began, in seconds.
    ended: u64,
    /// Names of closed files that a digest has, and the hashes it has of them.
    covered: HashMap<String, String>,
    is_waiting: bool,
}

/// A digest could not be made, or a file not be compressed. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The journal's folder cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// A file cannot be read or written.
    #[error("`{path}`: {error}", path = .0.display(), error = .1)]
    File(PathBuf, #[source] io::Error),
    /// The signature could not be made.
    #[error("the digest could not be signed")]
    Sign,
    /// There is a digest that was not made here.
    #[error("`{}` was made meanwhile by another journal; give each a folder of its own", .0.display())]
    Other(PathBuf),
    /// Somebody has changed a file between its digest and its compression.
    #[error("`{}` is not what its digest has; it is left as it is", .0.display())]
    Changed(PathBuf),
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The digest, from the journal's folder.
    pub digest: Option<String>,
    /// How many files were compressed.
    pub compressed: u64,
}

impl Maker {
    /// Goes on after the last digest of the journal.
    ///
    /// # Errors
    ///
    /// When the key cannot be used or the folder not be read.
    pub fn open(settings: &Settings, now: SystemTime) -> Result<Option<Self>, OpenError> {
        let Some(path) = &settings.signing_key_file else {
            return Ok(None);
        };
        let key = SigningKey::read(path)?;
        let mut maker = Self {
            journal: settings.journal.clone(),
            account_id: settings.account_id.clone(),
            fingerprint: key.public_key().fingerprint(),
            key,
            previous: None,
            newest: None,
            ended: seconds(now),
            covered: HashMap::new(),
            is_waiting: false,
        };
        let listing = Listing::written_to(&maker.journal)?;
        let folder = listing.digests();
        let failed = |error| OpenError::Folder(folder.clone(), error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let files = Files::of(&listing).map_err(failed)?;
        refuse_others(&listing, &files)?;
        maker.go_on(&listing, files).map_err(failed)?;
        Ok(Some(maker))
    }

    /// Finds the last digest and what all of them have.
    fn go_on(&mut self, listing: &Listing, files: Files) -> io::Result<()> {
        self.newest = files.digests.last().cloned();
        for orphan in files.orphans {
            // A signature is written before its digest: this is one that was not.
            tracing::warn!(
                signature = orphan,
                "a signature without a digest is removed"
            );
            fs::remove_file(listing.digests().join(orphan))?;
        }
        let plain = listing.closed.iter().filter(|file| file.plain.is_some());
        let mut waiting: HashSet<&str> = plain.map(|file| file.name.as_str()).collect();
        for (at, name) in files.digests.iter().rev().enumerate() {
            if at > 0 && waiting.is_empty() {
                break;
            }
            let path = listing.digests().join(name);
            let read = Digest::read(&path);
            let signature = format::read_signature(&path);
            let (Ok((digest, hash)), Ok(signature)) = (read, signature) else {
                tracing::error!(
                    digest = name,
                    "a digest is damaged; see `poolgate audit verify`"
                );
                continue;
            };
            if at == 0 {
                let end = humantime::parse_rfc3339(&digest.digest_end_time);
                self.ended = end.map_or(self.ended, seconds);
                self.previous = Some(Previous {
                    object: digest.digest_s3_object,
                    hash,
                    signature,
                });
            }
            for file in digest.log_files {
                let name = file.s3_object.strip_suffix(".gz").unwrap_or_default();
                if waiting.remove(name) {
                    self.covered.insert(name.to_owned(), file.hash_value);
                }
            }
        }
        Ok(())
    }

    /// When [`Maker::make`] makes a digest even if nothing was closed.
    pub fn next_hour(&self) -> SystemTime {
        let hour = (self.ended / HOUR + 1) * HOUR;
        SystemTime::UNIX_EPOCH + Duration::from_secs(hour)
    }

    /// Whether files wait for the next second.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Makes a digest, if a file was closed or an hour is full, and compresses what is in
    /// digests. Two digests do not end in the same second: what is closed in the second
    /// of the last one waits for the next, unless it is the `last` one.
    ///
    /// # Errors
    ///
    /// When something could not be read or written. Doing it again goes on from there.
    pub fn make(&mut self, now: SystemTime, last: bool) -> Result<Made, MakeError> {
        let listing = Listing::written_to(&self.journal)?;
        let mut made = Made::default();
        let names: HashSet<_> = listing
            .closed
            .iter()
            .map(|file| file.name.as_str())
            .collect();
        self.covered.retain(|name, _| names.contains(name.as_str()));
        let new: Vec<_> = listing
            .closed
            .iter()
            .filter_map(|file| Some((file.name.as_str(), file.plain.as_deref()?)))
            .filter(|(name, _)| !self.covered.contains_key(*name))
            .collect();
        let may_end = last || seconds(now) != self.ended || self.previous.is_none();
        if (!new.is_empty() && may_end) || now >= self.next_hour() {
            made.digest = Some(self.digest(&listing, &new, now)?);
        }
        self.is_waiting = made.digest.is_none() && !new.is_empty();
        // One that cannot be compressed does not hold up the others.
        let mut failed = Ok(());
        for file in &listing.closed {
            if let (Some(path), Some(hash)) = (&file.plain, self.covered.get(&file.name)) {
                match log::compress(path, hash) {
                    Ok(()) => made.compressed += 1,
                    Err(error) => failed = failed.and(Err(error)),
                }
            }
        }
        failed.map(|()| made)
    }

    fn digest(
        &mut self,
        listing: &Listing,
        new: &[(&str, &Path)],
        now: SystemTime,
    ) -> Result<String, MakeError> {
        let folder = listing.digests();
        let known = Files::of(listing).map_err(|error| MakeError::File(folder.clone(), error))?;
        if let Some(newest) = known
            .digests
            .last()
            .filter(|name| Some(*name) > self.newest.as_ref())
        {
            return Err(MakeError::Other(folder.join(newest)));
        }
        let log_files = new.iter().map(|(name, path)| log::describe(name, path));
        let log_files: Vec<LogFile> = log_files.collect::<Result<_, _>>()?;
        let end = match self.previous {
            Some(_) => seconds(now).max(self.ended + 1),
            None => seconds(now).max(self.ended),
        };
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(end);
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(self.ended);
        let text = |time| humantime::format_rfc3339_seconds(time).to_string();
        let newest = log_files
            .iter()
            .filter_map(|file| file.newest_event_time.clone())
            .max();
        let oldest = log_files
            .iter()
            .filter_map(|file| file.oldest_event_time.clone())
            .min();
        let previous = self.previous.as_ref();
        let digest = Digest {
            aws_account_id: self.account_id.clone(),
            digest_start_time: text(start),
            digest_end_time: text(end),
            digest_s3_bucket: format::BUCKET.to_owned(),
            digest_s3_object: format::object(listing.names.stem(), &stamp(end)),
            digest_public_key_fingerprint: self.fingerprint.clone(),
            digest_signature_algorithm: format::SIGNATURE_ALGORITHM.to_owned(),
            newest_event_time: newest,
            oldest_event_time: oldest,
            previous_digest_s3_bucket: previous.map(|_| format::BUCKET.to_owned()),
            previous_digest_s3_object: previous.map(|previous| previous.object.clone()),
            previous_digest_hash_value: previous.map(|previous| previous.hash.to_string()),
            previous_digest_hash_algorithm: previous.map(|_| format::HASH_ALGORITHM.to_owned()),
            previous_digest_signature: previous.map(|previous| previous.signature.clone()),
            log_files,
        };
        let path = listing.folder.join(&digest.digest_s3_object);
        let failed = |error| MakeError::File(path.clone(), error);
        let (zipped, hash) = digest.to_bytes().map_err(failed)?;
        let signature = self
            .key
            .sign(&digest.to_sign(hash))
            .map_err(|_| MakeError::Sign)?;
        let line = format!("{signature}\n");
        durable::write(&format::signature_path(&path), line.as_bytes()).map_err(failed)?;
        durable::write(&path, &zipped).map_err(failed)?;

        for ((name, _), file) in new.iter().zip(&digest.log_files) {
            self.covered
                .insert((*name).to_owned(), file.hash_value.clone());
        }
        self.ended = seconds(end);
        let object = digest.digest_s3_object;
        self.newest = path
            .file_name()
            .and_then(|name| Some(name.to_str()?.to_owned()));
        self.previous = Some(Previous {
            object: object.clone(),
            hash,
            signature,
        });
        Ok(object)
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
