//! Why Redis has not decided, in words that are safe to show: no address, no name, no
//! password.

use std::fmt;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis has not decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) kind: Kind,
    /// The word by which Redis tells its errors apart, such as `READONLY`.
    code: Option<String>,
}

/// The same in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It did not answer in time.
    Timeout,
    /// It cannot be reached, or the connection was lost.
    Connection,
    /// It does not take the user or the password, or wants one.
    Authentication,
    /// It takes no writes.
    ReadOnly,
    /// It answered with another error.
    Refused,
    /// The file with its URL cannot be used.
    Settings,
}

impl Kind {
    /// All there are.
    pub(super) const ALL: [Self; 6] = [
        Self::Timeout,
        Self::Connection,
        Self::Authentication,
        Self::ReadOnly,
        Self::Refused,
        Self::Settings,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Authentication => "authentication",
            Self::ReadOnly => "read_only",
            Self::Refused => "refused",
            Self::Settings => "settings",
        }
    }

    /// Whether the next call would fare no better, so that none is needed to be sure.
    pub(super) fn lasts(self) -> bool {
        match self {
            Self::Connection | Self::Authentication | Self::ReadOnly | Self::Settings => true,
            Self::Timeout | Self::Refused => false,
        }
    }
}

impl Cause {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, code: None }
    }

    pub(super) fn of(error: &RedisError) -> Self {
        let code = error.code();
        let kind = match error.kind() {
            ErrorKind::AuthenticationFailed => Kind::Authentication,
            ErrorKind::Server(ServerErrorKind::NoPerm) => Kind::Authentication,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => Kind::ReadOnly,
            ErrorKind::Io if error.is_timeout() => Kind::Timeout,
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Kind::Connection,
            _ if matches!(code, Some("NOAUTH" | "WRONGPASS")) => Kind::Authentication,
            _ => Kind::Refused,
        };
        // Codes are words in capitals; whatever else a server writes there stays away from
        // our log.
        let is_code =
            |code: &&str| code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        Self {
            kind,
            code: code.filter(is_code).map(str::to_owned),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            Kind::Timeout => "it does not answer in time",
            Kind::Connection => "it cannot be reached, or the connection was lost",
            Kind::Authentication => "it does not take the user or the password, or wants one",
            Kind::ReadOnly => "it takes no writes",
            Kind::Refused => "it answers with an error",
            Kind::Settings => "`quota.redis_url_file` or `quota.redis_ca_file` cannot be used",
        })?;
        match &self.code {
            Some(code) => write!(formatter, " ({code})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_answers_is_told_by_its_code_and_in_no_other_words() {
        let server = |code: &str| {
            let line = format!("-{code} something with s3cret in it\r\n");
            let value = redis::parse_redis_value(line.as_bytes()).unwrap();
            Cause::of(&value.extract_error().unwrap_err())
        };
        for (code, kind, shown) in [
            ("READONLY", Kind::ReadOnly, "it takes no writes (READONLY)"),
            (
                "NOAUTH",
                Kind::Authentication,
                "it does not take the user or the password, or wants one (NOAUTH)",
            ),
            (
                "NOPERM",
                Kind::Authentication,
                "it does not take the user or the password, or wants one (NOPERM)",
            ),
            ("OOM", Kind::Refused, "it answers with an error (OOM)"),
            ("s3cret", Kind::Refused, "it answers with an error"),
        ] {
            let cause = server(code);

            assert_eq!((cause.kind, &*cause.to_string()), (kind, shown));
        }
        let lost = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Cause::of(&lost.into()).kind, Kind::Connection);
    }
}
