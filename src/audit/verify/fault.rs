//! What can be wrong with a journal, and where.

use std::path::PathBuf;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, where it is about one.
    pub line: Option<u64>,
    /// The number of the line: the one that it has or, where it has none that can be
    /// read, the one that belongs there.
    pub seq: Option<u64>,
    /// Where the line begins, in bytes of the file before it was compressed.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: What,
    /// The number that the file begins with, which puts faults in order.
    pub(super) position: u64,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// It does not end with a number and two hashes.
    #[error("is no line of a journal")]
    NoLine,
    /// The file ends in the middle of a line.
    #[error(
        "the last line is not finished: poolgate was stopped while it wrote, or is writing now"
    )]
    Unfinished,
    /// The bytes have another hash than the line says.
    #[error("was changed: its hash is not that of its bytes")]
    Changed,
    /// It is sealed, and no record.
    #[error("is sealed and no record: {0}")]
    NoRecord(String),
    /// Lines are missing before it.
    #[error("lines {0} to {1} are missing before it")]
    Missing(u64, u64),
    /// It has the number of an earlier line.
    #[error("repeats a number: {0} belongs here")]
    Repeated(u64),
    /// It has the right number and follows another line than the one before it.
    #[error("does not follow the line before it: that one, or all from here on, was replaced")]
    Replaced,
    /// It is number 1 and says that something was before it.
    #[error("is the first line of the journal and follows another")]
    NotFirst,
    /// The file does not begin as files of a journal do.
    #[error("a file begins with `OpenJournalFile`, and this one does not")]
    NotOpened,
    /// What the first line says of the file before is not what it follows.
    #[error("`previousHash` is not the hash of the line that it follows")]
    OpenedAfterAnother,
    /// The name says another number than the first line has.
    #[error("the name says that it begins with line {0}: it was renamed or replaced")]
    Renamed(u64),
    /// The name says that it was closed long before it was begun.
    #[error("the name says that it was closed before its first line was written: it was renamed")]
    Redated,
    /// There is nothing in it. Files are given their names when they have a line.
    #[error("the file is empty, and poolgate leaves none so: somebody emptied or made it")]
    Empty,
    /// It cannot be decompressed.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// The file and its compressed form differ.
    #[error("differs from its compressed form")]
    TwoForms,
    /// Nothing is there.
    #[error("the file is not there")]
    Absent,
    /// A digest lists it, and it is not there.
    #[error("is not there, and the digest `{0}` lists it")]
    ListedAbsent(String),
    /// A digest has another hash of it.
    #[error("was changed: the digest `{0}` has another hash of it")]
    ListedChanged(String),
    /// It is compressed, which happens only after a digest was made, and none lists it.
    #[error("is compressed and in no digest: one is missing")]
    Unlisted,
    /// The digest is none.
    #[error("is no digest: {0}")]
    NoDigest(String),
    /// The digest is about another file.
    #[error("is the digest `{0}` under another name")]
    RenamedDigest(String),
    /// Its signature is not there.
    #[error("has no signature beside it")]
    Unsigned,
    /// The signature is not that of the digest.
    #[error("was changed, or its signature was, or another key has signed it")]
    WronglySigned,
    /// Another key has signed it.
    #[error("is signed with the key {0}, which was not given")]
    OtherKey(String),
    /// It names another digest as the one before it.
    #[error("follows the digest `{0}`, which is not the one before it")]
    DigestGap(String),
    /// There are digests before it, and it follows none.
    #[error(
        "begins a new chain of digests: those before it were not there, or damaged, when it was made"
    )]
    NewChain,
    /// The digest before it is another one by now.
    #[error("the digest before it was changed")]
    DigestReplaced,
}

impl Fault {
    /// A fault of a whole file that begins with line `position`.
    pub(super) fn of_file(file: impl Into<PathBuf>, position: u64, what: What) -> Self {
        Self {
            file: file.into(),
            line: None,
            seq: None,
            offset: None,
            what,
            position,
        }
    }

    /// Faults of a line stand before those of its whole file.
    pub(super) fn order(&self) -> (u64, u64) {
        (self.position, self.line.unwrap_or(u64::MAX))
    }
}
