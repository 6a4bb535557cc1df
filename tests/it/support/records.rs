//! What is in a journal, for tests that compare it with what they did.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tonic::Request;

/// The records of the journal whose newest file is at `path`, in order: those of closed
/// files come first. A line that does not parse fails the test.
pub fn records(path: &Path) -> Vec<Value> {
    let lines = files(path).into_iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The longest line, in bytes.
const LONGEST: usize = 64 * 1024;

/// The records of a journal of one file, after a look at its bytes: there are none that
/// move a cursor, begin a line or turn text around, each line is one object and not too
/// long, and their numbers have no gap.
pub fn plain_records(path: &Path) -> Vec<Value> {
    let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
    let lines = text.strip_suffix('\n').unwrap().split('\n');
    let records = lines.zip(1..).map(|(line, seq)| {
        let odd = line.chars().find(|letter| is_odd(*letter));
        assert_eq!(odd, None, "line {seq}: {line}");
        assert!(line.len() <= LONGEST, "line {seq} has {} bytes", line.len());
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record.is_object(), "line {seq}: {line}");
        assert_eq!(record["additionalEventData"]["seq"], seq, "{line}");
        record
    });
    records.collect()
}

/// What must not stand in a journal as it is.
fn is_odd(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}')
}

/// The files of a journal, which are not compressed, oldest first.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let mut closed: Vec<PathBuf> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|found| {
            let name = found.file_name().unwrap().to_str().unwrap();
            name.starts_with(&format!("{stem}-")) && name.ends_with(".jsonl")
        })
        .collect();
    // The number of its first line is at the end of a name.
    closed.sort_by_key(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        name.rsplit('-').next().unwrap().to_owned()
    });
    closed.push(path.to_owned());
    closed
}

/// Those of calls, with their outcome.
pub fn outcomes(records: &[Value]) -> Vec<&Value> {
    of_phase(records, "outcome")
}

/// Those of calls that were about to be made.
pub fn intents(records: &[Value]) -> Vec<&Value> {
    of_phase(records, "intent")
}

fn of_phase<'a>(records: &'a [Value], phase: &str) -> Vec<&'a Value> {
    let records = records.iter();
    let calls = records.filter(|record| record["eventType"] == "AwsApiCall");
    calls
        .filter(|record| record["additionalEventData"]["phase"] == phase)
        .collect()
}

/// A request with a name for its call, by which its record is found.
pub fn named<T>(message: T, id: &str) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("x-request-id", id.parse().unwrap());
    request
}

/// The name that the caller gave the call.
pub fn request_id(record: &Value) -> &str {
    record["additionalEventData"]["requestId"].as_str().unwrap()
}
