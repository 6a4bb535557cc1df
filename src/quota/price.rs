//! What a call costs by several windows: the arithmetic of a decision, wherever what is
//! owed is kept.

use std::sync::Arc;

use super::key::Key;
use super::window::Window;

/// A window as callers are counted by it.
#[derive(Clone, Debug)]
pub(super) struct Marked {
    pub(super) mark: Key,
    pub(super) window: Window,
    /// The window in words, for each of those who are refused.
    pub(super) shown: Arc<str>,
}

/// What is asked of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    /// What is charged.
    pub(super) now: u32,
    /// What a call has to be charged that is made again after it was refused.
    pub(super) again: u32,
    /// How many times that: where each of several replicas decides alone, a call counts as
    /// if all of them had admitted one.
    pub(super) times: u32,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charged {
    /// Which window has the least left, or refused.
    pub(super) window: usize,
    /// What is owed to that window.
    pub(super) owed: u64,
    pub(super) refused: Option<Wait>,
    /// Whether the key had to share a place.
    pub(super) shared: bool,
}

/// Until when a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// For so many nanoseconds, if nothing else is charged.
    For(u64),
    Forever,
}

impl Price {
    /// Of a call that is asked about for the first time.
    pub(super) fn of(weight: u32) -> Self {
        Self {
            now: weight,
            again: weight,
            times: 1,
        }
    }
}

impl Charged {
    /// Never seen: there is at least one window.
    pub(super) const NONE: Self = Self {
        window: 0,
        owed: u64::MAX,
        refused: Some(Wait::Forever),
        shared: false,
    };
}

/// Whether all windows admit a call, by what is owed to each of them.
pub(super) fn judge(
    windows: &[Marked],
    price: Price,
    mut owed: impl FnMut(usize, &Marked) -> u64,
) -> Charged {
    let mut tightest: Option<(u64, Charged)> = None;
    let mut refused: Option<(Wait, Charged)> = None;
    for (index, marked) in windows.iter().enumerate() {
        let before = owed(index, marked);
        let charged = Charged {
            window: index,
            owed: before,
            refused: None,
            shared: false,
        };
        let after = match marked.window.charge(before, price) {
            Ok(after) => after,
            Err(wait) => {
                if refused.is_none_or(|(longest, _)| longest.nanos() < wait.nanos()) {
                    let refused_by = Charged {
                        refused: Some(wait),
                        ..charged
                    };
                    refused = Some((wait, refused_by));
                }
                continue;
            }
        };
        let left = marked.window.left(after, price.times);
        if tightest.is_none_or(|(least, _)| left < least) {
            let charged = Charged {
                owed: after,
                ..charged
            };
            tightest = Some((left, charged));
        }
    }
    let refused = refused.map(|(_, refused)| refused);
    let admitted = tightest.map(|(_, charged)| charged);
    refused.or(admitted).unwrap_or(Charged::NONE)
}

impl Wait {
    fn nanos(self) -> u64 {
        match self {
            Wait::For(nanos) => nanos,
            Wait::Forever => u64::MAX,
        }
    }
}
