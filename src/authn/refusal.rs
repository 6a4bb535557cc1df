//! Why a call's credentials were refused.

use std::time::Duration;

use crate::failure::Failure;

/// The most characters of a stranger's text that a cause shows.
const SHOWN: usize = 64;

/// Credentials that do not hold, or none where some are wanted.
///
/// The caller learns none of it: every refusal of what was looked at is the same [`Failure`]
/// to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was wrong, for our log. It holds no part of a token; a stranger's words in
    /// it are escaped and cut.
    pub cause: String,
    /// What the call tried to prove itself with.
    pub method: Method,
    /// Whose fault that is.
    pub fault: Fault,
}

/// Whose fault a refusal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller's: its credentials do not hold.
    Theirs,
    /// Ours: too many were there before, and these are looked at after this time.
    Busy(Duration),
    /// Ours: there is nothing to verify them with.
    NoKeys,
}

/// What a call can try to prove itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Nothing.
    None,
    /// A client certificate.
    Certificate,
    /// That it is a process of this machine.
    Process,
    /// A token of one of the issuers.
    Jwt,
    /// Any other token, or an `authorization` that is none.
    Token,
    /// A certificate or a process, and a token, each good, that do not go together.
    Both,
}

impl Method {
    /// Every one.
    pub const ALL: [Method; 6] = [
        Method::None,
        Method::Certificate,
        Method::Process,
        Method::Jwt,
        Method::Token,
        Method::Both,
    ];

    /// The word for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::None => "none",
            Method::Certificate => "certificate",
            Method::Process => "process",
            Method::Jwt => "jwt",
            Method::Token => "token",
            Method::Both => "both",
        }
    }
}

impl Refusal {
    pub(super) fn new(method: Method, cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            method,
            fault: Fault::Theirs,
        }
    }

    /// The refusal of a token of an issuer whose keys could not be fetched.
    pub(super) fn no_keys(url: &str) -> Self {
        Self {
            fault: Fault::NoKeys,
            ..Self::new(Method::Jwt, format!("no keys could be had from {url}"))
        }
    }

    /// The refusal of a token that was not looked at.
    pub(super) fn busy(wait: Duration) -> Self {
        Self {
            fault: Fault::Busy(wait),
            ..Self::new(Method::Jwt, "too many tokens are being verified")
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let cause = refusal.cause;
        match refusal.fault {
            Fault::Theirs => Failure::Unauthenticated { cause },
            Fault::Busy(wait) => Failure::TooManyVerifications { wait },
            Fault::NoKeys => Failure::KeysUnavailable { cause },
        }
    }
}

/// A stranger's text as it may stand in a cause: escaped, cut, in backticks.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::from("`");
    shown.extend(text.chars().take(SHOWN).flat_map(char::escape_debug));
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_escaped_and_cut() {
        assert_eq!(shown("key-1"), "`key-1`");
        assert_eq!(shown("a\nb\u{1b}[31m"), "`a\\nb\\u{1b}[31m`");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 64 + 3);
    }

    #[test]
    fn the_caller_is_not_told_what_was_wrong() {
        let one = Failure::from(Refusal::new(Method::Jwt, "expired"));
        let other = Failure::from(Refusal::new(Method::Token, "unknown"));

        assert_eq!(one.to_string(), other.to_string());
    }
}
