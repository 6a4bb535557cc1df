use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::settings_file;

#[tokio::test(start_paused = true)]
async fn a_change_is_read_once_and_within_two_seconds() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "one");
    let watched = Watched::new(vec![file.clone()]);

    watched.seconds(5).await;
    assert!(watched.reads().is_empty());
    fs::write(&file, "two").unwrap();
    watched.seconds(3).await;
    assert_eq!(watched.reads(), ["two"]);
    watched.seconds(5).await;

    assert_eq!(watched.reads(), ["two"]);
    watched.counted(1, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_change_counts_once_and_fails_until_it_is_mended() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "one");
    let watched = Watched::new(vec![file.clone()]);

    fs::write(&file, "bad").unwrap();
    watched.seconds(10).await;
    watched.counted(0, 1, 1);
    // What is there again was good before.
    fs::write(&file, "one").unwrap();
    watched.seconds(3).await;

    watched.counted(1, 1, 0);
    let mut reads = watched.reads();
    reads.dedup();
    assert_eq!(reads, ["bad", "one"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_being_written_is_never_read() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "one");
    let watched = Watched::new(vec![file.clone()]);
    watched.seconds(2).await;

    for part in ["", "t", "tw"] {
        fs::write(&file, part).unwrap();
        watched.seconds(1).await;
    }
    fs::remove_file(&file).unwrap();
    watched.seconds(1).await;
    fs::write(&file, "two").unwrap();
    watched.seconds(5).await;

    assert_eq!(watched.reads(), ["two"]);
    watched.counted(1, 0, 0);
}

#[tokio::test(start_paused = true)]
async fn what_names_a_file_that_is_yet_to_come_is_good_when_it_has_come() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "one");
    let watched = Watched::new(vec![file.clone()]);
    fs::write(&file, "wants the next").unwrap();
    watched.seconds(10).await;
    watched.counted(0, 1, 1);

    write(&folder, "file.next", "here it is");
    watched.seconds(2).await;

    watched.counted(1, 1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_a_change_names_is_watched_from_then_on() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "one");
    let watched = Watched::new(vec![file.clone()]);
    fs::write(&file, "names the next").unwrap();
    watched.seconds(6).await;
    let before = watched.reads().len();

    write(&folder, "file.next", "here it is");
    watched.seconds(3).await;

    assert_eq!(watched.reads().len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_seen_whichever_way_it_is_made() {
    let folder = TempDir::new().unwrap();
    let first = folder.path().join("..first");
    let second = folder.path().join("..second");
    for (folder, content) in [(&first, "one"), (&second, "two")] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("file"), content).unwrap();
    }
    let data = folder.path().join("..data");
    symlink("..first", &data).unwrap();
    let file = folder.path().join("file");
    symlink("..data/file", &file).unwrap();
    let watched = Watched::new(vec![file.clone()]);
    let seen = async |expected: &str, why: &str| {
        watched.seconds(3).await;
        let reads = watched.reads();
        assert_eq!(reads.last().map(String::as_str), Some(expected), "{why}");
    };

    symlink("..second", folder.path().join("..next")).unwrap();
    fs::rename(folder.path().join("..next"), &data).unwrap();
    seen("two", "the folder's link leads elsewhere").await;

    let written = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "TWO").unwrap();
    let options = fs::File::options().write(true).open(&file).unwrap();
    options.set_modified(written).unwrap();
    seen("TWO", "the same length and the same time").await;

    fs::remove_file(&file).unwrap();
    seen("", "the file is gone").await;

    write(&folder, "file", "three");
    seen("three", "the file is back").await;
}

#[tokio::test(start_paused = true)]
async fn a_pipe_in_the_place_of_a_file_does_not_end_the_watch() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "one");
    let watched = Watched::new(vec![file.clone()]);
    fs::remove_file(&file).unwrap();
    let made = Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    watched.seconds(5).await;

    fs::remove_file(&file).unwrap();
    write(&folder, "file", "bad");
    watched.seconds(3).await;

    assert_eq!(watched.reads().last().map(String::as_str), Some("bad"));
}

