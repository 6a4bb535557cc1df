//! How much is sent at once.

/// The most lines of a batch.
pub const MOST_LINES: usize = 512;

/// The most bytes of a batch, of its lines alone. One line goes in any case.
pub const MOST_BYTES: usize = 1024 * 1024;

/// How many lines a target is sent at once.
#[derive(Clone, Debug)]
pub struct Sizes {
    lines: usize,
    most: usize,
}

/// What to do about a batch that will never be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Send a part of it, to find which of its lines it is.
    Halve,
    /// It is this one line: go on without it.
    Skip,
}

impl Sizes {
    /// Up to `most` lines.
    pub fn new(most: usize) -> Self {
        Self { lines: most, most }
    }

    /// How many lines to send.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// A batch was taken: the next one may be twice as large.
    pub fn took(&mut self) {
        self.lines = self.lines.saturating_mul(2).min(self.most);
    }

    /// A batch of so many lines will never be taken.
    pub fn refused(&mut self, sent: usize) -> Refused {
        match sent {
            0 | 1 => Refused::Skip,
            sent => {
                self.lines = sent / 2;
                Refused::Halve
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_is_halved_until_one_line_is_left_and_grows_again() {
        let mut sizes = Sizes::new(8);

        for (sent, left) in [(8, 4), (4, 2), (3, 1)] {
            assert_eq!(sizes.refused(sent), Refused::Halve);
            assert_eq!(sizes.lines(), left);
        }
        assert_eq!(sizes.refused(1), Refused::Skip);
        for lines in [2, 4, 8, 8] {
            sizes.took();
            assert_eq!(sizes.lines(), lines);
        }
    }

    proptest! {
        #[test]
        fn whatever_a_target_refuses_all_else_gets_there(
            bad in prop::collection::vec(any::<bool>(), 1..100), most in 1..20_usize,
        ) {
            let mut sizes = Sizes::new(most);
            let mut rest: Vec<(usize, bool)> = bad.iter().copied().enumerate().collect();
            let (mut taken, mut skipped) = (Vec::new(), Vec::new());

            while !rest.is_empty() {
                let sent = sizes.lines().min(rest.len());
                if !rest[..sent].iter().any(|(_, bad)| *bad) {
                    taken.extend(rest.drain(..sent).map(|(at, _)| at));
                    sizes.took();
                } else if sizes.refused(sent) == Refused::Skip {
                    skipped.push(rest.remove(0).0);
                }
            }

            let good = |bad: &[bool], wanted| {
                (0..bad.len()).filter(|at| bad[*at] == wanted).collect::<Vec<_>>()
            };
            prop_assert_eq!(taken, good(&bad, false));
            prop_assert_eq!(skipped, good(&bad, true));
        }
    }
}
