//! The heads of HTTP/2 frames (RFC 9113, 4.1), read on the way past.

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;

const LENGTH: usize = 9;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    /// How many bytes follow it.
    pub(super) length: usize,
}

impl Head {
    fn parse([high, middle, low, kind, flags, s0, s1, s2, s3]: [u8; LENGTH]) -> Self {
        let length = u32::from_be_bytes([0, high, middle, low]);
        Self {
            kind,
            flags,
            // The first bit is reserved.
            stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]),
            length: usize::try_from(length).unwrap_or(usize::MAX),
        }
    }

    /// Whether its sender sends nothing more on the stream.
    pub(super) fn ends_stream(self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

/// Reads the heads of frames out of a stream of bytes, however it is cut.
#[derive(Debug, Default)]
pub(super) struct Heads {
    head: [u8; LENGTH],
    have: usize,
    /// How many bytes come before the next head.
    skip: usize,
}

impl Heads {
    /// Tells of every head that is complete with these bytes.
    ///
    /// # Errors
    ///
    /// The first that `each` has.
    pub(super) fn read<E>(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(Head) -> Result<(), E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let count = self.skip.min(bytes.len());
                self.skip -= count;
                bytes = bytes.get(count..).unwrap_or_default();
                continue;
            }
            let missing = (LENGTH - self.have).min(bytes.len());
            let (some, rest) = bytes.split_at(missing);
            if let Some(place) = self.head.get_mut(self.have..self.have + missing) {
                place.copy_from_slice(some);
            }
            self.have += missing;
            bytes = rest;
            if self.have == LENGTH {
                let head = Head::parse(self.head);
                (self.have, self.skip) = (0, head.length);
                each(head)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn heads_are_found_however_the_bytes_are_cut(
            frames in prop::collection::vec((any::<u8>(), any::<u8>(), 0..300usize), 0..20),
            cuts in prop::collection::vec(1..50usize, 1..20),
        ) {
            let mut bytes = Vec::new();
            for (kind, flags, length) in &frames {
                let head = u32::try_from(*length).unwrap().to_be_bytes();
                bytes.extend(&head[1..]);
                bytes.extend([*kind, *flags, 0x80, 0, 0, 1]);
                bytes.extend(vec![0xff; *length]);
            }
            let mut heads = Heads::default();
            let mut found = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (some, more) = rest.split_at((*cut).min(rest.len()));
                let read: Result<(), Infallible> = heads.read(some, |head| {
                    found.push((head.kind, head.flags, head.length));
                    assert_eq!(head.stream, 1);
                    Ok(())
                });
                read.unwrap();
                rest = more;
            }

            prop_assert_eq!(found, frames);
        }
    }
}