#[test]
fn what_is_too_large_for_a_file_of_settings_is_not_read() {
    let folder = TempDir::new().unwrap();
    let file = fs::File::create(folder.path().join("large")).unwrap();
    file.set_len(settings_file::LARGEST + 1).unwrap();
    let seen = Fingerprint::of(&[folder.path().to_owned()]);

    // As much as nobody has room for.
    file.set_len(1 << 40).unwrap();

    assert_eq!(Fingerprint::of(&[folder.path().to_owned()]), seen);
}

#[test]
fn a_folder_stands_for_the_files_in_it() {
    let folder = TempDir::new().unwrap();
    let paths = [folder.path().to_owned()];
    let mut seen = vec![Fingerprint::of(&paths)];
    let mut changed = |why: &str, expected: bool| {
        let now = Fingerprint::of(&paths);
        assert_eq!(seen.iter().all(|before| *before != now), expected, "{why}");
        seen.push(now);
    };

    write(&folder, "a", "1");
    changed("a new file", true);
    write(&folder, "b", "");
    changed("an empty file", true);
    fs::rename(folder.path().join("b"), folder.path().join("c")).unwrap();
    changed("another name", true);
    write(&folder, ".hidden", "1");
    changed("a hidden file", false);
    fs::create_dir(folder.path().join("d")).unwrap();
    changed("a folder in the folder", false);
    write(&folder, "a", "");
    write(&folder, "c", "1");
    changed("the same bytes in another file", true);
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_panics_counts_as_failed_and_does_not_end_the_watch() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "file", "one");
    let watched = Watched::new(vec![file.clone()]);

    fs::write(&file, "panic").unwrap();
    watched.seconds(3).await;
    fs::write(&file, "two").unwrap();
    watched.seconds(3).await;

    assert_eq!(watched.reads().last().map(String::as_str), Some("two"));
}

/// A watch over files, the first of which is read and may be `bad`.
struct Watched {
    reads: Arc<Mutex<Vec<String>>>,
    metrics: Arc<Metrics>,
    ended: CancellationToken,
}

impl Watched {
    fn new(paths: Vec<PathBuf>) -> Self {
        let watched = Self {
            reads: Arc::default(),
            metrics: Arc::new(Metrics::new()),
            ended: CancellationToken::new(),
        };
        let (file, reads) = (paths[0].clone(), Arc::clone(&watched.reads));
        let reload = move || {
            let read = settings_file::read(&file).unwrap_or_default();
            assert!(read != "panic");
            reads.lock().unwrap().push(read.clone());
            match read.as_str() {
                "bad" => Err(vec!["it is bad".to_owned()]),
                "wants the next" if !file.with_extension("next").exists() => {
                    Err(vec!["it wants a file that is not there".to_owned()])
                }
                "names the next" => Ok(vec![file.clone(), file.with_extension("next")]),
                _ => Ok(vec![file.clone()]),
            }
        };
        let (metrics, ended) = (Arc::clone(&watched.metrics), watched.ended.clone());
        Watch::begin("files", paths).spawn(reload, metrics, ended);
        watched
    }

    async fn seconds(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn reads(&self) -> Vec<String> {
        self.reads.lock().unwrap().clone()
    }

    fn counted(&self, good: u32, failed: u32, failing: u32) {
        let text = self.metrics.encode();
        for line in [
            format!("poolgate_reloads_total{{what=\"files\",outcome=\"ok\"}} {good}"),
            format!("poolgate_reloads_total{{what=\"files\",outcome=\"failed\"}} {failed}"),
            format!("poolgate_reload_failing{{what=\"files\"}} {failing}"),
        ] {
            assert!(text.contains(&line), "{line} is not in:\n{text}");
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

fn write(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path: &Path = folder.path();
    let path = path.join(name);
    fs::write(&path, content).unwrap();
    path
}
