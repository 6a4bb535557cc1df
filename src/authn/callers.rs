//! The callers file: everything about who calls.
//!
//! It is TOML. A key that is not known is a mistake, and so is a name, an issuer or a
//! hash that is there twice; all mistakes are told at once, each with its line.
//!
//! ```toml
//! both = "same-caller"
//! require = "any"
//!
//! [certificates]
//! names = ["spiffe"]
//! trust_domains = ["example.org"]
//!
//! [[certificates.map]]
//! name = "spiffe://example.org/shop/*"
//! roles = ["shop"]
//! attributes = { team = "shop" }
//!
//! [[issuers]]
//! issuer = "https://login.example.com"
//! audiences = ["poolgate"]
//! algorithms = ["ES256"]
//! jwks_url = "https://login.example.com/jwks.json"
//! roles = [{ claim = "groups", value = "cognito-admins", role = "admin" }]
//! attributes = { team = "department" }
//!
//! [[processes]]
//! name = "backup"
//! uid = 1001
//! roles = ["reader"]
//!
//! [[tokens]]
//! name = "ci"
//! sha256 = "a5dd7c4457c6f7af6e9c11a0ba3fbd4b8b6b97ee0e7c4aca05cbd3e6c0c4c9a0"
//! roles = ["admin"]
//! expires = 2027-01-01T00:00:00Z
//! ```
//!
//! Everything may be left out that is not said to be wanted, but one of `certificates`,
//! `issuers`, `tokens` and `processes` has to be there: a file that was emptied lets nobody in, and is
//! a mistake.
//!
//! | key | meaning |
//! |---|---|
//! | `both` | When a certificate and a token come together, both have to be good, and then: `same-caller` (the default) wants both to give the same name, and adds up roles and attributes, of which the token's win; `certificate` and `token` take that one alone. A static token never has the name of a certificate. Over the Unix socket a process that is listed counts as a certificate does: a call of one carries no token, unless this says `certificate` or `token`. |
//! | `require` | `any` (the default): one of the two is enough. `all`: both are wanted, over the Unix socket a process that is listed and a token. |
//! | `certificates.names` | What names a caller in its certificate: `spiffe`, the one URI, which is a SPIFFE ID with a path; `dns`, the one DNS name. With both, a certificate that has URIs goes by them. The default is `["spiffe"]`. With `[]`, certificates do not tell who calls. |
//! | `certificates.trust_domains` | The trust domains of SPIFFE IDs. Left out: all that the authorities of client certificates vouch for. |
//! | `certificates.map` | Rows of `name`, `roles` and `attributes`. `name` is a SPIFFE ID, the beginning of some that ends in `/*`, or `dns:` and a DNS name. All rows that fit add up; later ones win. |
//! | `issuers.issuer` | Wanted: the value of `iss`, an https URL (http on this machine), which is compared as it is. |
//! | `issuers.audiences` | Wanted: `aud` has to have one of these. |
//! | `issuers.algorithms` | Wanted: some of `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`. |
//! | `issuers.jwks_url`, `issuers.jwks_file` | Wanted, one of them: where the keys are. A file's path is relative to the callers file. |
//! | `issuers.caller_claim` | The claim whose value is the caller's name as it is, such as a SPIFFE ID. Left out: the name is `<iss>\|<sub>`. Names that others give are refused: those of static tokens, any with `\|`, SPIFFE IDs of other trust domains. |
//! | `issuers.profile` | `rfc9068`: tokens have the type `at+jwt`, a `jti` and a `client_id`. |
//! | `issuers.authorized_parties` | `azp` or `client_id` is there, and every one that is has to be one of these. |
//! | `issuers.max_lifetime` | The longest time from `iat` to `exp`, at most and by default `24h`. |
//! | `issuers.roles` | Rows of `claim`, `value` and `role`: the claim is that text or a list with it. Dots in the name of a claim lead into objects, where there is no claim of the whole name. |
//! | `issuers.attributes` | Attributes, each with the claim that it is copied from. Only a text is copied; one of more than 1024 bytes is refused. |
//! | `tokens.name` | Wanted: the caller's name is `token:` and this. |
//! | `tokens.sha256` | Wanted: the SHA-256 of the token in 64 hexadecimal digits: `printf %s "$TOKEN" \| sha256sum`. |
//! | `tokens.roles`, `tokens.attributes` | What is known of the caller. |
//! | `tokens.expires` | When the token ends, in UTC. |
//! | `processes.name` | Wanted: the caller's name is `process:` and this. |
//! | `processes.uid`, `processes.gid` | Wanted, one of them: the user and the group, by their numbers, that a process on the other side of `server.unix_socket` had when it connected. With both, both have to fit; of several rows that fit the first counts. Supplementary groups do not count. |
//! | `processes.roles`, `processes.attributes` | What is known of the caller. |
//!
//! A static token has 128 bits of chance, as `openssl rand -base64 16` makes them. A hash
//! does not show how its token was made, so a token of fewer than 22 characters is
//! refused when it comes, and the hashes of words that everybody tries, such as
//! `changeme`, when the file is read.

mod certificates;
mod issuers;
mod processes;
mod tokens;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::certificate::Rules;
use super::issuer::Issuer;
use super::processes::Processes;
use super::static_tokens::StaticTokens;
use crate::sections::{Reader, Section};
use crate::settings_file;

