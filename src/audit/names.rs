//! What a journal's files are called.
//!
//! `audit.file` is being written. When it is closed it is renamed to
//! `{stem}-{time of closing}-{seq of its first line}.{extension}`, and later compressed,
//! which adds `.gz`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::listing::Closed;
use super::stamp::{parse_stamp, stamp};

/// A clock may have been wrong by less than this, and with it the time in a name.
pub(super) const CLOCK_ERROR: Duration = Duration::from_secs(24 * 60 * 60);

/// The fewest digits of the number in a name.
const SEQ_DIGITS: usize = 12;

/// What a journal's files are called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Names {
    stem: String,
    /// With its dot; empty where there is none.
    extension: String,
}

impl Names {
    pub(super) fn of(active: &str) -> Self {
        let (stem, extension) = match active.rfind('.').filter(|at| *at > 0) {
            Some(dot) => active.split_at_checked(dot).unwrap_or((active, "")),
            None => (active, ""),
        };
        Self {
            stem: stem.to_owned(),
            extension: extension.to_owned(),
        }
    }

    /// The name of a file that is closed at a time, by the number of its first line.
    pub(super) fn closed(&self, at: SystemTime, first_seq: u64) -> String {
        let (stem, extension) = (&self.stem, &self.extension);
        format!("{stem}-{}-{first_seq:0SEQ_DIGITS$}{extension}", stamp(at))
    }

    pub(super) fn stem(&self) -> &str {
        &self.stem
    }

    pub(super) fn active(&self) -> String {
        format!("{}{}", self.stem, self.extension)
    }

    pub(super) fn of_closed(name: &str) -> Option<Self> {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let (rest, last) = plain.rsplit_once('-')?;
        let (stem, stamp) = rest.rsplit_once('-')?;
        parse_stamp(stamp)?;
        let digits = last.bytes().take_while(u8::is_ascii_digit).count();
        let (_, extension) = last.split_at_checked(digits)?;
        let is_extension = extension.is_empty() || extension.starts_with('.');
        (digits >= SEQ_DIGITS && is_extension).then(|| Self {
            stem: stem.to_owned(),
            extension: extension.to_owned(),
        })
    }

    pub(super) fn parse(&self, folder: &Path, name: &str) -> Option<Closed> {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let middle = plain.strip_prefix(&self.stem)?.strip_prefix('-')?;
        let (stamp, seq) = middle.strip_suffix(&self.extension)?.split_once('-')?;
        if seq.len() < SEQ_DIGITS || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let path = Some(folder.join(name));
        let is_plain = plain == name;
        Some(Closed {
            name: plain.to_owned(),
            first_seq: seq.parse().ok()?,
            closed_at: parse_stamp(stamp)?,
            plain: path.clone().filter(|_| is_plain),
            zipped: path.filter(|_| !is_plain),
        })
    }

    /// What the name of a closed file says is the number of its first line.
    pub(super) fn first_seq(&self, name: &str) -> Option<u64> {
        self.parse(Path::new(""), name).map(|file| file.first_seq)
    }
}
