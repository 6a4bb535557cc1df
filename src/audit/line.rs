//! One line of the journal: a record, its number, and its place in the chain.
//!
//! A line is one JSON object. Its last member is `additionalEventData`, and the last
//! three members of that are
//!
//! ```text
//! …,"seq":42,"prevHash":"<64 hex digits>","hash":"<64 hex digits>"}}
//! ```
//!
//! `hash` is the SHA-256 of the line's own bytes before `,"hash":`. They hold `prevHash`,
//! the hash of the line before, so that a line cannot be changed, taken out, put in or
//! moved without breaking every line after it. Nothing has to be parsed and written
//! again to check that, which is why it is the bytes and not a canonical form that is
//! hashed.

use std::fmt;
use std::io;

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter};

/// The longest line, in bytes, without its end (reference: security, 4.4).
pub const MOST_BYTES: usize = 64 * 1024;

/// The highest number of a line. No journal gets there, and one more is a number still.
pub const MOST_SEQ: u64 = u64::MAX / 2;

/// What [`Draft::seal`] adds at most.
const SEAL_BYTES: usize = 192;

const BEFORE_HASH: &[u8] = b",\"hash\":\"";
const BEFORE_PREVIOUS: &[u8] = b",\"prevHash\":\"";
const BEFORE_SEQ: &[u8] = b"\"seq\":";
const END: &[u8] = b"\"}}";

/// The SHA-256 of a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands in for the line before the first one.
    pub const NONE: Hash = Hash([0; 32]);

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::taken(&digest(&SHA256, bytes))
    }

    /// The hash of bytes that came one after the other.
    pub(super) fn finish(bytes: Context) -> Self {
        Self::taken(&bytes.finish())
    }

    fn taken(digest: &Digest) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }

    /// 64 lower-case hexadecimal digits.
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(hash))
    }

    fn to_hex(self) -> [u8; 64] {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            if let [high, low] = pair {
                (*high, *low) = (digit(byte >> 4), digit(byte & 15));
            }
        }
        digits
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.to_hex();
        formatter.write_str(str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A record that has no number yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft(Vec<u8>);

impl Draft {
    /// A record with these members, and with `additional` as its `additionalEventData`.
    /// Both have to be written as objects.
    ///
    /// # Errors
    ///
    /// When one of them cannot be written as JSON, or is no object.
    pub fn new(record: &impl Serialize, additional: &impl Serialize) -> serde_json::Result<Self> {
        let mut bytes = Vec::with_capacity(1024);
        open(&mut bytes, record)?;
        bytes.extend_from_slice(b"\"additionalEventData\":");
        open(&mut bytes, additional)?;
        Ok(Self(bytes))
    }

    /// A record that says nothing.
    pub(super) fn empty() -> Self {
        Self(b"{\"additionalEventData\":{".to_vec())
    }

    /// Whether the line may be as long as it is.
    pub fn fits(&self) -> bool {
        self.0.len() + SEAL_BYTES <= MOST_BYTES
    }

    /// Its length in bytes, about.
    pub fn bytes(&self) -> usize {
        self.0.len() + SEAL_BYTES
    }

    /// Gives it its number and its place after the line with the hash `previous`. The
    /// line, with its end, goes to the end of `out`.
    pub fn seal(&self, seq: u64, previous: Hash, out: &mut Vec<u8>) -> Hash {
        let start = out.len();
        out.extend_from_slice(&self.0);
        out.extend_from_slice(BEFORE_SEQ);
        out.extend_from_slice(seq.to_string().as_bytes());
        out.extend_from_slice(BEFORE_PREVIOUS);
        out.extend_from_slice(&previous.to_hex());
        out.push(b'"');
        let hash = Hash::of(out.get(start..).unwrap_or_default());
        out.extend_from_slice(BEFORE_HASH);
        out.extend_from_slice(&hash.to_hex());
        out.extend_from_slice(END);
        out.push(b'\n');
        hash
    }
}

/// Writes an object up to where its next member would stand.
fn open(bytes: &mut Vec<u8>, object: &impl Serialize) -> serde_json::Result<()> {
    let start = bytes.len();
    object.serialize(&mut Serializer::with_formatter(&mut *bytes, Plain))?;
    let is_object = bytes.get(start) == Some(&b'{') && bytes.pop() == Some(b'}');
    if !is_object {
        return Err(serde::ser::Error::custom("a record is an object"));
    }
    if bytes.len() > start + 1 {
        bytes.push(b',');
    }
    Ok(())
}

/// A text as it stands in a line, with its quotes.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    // A text can always be written to memory.
    let _ = text.serialize(&mut Serializer::with_formatter(&mut quoted, Plain));
    quoted
}