/// What is wrong with a file by which nobody is known.
const NOBODY: &str = "nobody can prove who they are; write `[certificates]` for client certificates, \
                      `[[issuers]]`, `[[tokens]]` or `[[processes]]`";

/// Everything about who calls. The default knows of no issuer and of no token.
#[derive(Clone, Default)]
pub struct Callers {
    pub(super) both: Both,
    pub(super) require: Require,
    pub(super) certificates: Rules,
    pub(super) issuers: Vec<Issuer>,
    pub(super) tokens: StaticTokens,
    pub(super) processes: Processes,
    files: Vec<PathBuf>,
}

/// What peers can prove themselves with, beside tokens.
#[derive(Clone, Copy, Debug)]
pub struct Proofs {
    /// They are asked for certificates.
    pub by_certificate: bool,
    /// There is a Unix socket.
    pub by_process: bool,
}

/// Whose word counts when a certificate and a token come together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Both {
    #[default]
    SameCaller,
    Certificate,
    Token,
}

/// What a call has to prove itself with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Require {
    #[default]
    Any,
    All,
}

impl Callers {
    /// Reads the file and those it names; or every mistake in it, each with its line.
    pub fn read(path: &Path) -> Result<Self, Vec<String>> {
        let text = settings_file::read(path)
            .map_err(|reason| vec![format!("{} {reason}", path.display())])?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut callers = Self::parse(&text, folder)?;
        callers.files.insert(0, path.to_owned());
        Ok(callers)
    }

    /// Reads the text of a callers file that lies in `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<String>> {
        let reader = Reader::new(text);
        let document = reader.document();
        let (callers, has_certificates) = reader.with(&document, |root| {
            (read_all(root, folder), root.has("certificates"))
        });
        reader.finish()?;
        // The default knows certificates; a file that was cut or emptied does not.
        let knows_certificates = has_certificates && callers.certificates.apply();
        match knows_certificates || callers.know_tokens() || callers.know_processes() {
            true => Ok(callers),
            false => Err(vec![NOBODY.to_owned()]),
        }
    }

    /// The files that this was read from: the callers file and the key sets it names.
    /// When one changes, the whole is to be read again.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Whether nobody is let in without a client certificate, but processes that are
    /// listed.
    pub fn want_certificates(&self) -> bool {
        self.require == Require::All || !self.know_tokens()
    }

    /// Whether processes are listed.
    pub fn know_processes(&self) -> bool {
        !self.processes.is_empty()
    }

    /// Whether everybody who is let in has a token of an issuer.
    pub(super) fn are_known_by_issuers_alone(&self, proofs: Proofs) -> bool {
        let others = (proofs.by_process && self.know_processes())
            || !self.tokens.is_empty()
            || (proofs.by_certificate && self.certificates.apply() && self.require == Require::Any);
        !self.issuers.is_empty() && !others
    }

    fn know_tokens(&self) -> bool {
        !self.issuers.is_empty() || !self.tokens.is_empty()
    }

    /// Whether the keys of an issuer have to be fetched.
    pub fn fetches_keys(&self) -> bool {
        let mut issuers = self.issuers.iter();
        issuers.any(|issuer| matches!(issuer.keys, super::issuer::Keys::Fetched(_)))
    }
}

fn read_all(root: &Section<'_>, folder: &Path) -> Callers {
    root.known(&[
        "both",
        "require",
        "certificates",
        "issuers",
        "tokens",
        "processes",
    ]);
    let words = [
        ("same-caller", Both::SameCaller),
        ("certificate", Both::Certificate),
        ("token", Both::Token),
    ];
    let both = root.one_of("both", &words).unwrap_or_default();
    let words = [("any", Require::Any), ("all", Require::All)];
    let require = root.one_of("require", &words).unwrap_or_default();
    let certificates = match root.section("certificates") {
        Some(section) => certificates::read(&section),
        None => Rules::default(),
    };
    let mut files = Vec::new();
    let issuers = issuers::read(root, folder, &mut files);
    let tokens = tokens::read(root);
    let processes = processes::read(root);
    if require == Require::All {
        if !certificates.apply() && !root.has("processes") {
            root.mistake("require", "`all` wants `certificates.names` or `processes`");
        }
        let has_tokens = ["issuers", "tokens"].iter().any(|name| root.has(name));
        if !has_tokens {
            root.mistake("require", "`all` wants `issuers` or `tokens`");
        }
    }
    Callers {
        both,
        require,
        certificates,
        issuers,
        tokens,
        processes,
        files,
    }
}

/// Shows no hash of a token.
impl fmt::Debug for Callers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Callers")
            .field("both", &self.both)
            .field("require", &self.require)
            .field("certificates", &self.certificates)
            .field("issuers", &self.issuers)
            .field("has_tokens", &!self.tokens.is_empty())
            .field("processes", &self.processes)
            .finish_non_exhaustive()
    }
}

/// The name of one caller in a list, which stands in policies and in records.
fn check_name(section: &Section<'_>, name: &str, names: &mut BTreeSet<String>) {
    if !names.insert(name.to_owned()) {
        section.mistake("name", "named before");
    }
    if name.chars().any(char::is_control) {
        section.mistake("name", "has control characters");
    }
}

#[cfg(test)]
mod tests;
