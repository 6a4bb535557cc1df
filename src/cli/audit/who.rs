//! `poolgate audit who`.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value;

use super::super::{Console, exit as codes};
use super::progress::Progress;
use super::{exit, shown};
use crate::audit::Listing;
use crate::audit::who::{Filter, Find, Searched, search};
use crate::clock::Clock;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Prints the records as they stand in the journal, one JSON object per line, and a\n\
    table where standard output is a terminal. A record has to answer to all that is\n\
    asked for.\n\n\
    Exit codes: 0 all was searched, also when nothing was found; 1 the output could\n\
    not be written; 3 not all of the journal could be read, or not all are records.\n\n\
    Examples:\n  \
    poolgate audit who --access-key ASIAEXAMPLE /var/log/poolgate/audit.jsonl\n  \
    poolgate audit who --caller spiffe://example/job --since 2h audit.jsonl | jq .eventName"
)]
pub(super) struct Arguments {
    /// The file that `audit.file` names, or a folder with the files of one journal.
    path: PathBuf,
    /// Who got this access key of AWS.
    #[arg(long, value_name = "KEY")]
    access_key: Option<String>,
    /// What was done with an identity.
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// What was done with an identity pool.
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// The call with a request id, AWS's or poolgate's.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// What a caller did: its principal id, user name or service.
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    /// Calls of an operation, `GetCredentialsForIdentity`.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Calls that ended with an error, `NotAuthorizedException`.
    #[arg(long, value_name = "CODE")]
    error: Option<String>,
    /// From this time on: `2026-11-25T05:00:00Z`, or `2h` for two hours ago.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<SystemTime>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<SystemTime>,
    /// Print JSON lines also at a terminal.
    #[arg(long, conflicts_with = "table")]
    json: bool,
    /// Print a table also where it is not read at a terminal.
    #[arg(long)]
    table: bool,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> u8 {
    let listing = match Listing::of(&arguments.path) {
        Ok(listing) => listing,
        Err(error) => {
            console.complain(shown(&error.to_string()));
            return exit::UNREADABLE;
        }
    };
    let is_table = arguments.table || (!arguments.json && io::stdout().is_terminal());
    let mut output = BufWriter::new(&mut *console.output);
    let progress = Progress::new(listing.bytes());
    let mut written = match is_table {
        true => writeln!(output, "{}", row(HEAD)),
        false => Ok(()),
    };
    let searched = search(
        &listing,
        &arguments.filter(),
        &mut |find| {
            written = match is_table {
                true => writeln!(output, "{}", table_row(find)),
                false => output
                    .write_all(find.line)
                    .and_then(|()| output.write_all(b"\n")),
            };
            match &written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        },
        &mut |read| progress.show(read),
    );
    drop(progress);
    let written = written.and_then(|()| output.flush());
    // What could not be written is not tried again.
    let _ = output.into_parts();
    finish(&searched, written, console)
}

fn finish(searched: &Searched, written: io::Result<()>, console: &mut Console<'_>) -> u8 {
    match written {
        // Its reader has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return codes::OK,
        Err(error) => {
            console.complain(format_args!("cannot write the output: {error}"));
            return codes::FAILURE;
        }
        Ok(()) => {}
    }
    for (path, why) in &searched.unreadable {
        let told = format!("cannot read `{}` to its end: {why}", path.display());
        console.complain(shown(&told));
    }
    if searched.damaged > 0 {
        let damaged = searched.damaged;
        console.complain(format_args!(
            "{damaged} lines are no records; see `poolgate audit verify`"
        ));
    }
    match (searched.found, searched.skipped) {
        (0, 0) => console.complain("nothing was found"),
        (0, skipped) => console.complain(format_args!(
            "nothing was found; {skipped} files are from before and were not read"
        )),
        _ => {}
    }
    match searched.unreadable.is_empty() && searched.damaged == 0 {
        true => codes::OK,
        false => exit::UNREADABLE,
    }
}

impl Arguments {
    fn filter(&self) -> Filter {
        Filter {
            access_key: self.access_key.clone(),
            identity: self.identity.clone(),
            pool: self.pool.clone(),
            request_id: self.request_id.clone(),
            caller: self.caller.clone(),
            operation: self.operation.clone(),
            error: self.error.clone(),
            since: self.since,
            until: self.until,
        }
    }
}

/// A time, or how long ago it was.
fn time(text: &str) -> Result<SystemTime, String> {
    if let Ok(time) = humantime::parse_rfc3339(text) {
        return Ok(time);
    }
    humantime::parse_duration(text)
        .ok()
        .and_then(|ago| Clock::system().now().checked_sub(ago))
        .ok_or_else(|| {
            "no time: write `2026-11-25T05:00:00Z`, or `2h` for two hours ago".to_owned()
        })
}

const HEAD: [&str; 5] = ["TIME", "OPERATION", "RESULT", "CALLER", "REQUEST"];

fn table_row(find: &Find<'_>) -> String {
    let text = |pointers: &[&str]| {
        let mut found = pointers
            .iter()
            .filter_map(|pointer| find.record.pointer(pointer)?.as_str());
        shown(found.next().unwrap_or("-"))
    };
    let phase = find
        .record
        .pointer("/additionalEventData/phase")
        .and_then(Value::as_str);
    let result = match phase {
        Some("intent") => "(intent)".to_owned(),
        _ => find
            .record
            .pointer("/errorCode")
            .map_or_else(|| "ok".to_owned(), |_| text(&["/errorCode"])),
    };
    row([
        &text(&["/eventTime"]),
        &text(&["/eventName"]),
        &result,
        &text(&["/userIdentity/principalId", "/userIdentity/type"]),
        &text(&["/sharedEventID", "/requestID"]),
    ])
}

fn row([time, operation, result, caller, request]: [&str; 5]) -> String {
    format!("{time:20}  {operation:34}  {result:26}  {caller:40}  {request}")
}
