//! What a file of a journal begins with.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::time::SystemTime;

use serde::Deserialize;

use super::line::{MOST_BYTES, Sealed};

/// The event that every file begins with.
pub(super) const OPENS: &str = "OpenJournalFile";

/// The first line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    /// Its number.
    pub(super) seq: u64,
    /// When it was written, as it says.
    pub(super) time: Option<SystemTime>,
    /// Whether it says that it opens a file.
    pub(super) opens: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Says<'a> {
    #[serde(borrow)]
    event_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event_time: Option<Cow<'a, str>>,
}

impl First {
    /// Reads the first line, if it is whole.
    pub(super) fn of(file: impl Read) -> io::Result<Option<Self>> {
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        let mut line = Vec::new();
        let mut file = BufReader::new(file).take(most.saturating_add(1));
        file.read_until(b'\n', &mut line)?;
        Ok(line.strip_suffix(b"\n").and_then(Self::read))
    }

    fn read(line: &[u8]) -> Option<Self> {
        let sealed = Sealed::read(line).filter(Sealed::is_whole)?;
        let says: Says<'_> = serde_json::from_slice(line).ok()?;
        let time = says.event_time.as_deref().map(humantime::parse_rfc3339);
        Some(Self {
            seq: sealed.seq,
            time: time.and_then(Result::ok),
            opens: says.event_name.as_deref() == Some(OPENS),
        })
    }
}
