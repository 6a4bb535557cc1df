//! Text that must not be seen.

use zeroize::Zeroizing;

/// A secret. It has neither `Debug` nor `Display`, and its memory is wiped when it is
/// dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
