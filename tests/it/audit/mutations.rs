//! A thousand ways to tamper with a journal, each of which is found.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use poolgate::audit::line::Hash;
use poolgate::audit::sign::PublicKey;
use poolgate::audit::verify::{Report, Settings, Verdict, verify};

use super::Made;

const COUNT: u64 = 1_000;

#[test]
fn a_thousand_mutations_are_found_and_the_right_place_is_named() {
    let mut missed = Vec::new();
    let bases = [Base::new(true), Base::new(false)];
    for seed in 0..COUNT {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let base = &bases[usize::from(seed % 4 == 3)];
        let mut files = base.files.clone();
        let expected = base.mutate(&mut files, &mut random);
        let report = base.verify(&files);
        if !expected.is_met_by(&report) {
            let found = report.faults.first().map(|fault| format!("{fault:?}"));
            missed.push(format!(
                "{seed}: {}: {:?} expected, found {found:?}",
                expected.what, expected.places
            ));
        }
    }

    assert!(
        missed.is_empty(),
        "{} missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

/// What has to be found.
struct Expected {
    what: String,
    /// The first fault is about one of these, and names the line, where one is given.
    places: Vec<(String, Option<u64>)>,
    /// What was changed says nothing: bits of a compressed file that carry no content.
    or_clean: bool,
}

impl Expected {
    fn at(what: &str, places: &[(&str, Option<u64>)]) -> Self {
        let places = places
            .iter()
            .map(|(name, line)| ((*name).to_owned(), *line));
        Self {
            what: what.to_owned(),
            places: places.collect(),
            or_clean: false,
        }
    }

    fn is_met_by(&self, report: &Report) -> bool {
        let Some(fault) = report.faults.first() else {
            return self.or_clean && report.verdict() == Verdict::Clean;
        };
        let text = format!("{} {}", fault.file.display(), fault.what);
        self.places.iter().any(|(name, line)| {
            text.contains(name.as_str()) && (line.is_none() || fault.line == *line)
        })
    }
}

/// A journal in memory: the bytes of its files by their names in the folder.
type Files = BTreeMap<String, Vec<u8>>;

struct Base {
    files: Files,
    key: PublicKey,
    has_digests: bool,
    /// A journal of the same shape by somebody else.
    foreign: Files,
}

impl Base {
    fn new(has_digests: bool) -> Self {
        let made = |shift: bool| {
            let folder = tempfile::tempdir().unwrap();
            let made = Made::in_folder(folder.path(), has_digests);
            let key = PublicKey::read(&made.key).unwrap();
            let mut files = read_all(folder.path());
            if shift {
                forge(&mut files);
            }
            (files, key)
        };
        let (files, key) = made(false);
        Self {
            files,
            key,
            has_digests,
            foreign: made(true).0,
        }
    }

    fn logs(&self) -> Vec<String> {
        logs(&self.files)
    }

    fn digests(&self) -> Vec<String> {
        let names = self.files.keys().filter(|name| name.ends_with(".json.gz"));
        names.cloned().collect()
    }

    fn verify(&self, files: &Files) -> Report {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("digests")).unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let settings = Settings {
            keys: self
                .has_digests
                .then(|| self.key.clone())
                .into_iter()
                .collect(),
            threads: 1,
        };
        verify(&folder.path().join("audit.jsonl"), &settings, &|_| {}).unwrap()
    }

    fn mutate(&self, files: &mut Files, random: &mut Random) -> Expected {
        let kinds = if self.has_digests { 13 } else { 7 };
        let logs = self.logs();
        let at = random.below(logs.len());
        let name = &logs[at];
        let next = logs.get(at + 1).map_or("nothing", String::as_str);
        let content = unzipped(name, &files[name]);
        let mut lines: Vec<Vec<u8>> = content
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let is_active = at + 1 == logs.len();
        // The end of the file that is written is covered by nothing.
        let line = random.below(lines.len() - usize::from(is_active));
        let place = (name.as_str(), Some(line as u64 + 1));
        let set = |files: &mut Files, lines: &[Vec<u8>]| {
            files.insert(name.clone(), zipped(name, &lines.concat()));
        };
        match random.below(kinds) {
            0 => {
                let byte = random.below(lines[line].len());
                lines[line][byte] ^= 1 << random.below(8);
                set(files, &lines);
                Expected::at("bit", &[place])
            }
            1 => {
                let is_last = line + 1 == lines.len();
                lines.remove(line);
                set(files, &lines);
                let whole = (name.as_str(), None);
                let places = if is_last {
                    vec![whole, (next, Some(1))]
                } else {
                    vec![place]
                };
                Expected::at("line deleted", &places)
            }
            2 => {
                let from = random.below(lines.len());
                let inserted = match random.below(2) {
                    0 => lines[from].clone(),
                    _ => {
                        let foreign = unzipped(name, self.foreign_log(at));
                        foreign
                            .split_inclusive(|byte| *byte == b'\n')
                            .nth(line)
                            .unwrap()
                            .to_vec()
                    }
                };
                // Of two lines that are the same, or that both can be the first one of all, the
                // second is too many.
                let is_same = lines[line] == inserted || (at, line) == (0, 0);
                lines.insert(line, inserted);
                set(files, &lines);
                let behind = (name.as_str(), Some(line as u64 + 2));
                let named = if is_same { behind } else { place };
                Expected::at("line inserted", &[named])
            }
            3 => {
                let other = random.below(lines.len() - 1);
                let other = if other >= line { other + 1 } else { other };
                lines.swap(line, other);
                set(files, &lines);
                let first = (name.as_str(), Some(line.min(other) as u64 + 1));
                Expected::at("lines swapped", &[first])
            }
            4 => {
                let cut = 1 + random.below(lines[line].len() - 1);
                lines.truncate(line + 1);
                lines[line].truncate(cut);
                set(files, &lines);
                Expected::at("truncated", &[place])
            }
            5 => {
                let other = (at + 1 + random.below(logs.len() - 1)) % logs.len();
                let from = match random.below(2) {
                    0 => unzipped(&logs[other], &files[&logs[other]]),
                    _ => unzipped(name, self.foreign_log(at)),
                };
                files.insert(name.clone(), zipped(name, &from));
                Expected::at("file replaced", &[(name, None), (next, Some(1))])
            }
            6 if is_active || at == 0 => {
                // Of the first files and the last nobody knows that they were there,
                // unless they are asked for.
                files.remove("audit.jsonl");
                Expected::at("active file deleted", &[("audit.jsonl", None)])
            }
            6 => {
                files.remove(name);
                Expected::at("file deleted", &[(name, None), (next, Some(1))])
            }
            7 => self.rewrite(files, random),
            8 => {
                let byte = random.below(files[name].len());
                files.get_mut(name).unwrap()[byte] ^= 1 << random.below(8);
                let is_same = decompressed(name, &files[name]).is_some_and(|now| now == content);
                let mut expected = Expected::at("bit of a compressed file", &[(name, None)]);
                expected.or_clean = is_same;
                expected
            }
            kind => self.mutate_digest(files, random, kind),
        }
    }

    /// Everything from a line of a closed file on is written anew, with right hashes.
    fn rewrite(&self, files: &mut Files, random: &mut Random) -> Expected {
        let logs = self.logs();
        let first = random.below(logs.len() - 1);
        let mut previous = None;
        for (at, name) in logs.iter().enumerate().skip(first) {
            let mut text = String::from_utf8(unzipped(name, &files[name])).unwrap();
            if at == first {
                text = text.replace("192.0.2.7", "192.0.2.8");
            }
            let text = resealed(&text, &mut previous);
            files.insert(name.clone(), zipped(name, text.as_bytes()));
        }
        Expected::at("tail rewritten", &[(&logs[first], None)])
    }

    fn mutate_digest(&self, files: &mut Files, random: &mut Random, kind: usize) -> Expected {
        let digests = self.digests();
        let at = random.below(digests.len());
        let name = digests[at].as_str();
        let signature = format!("{name}.sig");
        match kind {
            9 => {
                // The last digests that list nothing can go and nobody knows.
                let at = random.below(4);
                let name = digests[at].as_str();
                files.remove(name);
                if random.below(2) == 0 {
                    files.remove(&format!("{name}.sig"));
                }
                let covered = &self.logs()[at];
                Expected::at("digest deleted", &[(name, None), (covered, None)])
            }
            10 => {
                let before = decompressed(name, &files[name]).unwrap();
                let byte = random.below(files[name].len());
                files.get_mut(name).unwrap()[byte] ^= 1 << random.below(8);
                let is_same = decompressed(name, &files[name]).is_some_and(|now| now == before);
                let mut expected = Expected::at("bit of a digest", &[(name, None)]);
                expected.or_clean = is_same;
                expected
            }
            11 => {
                let mut text = unzipped(name, &files[name]);
                let byte = random.below(text.len());
                text[byte] ^= 1 << random.below(8);
                files.insert(name.to_owned(), zipped(name, &text));
                Expected::at("digest changed", &[(name, None)])
            }
            _ => {
                let bytes = files.get_mut(&signature).unwrap();
                let byte = random.below(bytes.len());
                bytes[byte] ^= 1 << random.below(8);
                Expected::at("signature changed", &[(name, None)])
            }
        }
    }

    fn foreign_log(&self, at: usize) -> &[u8] {
        &self.foreign[&logs(&self.foreign)[at]]
    }
}

/// Makes another journal of the same shape, whole in itself.
fn forge(files: &mut Files) {
    let mut previous = None;
    for name in logs(files) {
        let text = String::from_utf8(unzipped(&name, &files[&name])).unwrap();
        let text = resealed(&text.replace("192.0.2.7", "192.0.2.9"), &mut previous);
        files.insert(name.clone(), zipped(&name, text.as_bytes()));
    }
}

/// The names of the journal's files in their order; the one that is written is the last.
fn logs(files: &Files) -> Vec<String> {
    let names = files.keys().filter(|name| !name.contains('/'));
    let mut names: Vec<_> = names.cloned().collect();
    names.sort_by_key(|name| (name == "audit.jsonl", name.clone()));
    names
}

/// The lines with the hashes that they have to have after `previous`.
fn resealed(text: &str, previous: &mut Option<String>) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let (rest, _) = line.rsplit_once(",\"hash\":\"").unwrap();
        let (rest, own) = rest.rsplit_once(",\"prevHash\":\"").unwrap();
        let own = own.trim_end_matches('"');
        let before = previous.clone().unwrap_or_else(|| own.to_owned());
        let rest = rest.replace(own, &before);
        let sealed = format!("{rest},\"prevHash\":\"{before}\"");
        let hash = Hash::of(sealed.as_bytes()).to_string();
        all.push_str(&format!("{sealed},\"hash\":\"{hash}\"}}}}\n"));
        *previous = Some(hash);
    }
    all
}

fn read_all(folder: &Path) -> Files {
    let mut files = Files::new();
    let digests = folder.join("digests");
    for folder in [folder, &digests] {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_file() && name != "key.pem" {
                let name = if folder == digests {
                    format!("digests/{name}")
                } else {
                    name
                };
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

fn unzipped(name: &str, bytes: &[u8]) -> Vec<u8> {
    decompressed(name, bytes).unwrap()
}

fn decompressed(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    if !name.ends_with(".gz") {
        return Some(bytes.to_vec());
    }
    let mut content = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut content).ok()?;
    Some(content)
}

fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    if !name.ends_with(".gz") {
        return content.to_vec();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// The same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % bound
    }
}
