//! `poolgate audit verify`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::{Console, exit as codes};
use super::progress::Progress;
use super::{exit, shown};
use crate::audit::sign::PublicKey;
use crate::audit::verify::{Fault, Report, Settings, Verdict, verify};
use crate::audit::{Listing, line::Hash};

/// So many faults and open calls are printed; the first is what matters.
const MOST_SHOWN: usize = 20;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the journal is as it was written, 1 it is not, 2 it is and calls\n\
    are open that were begun, 3 it could not be read. A command line that is not\n\
    understood ends with 2, too, and prints nothing on standard output.\n\n\
    Examples:\n  \
    poolgate audit verify /var/log/poolgate/audit.jsonl\n  \
    poolgate audit verify --key signing-key.pem --json /archive/poolgate"
)]
pub(super) struct Arguments {
    /// The file that `audit.file` names, or a folder with the files of one journal.
    path: PathBuf,
    /// What digests are signed with: the public key in PEM, or the private one; again for
    /// each key there was. Without any, signatures are not checked.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// How many files are read at a time [otherwise: one for each processor].
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> u8 {
    let keys = arguments.key.iter().map(|path| PublicKey::read(path));
    let keys: Vec<_> = match keys.collect() {
        Ok(keys) => keys,
        Err(error) => {
            console.complain(error);
            return exit::UNREADABLE;
        }
    };
    let has_key = !keys.is_empty();
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let settings = Settings {
        keys,
        threads: arguments.threads.unwrap_or_else(processors),
    };
    let bytes = Listing::of(&arguments.path).map_or(0, |listing| listing.bytes());
    let progress = Progress::new(bytes);
    let verified = verify(&arguments.path, &settings, &|read| progress.show(read));
    drop(progress);
    let report = match verified {
        Ok(report) => report,
        Err(error) => {
            console.complain(shown(&error.to_string()));
            return exit::UNREADABLE;
        }
    };
    if arguments.json {
        console.say(to_json(&report, has_key));
    } else {
        tell(&report, has_key, console);
    }
    match report.verdict() {
        Verdict::Clean => codes::OK,
        Verdict::Broken => exit::BROKEN,
        Verdict::OpenIntents => exit::OPEN_INTENTS,
        Verdict::Unreadable => exit::UNREADABLE,
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean => "clean",
        Verdict::Broken => "broken",
        Verdict::OpenIntents => "open intents",
        Verdict::Unreadable => "unreadable",
    }
}

fn tell(report: &Report, has_key: bool, console: &mut Console<'_>) {
    console.say(word(report.verdict()));
    for fault in report.faults.iter().take(MOST_SHOWN) {
        console.say(format_args!("  {}", shown(&place(fault))));
    }
    for (path, why) in report.unreadable.iter().take(MOST_SHOWN) {
        let told = format!("{}: cannot be read: {why}", path.display());
        console.say(format_args!("  {}", shown(&told)));
    }
    for intent in report.open_intents.iter().take(MOST_SHOWN) {
        let told = format!(
            "open: {} at {}, seq {}, {}",
            intent.operation, intent.time, intent.seq, intent.shared_event_id
        );
        console.say(format_args!("  {}", shown(&told)));
    }
    for (count, what) in [
        (report.faults.len(), "faults"),
        (report.unreadable.len(), "files that cannot be read"),
        (report.open_intents.len(), "open calls"),
    ] {
        if let Some(more @ 1..) = count.checked_sub(MOST_SHOWN) {
            console.say(format_args!("  and {more} more {what}"));
        }
    }
    let Report {
        files,
        lines,
        bytes,
        ..
    } = report;
    console.say(format_args!(
        "read: {files} files, {lines} lines, {bytes} bytes"
    ));
    if let Some((seq, hash)) = report.last {
        console.say(format_args!("last line: {seq}, {hash}"));
    }
    let digests = &report.digests;
    if digests.count > 0 {
        console.say(format_args!(
            "digests: {}, {} with a good signature; {} files are as they say",
            digests.count, digests.signed, digests.files
        ));
    }
    for note in notes(report, has_key) {
        console.say(format_args!("note: {note}"));
    }
}

/// `audit.jsonl, line 7, seq 49, byte 8123: was changed …`.
fn place(fault: &Fault) -> String {
    let number = |name: &str, number: Option<u64>| {
        number.map_or_else(String::new, |number| format!(", {name} {number}"))
    };
    format!(
        "{}{}{}{}: {}",
        fault.file.display(),
        number("line", fault.line),
        number("seq", fault.seq),
        number("byte", fault.offset),
        fault.what
    )
}

/// What a reader has to know of what was found, and what was not proved.
fn notes(report: &Report, has_key: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((seq @ 2.., _)) = report.first {
        notes.push(format!(
            "begins at seq {seq}; nothing is proved about what was before"
        ));
    }
    for (from, to) in &report.lagged {
        notes.push(format!(
            "lines {from} to {to} are not here, as the journal says itself: they went to another sink"
        ));
    }
    if !report.open_intents.is_empty() {
        notes.push("while poolgate runs, open calls may be under way".to_owned());
    }
    let digests = &report.digests;
    match (digests.count, has_key) {
        (0, _) => notes.push(
            "there are no digests: the chain shows accidents, and nothing of somebody who \
             writes all lines anew"
                .to_owned(),
        ),
        (_, false) => notes.push(
            "signatures were not checked; give `--key`. Without it digests show accidents only"
                .to_owned(),
        ),
        (_, true) => {
            if digests.is_suffix {
                notes.push("digests before the first one were removed".to_owned());
            }
            let until = match (digests.last_seq, digests.until) {
                (Some(seq), Some(time)) => {
                    let time = humantime::format_rfc3339_seconds(time);
                    format!("signed are the lines up to seq {seq}; the last digest is of {time}")
                }
                _ => "no line is covered by a good digest".to_owned(),
            };
            notes.push(format!(
                "{until}. Somebody with the disk can have taken away digests and written what \
                 follows anew: compare with digests kept elsewhere"
            ));
        }
    }
    notes
}

fn to_json(report: &Report, has_key: bool) -> Value {
    let end = |end: Option<(u64, Hash)>| {
        end.map(|(seq, hash)| json!({"seq": seq, "hash": hash.to_string()}))
    };
    let until = report.digests.until;
    json!({
        "verdict": word(report.verdict()),
        "faults": report.faults.iter().map(|fault| json!({
            "file": fault.file.to_string_lossy(),
            "line": fault.line,
            "seq": fault.seq,
            "offset": fault.offset,
            "what": fault.what.to_string(),
        })).collect::<Vec<_>>(),
        "unreadable": report.unreadable.iter().map(|(path, why)| json!({
            "file": path.to_string_lossy(),
            "why": why,
        })).collect::<Vec<_>>(),
        "openIntents": report.open_intents.iter().map(|intent| json!({
            "sharedEventID": intent.shared_event_id,
            "eventName": intent.operation,
            "eventTime": intent.time,
            "seq": intent.seq,
        })).collect::<Vec<_>>(),
        "files": report.files,
        "lines": report.lines,
        "bytes": report.bytes,
        "first": end(report.first),
        "last": end(report.last),
        "digests": {
            "count": report.digests.count,
            "signed": report.digests.signed,
            "files": report.digests.files,
            "lastSeq": report.digests.last_seq,
            "until": until.map(|time| humantime::format_rfc3339_seconds(time).to_string()),
        },
        "notes": notes(report, has_key),
    })
}
