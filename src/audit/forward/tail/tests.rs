use std::fs;
use std::io::Write;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::audit::files::closed_name;
use crate::audit::line::{Draft, Hash};

#[test]
fn lines_are_read_in_their_order_over_files_that_are_closed_compressed_and_written() {
    let mut made = Made::new();
    made.write(3);
    made.close();
    made.write(2);
    made.close();
    made.compress(0);
    made.write(4);

    let mut tail = made.tail(2);

    assert_eq!(made.read(&mut tail, 8), made.lines(2..=8));
    assert_eq!(tail.next(), 9);
    assert_eq!(made.read(&mut tail, 9), made.lines(9..=9));
    assert_eq!(tail.read(9).unwrap(), Read::default());
}

#[test]
fn what_is_not_known_to_be_on_the_disk_is_not_read_and_may_be_written_anew() {
    let mut made = Made::new();
    made.write(2);
    let length = fs::metadata(made.path()).unwrap().len();
    let mut tail = made.tail(1);
    made.append(b"{\"torn\":1,\"hash\":\"");
    assert_eq!(made.read(&mut tail, 2), made.lines(1..=2));
    assert_eq!(tail.read(3).unwrap(), Read::default());
    made.cut(length);
    made.write(1);
    assert_eq!(tail.read(2).unwrap(), Read::default());
    made.cut(length);
    made.forget();

    made.write(2);

    assert_eq!(made.read(&mut tail, 4), made.lines(3..=4));
}

#[test]
fn a_file_that_is_being_read_may_be_closed_compressed_and_removed() {
    let mut made = Made::new();
    made.write(600);
    let mut tail = made.tail(1);
    assert_eq!(tail.read(600).unwrap().lines.len(), MOST_LINES);

    made.write(10);
    made.close();
    made.compress(0);
    fs::remove_file(made.closed[0].with_extension("jsonl.gz")).unwrap();
    made.write(1);

    assert_eq!(made.read(&mut tail, 611), made.lines(513..=611));
}

#[test]
fn a_file_that_was_closed_after_it_was_asked_how_far_to_read_is_read_to_its_end() {
    let mut made = Made::new();
    made.write(6);
    made.close();
    made.compress(0);
    made.write(1);
    let mut tail = made.tail(1);

    assert_eq!(made.read(&mut tail, 3), made.lines(1..=3));
    assert_eq!(made.read(&mut tail, 7), made.lines(4..=7));
}

#[test]
fn lines_that_are_gone_are_counted_when_they_are_not_there_twice() {
    let mut made = Made::new();
    for _ in 0..3 {
        made.write(10);
        made.close();
    }
    made.compress(1);
    made.write(5);
    let mut tail = made.tail(4);
    fs::remove_file(&made.closed[0]).unwrap();

    assert_eq!(tail.read(35).unwrap(), Read::default());
    let read = tail.read(35).unwrap();
    assert_eq!(
        (read.missing, &read.lines[..]),
        (7, &made.lines(11..=20)[..])
    );
    assert_eq!(made.read(&mut tail, 35), made.lines(21..=35));
}

#[test]
fn a_file_that_comes_back_at_the_second_look_is_not_missing() {
    let mut made = Made::new();
    made.write(10);
    made.close();
    made.write(5);
    let mut tail = made.tail(4);
    let hidden = made.folder.path().join("hidden");
    fs::rename(&made.closed[0], &hidden).unwrap();
    assert_eq!(tail.read(15).unwrap(), Read::default());

    fs::rename(&hidden, &made.closed[0]).unwrap();

    assert_eq!(made.read(&mut tail, 15), made.lines(4..=15));
}

#[test]
fn lines_that_somebody_has_changed_are_left_out_and_counted() {
    let mut made = Made::new();
    made.write(5);
    let text = fs::read_to_string(made.path()).unwrap();
    let changed = text.replacen("\"n\":3", "\"n\":4", 1) + "garbage\n";
    fs::write(made.path(), changed).unwrap();
    made.write(1);
    let mut tail = made.tail(1);

    let first = tail.read(6).unwrap();
    assert_eq!((first.missing, first.lines), (0, made.lines(1..=2)));
    assert_eq!(tail.read(6).unwrap(), Read::default());
    let then = tail.read(6).unwrap();
    assert_eq!((then.missing, then.lines), (1, made.lines(4..=6)));
}

#[test]
fn what_follows_damage_in_a_compressed_file_is_missing() {
    let mut made = Made::new();
    made.write(10);
    made.close();
    made.compress(0);
    made.write(2);
    let zipped = made.closed[0].with_extension("jsonl.gz");
    let mut bytes = fs::read(&zipped).unwrap();
    bytes.truncate(20);
    fs::write(&zipped, bytes).unwrap();
    let mut tail = made.tail(1);

    assert_eq!(tail.read(12).unwrap(), Read::default());
    let read = tail.read(12).unwrap();

    assert_eq!((read.missing, read.lines), (10, made.lines(11..=12)));
}

#[test]
fn bytes_that_are_too_long_for_a_line_do_not_stop_it() {
    let mut made = Made::new();
    made.write(1);
    made.append(&vec![b'x'; 3 * 1024 * 1024]);
    made.append(b"\n");
    made.write(1);

    let mut tail = made.tail(1);

    assert_eq!(made.read(&mut tail, 2), made.lines(1..=2));
}

