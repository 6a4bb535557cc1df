//! A file of a journal, plain or compressed, as blocks of whole lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use flate2::bufread::GzDecoder;

use super::files;
use super::line::Hash;

/// The bytes that are looked at together. A line is far shorter.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Reads a file block by block.
pub(super) struct Blocks<R> {
    source: R,
    buffer: Vec<u8>,
    /// What of the buffer is to be given out, and what is behind the last whole line.
    given: usize,
    filled: usize,
    offset: u64,
}

/// Whole lines, one behind the other, with their ends. Only the last block of a file may
/// end without one, and one whose last line is longer than a block.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    /// How many bytes of the file, before it was compressed, stand before.
    pub(super) offset: u64,
}

/// The bytes of a file, as they were before it was compressed.
pub(super) enum Source {
    /// And how many of them are read. Others may read the same file.
    Plain(Arc<File>, u64),
    Zipped(Box<GzDecoder<BufReader<File>>>),
}

impl Source {
    /// A file whose name ends with `.gz` is one that is compressed. One that is not there
    /// may have been compressed since its name was read.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let is_zipped = path.extension().is_some_and(|extension| extension == "gz");
        match files::open(path) {
            Ok(file) if is_zipped => Ok(Self::zipped(file)),
            Ok(file) => Ok(Self::Plain(Arc::new(file), 0)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_zipped => {
                let zipped = files::open(&zipped_path(path));
                zipped.map(Self::zipped).map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    fn zipped(file: File) -> Self {
        let file = BufReader::with_capacity(BLOCK_BYTES / 4, file);
        Self::Zipped(Box::new(GzDecoder::new(file)))
    }
}

impl Blocks<Source> {
    /// The file at `path`, see [`Source::open`].
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Source::open(path).map(Self::new)
    }

    /// The bytes, from their beginning if none were read.
    pub(super) fn into_source(self) -> Source {
        self.source
    }

    /// A file that is open already.
    pub(super) fn plain(file: Arc<File>) -> Self {
        Self::new(Source::Plain(file, 0))
    }
}

/// What a file is called once it is compressed.
pub(super) fn zipped_path(path: &Path) -> PathBuf {
    let mut zipped = path.as_os_str().to_owned();
    zipped.push(".gz");
    zipped.into()
}

/// The hash of a file's bytes before it was compressed.
pub(super) fn hash_of(path: &Path) -> io::Result<Hash> {
    let mut whole = Context::new(&SHA256);
    let mut blocks = Blocks::open(path)?;
    while let Some(block) = blocks.next()? {
        whole.update(block.bytes);
    }
    Ok(Hash::finish(whole))
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; BLOCK_BYTES],
            given: 0,
            filled: 0,
            offset: 0,
        }
    }

    /// The next block, none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Block<'_>>> {
        self.offset += u64::try_from(self.given).unwrap_or(u64::MAX);
        self.buffer.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.given = 0;
        loop {
            let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let (is_full, read) = (free.is_empty(), self.source.read(free));
            let read = match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let before = self.filled;
            self.filled += read;
            let new = self.buffer.get(before..self.filled).unwrap_or_default();
            let end = memchr::memrchr(b'\n', new).map(|at| before + at + 1);
            self.given = match end {
                Some(end) => end,
                None if is_full || read == 0 => self.filled,
                None => continue,
            };
            let bytes = self.buffer.get(..self.given).unwrap_or_default();
            let offset = self.offset;
            return Ok((!bytes.is_empty()).then_some(Block { bytes, offset }));
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file, offset) => {
                let read = file.read_at(buffer, *offset)?;
                *offset += u64::try_from(read).unwrap_or(u64::MAX);
                Ok(read)
            }
            Self::Zipped(decoder) => match decoder.read(buffer)? {
                0 if !buffer.is_empty() && !decoder.get_mut().fill_buf()?.is_empty() => {
                    let words = "bytes follow the end of what is compressed";
                    Err(io::Error::new(io::ErrorKind::InvalidData, words))
                }
                read => Ok(read),
            },
        }
    }
}

/// Whether the file could be read and is not what was compressed.
pub(super) fn is_damage(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && error.kind() != io::ErrorKind::Unsupported
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn all(blocks: &mut Blocks<impl Read>) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut all = Vec::new();
        while let Some(block) = blocks.next()? {
            all.push((block.offset, block.bytes.to_vec()));
        }
        Ok(all)
    }

    #[test]
    fn bytes_behind_the_compressed_ones_are_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gz");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"a\nb\n").unwrap();
        let mut zipped = encoder.finish().unwrap();

        std::fs::write(&path, &zipped).unwrap();
        let read = all(&mut Blocks::open(&path).unwrap()).unwrap();
        assert_eq!(read, [(0, b"a\nb\n".to_vec())]);

        zipped.push(0);
        std::fs::write(&path, &zipped).unwrap();
        let error = all(&mut Blocks::open(&path).unwrap()).unwrap_err();
        assert!(is_damage(&error), "{error}");
        assert!(!is_damage(&File::open("/nowhere").unwrap_err()));
    }

    #[test]
    fn a_line_that_is_longer_than_a_block_comes_in_pieces() {
        let mut bytes = vec![b'a'; 2 * BLOCK_BYTES + 1];
        bytes.extend_from_slice(b"\nb");

        let read = all(&mut Blocks::new(&bytes[..])).unwrap();

        assert_eq!(read.concat_bytes(), bytes);
        assert_eq!(read[0].1.len(), BLOCK_BYTES);
    }

    proptest! {
        #[test]
        fn blocks_are_whole_lines_and_together_they_are_the_file(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
            most in 1..20_usize,
        ) {
            let read = all(&mut Blocks::new(Slow(&bytes, most))).unwrap();

            prop_assert_eq!(read.concat_bytes(), &bytes[..]);
            let mut offset = 0;
            for (at, (found, block)) in read.iter().enumerate() {
                prop_assert_eq!(*found, offset);
                prop_assert!(block.ends_with(b"\n") || at + 1 == read.len());
                offset += block.len() as u64;
            }
        }
    }

    trait Concat {
        fn concat_bytes(&self) -> Vec<u8>;
    }

    impl Concat for Vec<(u64, Vec<u8>)> {
        fn concat_bytes(&self) -> Vec<u8> {
            self.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
        }
    }

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }
}