/// A line as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// Its number.
    pub seq: u64,
    /// What it says is the hash of the line before.
    pub previous: Hash,
    /// What it says is its own.
    pub hash: Hash,
    hashed: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Takes the end of a line apart; `line` is without the line's end. Nothing where it
    /// does not end as lines of a journal do. The rest is not looked at.
    pub fn read(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_suffix(END)?;
        let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
        let hashed = rest.strip_suffix(BEFORE_HASH)?;
        let rest = hashed.strip_suffix(b"\"")?;
        let (rest, previous) = rest.split_at_checked(rest.len().checked_sub(64)?)?;
        let rest = rest.strip_suffix(BEFORE_PREVIOUS)?;
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit());
        let (rest, seq) = rest.split_at_checked(rest.len() - digits.count())?;
        rest.strip_suffix(BEFORE_SEQ)?;
        Some(Self {
            seq: number(seq)?,
            previous: Hash::from_hex(previous)?,
            hash: Hash::from_hex(hash)?,
            hashed,
        })
    }

    /// Whether its hash is that of its bytes.
    pub fn is_whole(&self) -> bool {
        Hash::of(self.hashed) == self.hash
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(digits).ok()?.parse().ok();
    number.filter(|number| *number <= MOST_SEQ)
}

/// JSON without characters that move a cursor, begin a line or turn text around: they
/// are written as `\uXXXX`.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain = CompactFormatter;
        // Almost every text is so, and this looks at many bytes at once.
        if fragment.bytes().fold(0, u8::max) < 0x7f {
            return plain.write_string_fragment(writer, fragment);
        }
        let mut rest = fragment;
        while let Some((before, found, after)) = split_at_first(rest) {
            plain.write_string_fragment(writer, before)?;
            write!(writer, "\\u{:04x}", u32::from(found))?;
            rest = after;
        }
        plain.write_string_fragment(writer, rest)
    }
}

fn split_at_first(text: &str) -> Option<(&str, char, &str)> {
    let (at, found) = text.char_indices().find(|(_, letter)| is_odd(*letter))?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, found, rest.strip_prefix(found)?))
}

/// The characters of Unicode that format text and are not seen: controls of the second
/// set, separators of lines, marks that have no width and those of text that runs from
/// right to left. All of them have four hexadecimal digits.
fn is_odd(letter: char) -> bool {
    matches!(letter,
        '\x7f'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn sealed(record: &Value, additional: &Value, seq: u64, previous: Hash) -> Vec<u8> {
        let mut line = Vec::new();
        let draft = Draft::new(record, additional).unwrap();
        draft.seal(seq, previous, &mut line);
        assert!(line.len() <= draft.bytes());
        assert_eq!(line.pop(), Some(b'\n'));
        line
    }

    #[test]
    fn a_line_is_the_record_with_its_place_in_the_chain() {
        let line = sealed(
            &json!({"eventName": "GetId"}),
            &json!({"phase": "outcome"}),
            7,
            Hash::NONE,
        );

        let zeros = "0".repeat(64);
        let hashed = format!(
            "{{\"eventName\":\"GetId\",\"additionalEventData\":{{\"phase\":\"outcome\",\"seq\":7,\"prevHash\":\"{zeros}\""
        );
        let hash = Hash::of(hashed.as_bytes());
        let expected = format!("{hashed},\"hash\":\"{hash}\"}}}}");
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn empty_objects_are_records_and_other_values_are_not() {
        let line = sealed(&json!({}), &json!({}), 1, Hash::NONE);

        assert!(serde_json::from_slice::<Value>(&line).is_ok());
        assert!(Sealed::read(&line).unwrap().is_whole());
        for other in [json!([]), json!("{}"), json!(1), json!(null)] {
            assert!(Draft::new(&other, &json!({})).is_err(), "{other}");
            assert!(Draft::new(&json!({}), &other).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_not_seen_is_written_in_digits() {
        for text in [
            "\n",
            "\r",
            "\0",
            "\x1b[31m",
            "\x7f",
            "\u{85}",
            "\u{9b}",
            "\u{2028}",
            "\u{2029}",
            "\u{202e}",
            "\u{2066}",
            "\u{200f}",
            "\u{feff}",
            "a\u{202e}b\u{202d}c",
        ] {
            let line = sealed(&json!({ text: text }), &json!({}), 1, Hash::NONE);

            let shown = String::from_utf8(line.clone()).unwrap();
            assert!(
                shown.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
                "{shown}"
            );
            let read: Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(read[text], text);
        }
    }

    proptest! {
        #[test]
        fn a_line_says_what_was_written_and_is_whole(
            text in ".*", seq in 0..=MOST_SEQ, previous: [u8; 32],
        ) {
            let line = sealed(&json!({"userAgent": text}), &json!({"a": text}), seq, Hash(previous));

            let read: Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(&read["userAgent"], &Value::from(text));
            let sealed = Sealed::read(&line).unwrap();
            prop_assert!(sealed.is_whole());
            prop_assert_eq!((sealed.seq, sealed.previous), (seq, Hash(previous)));
        }

        #[test]
        fn a_changed_byte_is_noticed(at: prop::sample::Index, bit in 0..8_u32) {
            let mut line = sealed(&json!({"a": "b"}), &json!({}), 10, Hash([7; 32]));
            let before = Sealed::read(&line.clone()).map(|line| line.hash);
            let at = at.index(line.len());
            line[at] ^= 1 << bit;

            let after = Sealed::read(&line);

            prop_assert!(after.is_none_or(|line| !line.is_whole() || Some(line.hash) != before));
        }

        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            let _ = Sealed::read(&bytes);
        }
    }
}
