//! Standard output, as durable as what reads it.

use std::io::{self, Write};
use std::time::SystemTime;

use super::{Reason, Sink};

/// Lines on standard output, or on what stands in for it.
pub(in crate::audit) struct Stdout<W> {
    out: W,
    /// How much of the lines that were put last is out already.
    done: usize,
}

impl Stdout<io::Stdout> {
    pub(in crate::audit) fn new() -> Self {
        Self::over(io::stdout())
    }
}

impl<W: Write> Stdout<W> {
    pub(in crate::audit) fn over(out: W) -> Self {
        Self { out, done: 0 }
    }
}

impl<W: Write + Send> Sink for Stdout<W> {
    fn has_files(&self) -> bool {
        false
    }

    fn wants_another(&mut self, _: usize, _: SystemTime) -> Option<Reason> {
        None
    }

    fn begin(&mut self, _: &[u8], _: u64, _: SystemTime) -> io::Result<()> {
        Ok(())
    }

    fn put(&mut self, lines: &[u8], _: bool) -> io::Result<()> {
        while let Some(rest) = lines.get(self.done..).filter(|rest| !rest.is_empty()) {
            match self.out.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.flush()?;
        self.done = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes five bytes at a time, and fails every other time.
    #[derive(Default)]
    struct Reluctant {
        taken: Vec<u8>,
        fails: bool,
    }

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.fails = !self.fails;
            if self.fails {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let taken = &bytes[..bytes.len().min(5)];
            self.taken.extend_from_slice(taken);
            Ok(taken.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_are_tried_again_are_out_once() {
        let mut stdout = Stdout::over(Reluctant::default());

        for lines in [&b"first line\n"[..], b"second line\n"] {
            while stdout.put(lines, true).is_err() {}
        }

        assert_eq!(stdout.out.taken, b"first line\nsecond line\n");
    }
}