#[test]
fn a_batch_has_bounds_in_lines_and_bytes() {
    let mut made = Made::new();
    made.write_long(40, 60_000);
    made.write(2 * u64::try_from(MOST_LINES).unwrap());
    let mut tail = made.tail(1);
    let last = made.seq;

    let mut counts = Vec::new();
    while tail.next() <= last {
        let lines = tail.read(last).unwrap().lines;
        let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
        assert!(bytes <= MOST_BYTES && lines.len() <= MOST_LINES);
        counts.push(lines.len());
    }

    assert_eq!(counts[0], 17);
    assert_eq!(counts.iter().sum::<usize>(), 40 + 2 * MOST_LINES);
    assert!(counts.contains(&MOST_LINES));
}

#[test]
fn a_journal_without_files_is_an_error_only_without_its_folder() {
    let made = Made::new();
    let mut tail = made.tail(1);
    assert_eq!(tail.read(5).unwrap(), Read::default());
    assert_eq!(oldest(&made.path()).unwrap(), 1);

    let nowhere = made.folder.path().join("nowhere/audit.jsonl");
    assert!(Tail::new(&nowhere, 1).read(5).is_err());
}

#[test]
fn the_oldest_line_is_the_one_of_the_oldest_file() {
    let mut made = Made::new();
    made.write(3);
    assert_eq!(oldest(&made.path()).unwrap(), 1);
    made.close();
    made.write(2);
    made.close();
    made.write(1);
    fs::remove_file(&made.closed[0]).unwrap();
    assert_eq!(oldest(&made.path()).unwrap(), 4);
    fs::remove_file(&made.closed[1]).unwrap();
    assert_eq!(oldest(&made.path()).unwrap(), 6);
}

proptest! {
    #[test]
    fn whatever_happens_to_files_between_two_looks_each_line_is_read_once(
        steps in prop::collection::vec(0..6_u8, 1..40), first in 1..5_u64,
    ) {
        let mut made = Made::new();
        made.write(5);
        let mut tail = made.tail(first);
        let mut read = Vec::new();
        for step in steps {
            match step {
                0 => made.write(3),
                1 => made.write_long(3, 50_000),
                2 => made.close(),
                3 => made.compress(made.closed.len().saturating_sub(1)),
                4 => read.extend(tail.read(made.seq).unwrap().lines),
                _ => tail.seek(tail.next()),
            }
        }
        read.extend(made.read(&mut tail, made.seq));

        prop_assert_eq!(read, made.lines(first..=made.seq));
    }
}

/// A journal that is made by hand.
struct Made {
    folder: TempDir,
    seq: u64,
    hash: Hash,
    first: u64,
    lines: Vec<Line>,
    closed: Vec<PathBuf>,
}

impl Made {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            seq: 0,
            hash: Hash::NONE,
            first: 1,
            lines: Vec::new(),
            closed: Vec::new(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    fn tail(&self, first: u64) -> Tail {
        Tail::new(&self.path(), first)
    }

    fn write(&mut self, count: u64) {
        self.write_long(count, 0);
    }

    fn write_long(&mut self, count: u64, padding: usize) {
        for _ in 0..count {
            self.seq += 1;
            let record = json!({"n": self.seq, "padding": " ".repeat(padding)});
            let draft = Draft::new(&record, &json!({})).unwrap();
            let mut line = Vec::new();
            self.hash = draft.seal(self.seq, self.hash, &mut line);
            self.append(&line);
            self.lines.push(Line {
                seq: self.seq,
                text: String::from_utf8(line).unwrap().trim_end().to_owned(),
            });
        }
    }

    fn append(&self, bytes: &[u8]) {
        let mut options = fs::File::options();
        let file = options.create(true).append(true).open(self.path());
        file.unwrap().write_all(bytes).unwrap();
    }

    /// As the writer does with what it could not write.
    fn cut(&self, length: u64) {
        let file = fs::File::options().write(true).open(self.path());
        file.unwrap().set_len(length).unwrap();
    }

    /// The last line was cut, and the next one is another.
    fn forget(&mut self) {
        self.lines.pop();
        self.seq -= 1;
        self.hash = Hash::NONE;
    }

    fn close(&mut self) {
        if !self.path().exists() {
            return;
        }
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(self.seq);
        let name = closed_name(&self.path(), at, self.first);
        fs::rename(self.path(), &name).unwrap();
        self.closed.push(name);
        self.first = self.seq + 1;
    }

    fn compress(&self, at: usize) {
        let Some(path) = self.closed.get(at).filter(|path| path.exists()) else {
            return;
        };
        let file = fs::File::create(path.with_extension("jsonl.gz")).unwrap();
        let mut encoder = GzEncoder::new(file, Compression::fast());
        encoder.write_all(&fs::read(path).unwrap()).unwrap();
        encoder.finish().unwrap();
        fs::remove_file(path).unwrap();
    }

    /// All there is, of which nothing is missing.
    fn read(&self, tail: &mut Tail, until: u64) -> Vec<Line> {
        let mut lines = Vec::new();
        while tail.next() <= until {
            let read = tail.read(until).unwrap();
            assert_eq!(read.missing, 0);
            assert!(!read.lines.is_empty(), "{} is not found", tail.next());
            lines.extend(read.lines);
        }
        lines
    }

    fn lines(&self, seqs: std::ops::RangeInclusive<u64>) -> Vec<Line> {
        let mut lines = self.lines.clone();
        lines.retain(|line| seqs.contains(&line.seq));
        lines
    }
}
