//! What is set about limits.

use super::Accepts;
use crate::quota;

/// A rate and a burst.
pub(in crate::config) struct Window;

impl Accepts for Window {
    type Value = quota::Window;

    fn parse(&self, text: &str) -> Result<quota::Window, String> {
        quota::Window::parse(text)
    }

    fn accepted(&self) -> String {
        "a rate with `s`, `min`, `h` or `day`, and how much may be had at once, such as `50/s burst 100`"
            .to_owned()
    }
}
