//! How much is remembered of what was asked for before, and how often that helps.

/// What a cache says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Which cache, the same as in metrics.
    pub cache: &'static str,
    /// How often something was found, fresh or not.
    pub hits: u64,
    /// How often nothing was.
    pub misses: u64,
    /// How much there is.
    pub entries: usize,
}

impl Remembered {
    /// The same of several caches of one kind.
    pub fn of(cache: &'static str, parts: impl IntoIterator<Item = Self>) -> Self {
        let none = Self {
            cache,
            hits: 0,
            misses: 0,
            entries: 0,
        };
        parts.into_iter().fold(none, |all, part| Self {
            cache,
            hits: all.hits + part.hits,
            misses: all.misses + part.misses,
            entries: all.entries + part.entries,
        })
    }
}
