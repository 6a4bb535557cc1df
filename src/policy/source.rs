//! Files of policies: which there are, and the statements in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Mistake;
use crate::settings_file;

/// How files of policies end.
const ENDING: &str = "cedar";

/// One policy, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// The file it is in.
    pub(super) file: PathBuf,
    /// The line it begins at, from 1.
    pub(super) line: usize,
    /// Its text, from the first annotation to the semicolon.
    pub(super) text: String,
}

/// The statements of all files, and of all files of all directories, that `paths`
/// names. What cannot be read is added to `mistakes`, and so is a file without a
/// statement: it may have been cut, and without its `forbid`s more would be allowed.
pub(super) fn read(paths: &[PathBuf], mistakes: &mut Vec<Mistake>) -> Vec<Statement> {
    let mut statements = Vec::new();
    for path in paths {
        for file in files(path, mistakes) {
            match settings_file::read(&file) {
                Ok(text) => {
                    let found = split(&file, &text);
                    if found.is_empty() {
                        let reason = "no policy is in this file; write one, or remove the file";
                        mistakes.push(Mistake::in_file(&file, None, reason));
                    }
                    statements.extend(found);
                }
                Err(reason) => mistakes.push(Mistake::in_file(&file, None, reason)),
            }
        }
    }
    statements
}

/// The file, or the files of the directory in alphabetical order, without hidden ones.
/// Whatever else is named like a file of policies is one, and a mistake when it cannot be
/// read: the `forbid`s of a link that leads nowhere must not go without a word.
fn files(path: &Path, mistakes: &mut Vec<Mistake>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            mistakes.push(unreadable(path, &error));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => files.push(entry.path()),
            Err(error) => mistakes.push(unreadable(path, &error)),
        }
    }
    let is_named_so = |file: &Path| file.extension().is_some_and(|ending| ending == ENDING);
    files.retain(|file| is_named_so(file) && !settings_file::is_hidden(file));
    files.sort();
    if files.is_empty() {
        let reason = format!("no file in this directory ends in `.{ENDING}`");
        mistakes.push(Mistake::in_file(path, None, reason));
    }
    files
}

fn unreadable(path: &Path, error: &std::io::Error) -> Mistake {
    Mistake::in_file(path, None, format!("cannot be read: {error}"))
}

/// The statements of a text, each up to its semicolon. What follows the last one is a
/// statement too, unless it is empty, so that a missing semicolon is found.
///
/// Cedar tells no places of policies, so the text is taken apart before it is read.
pub(super) fn split(file: &Path, text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut statement = String::new();
    let (mut line, mut begins) = (1, 1);
    let mut place = Place::Between;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let starts_comment = character == '/' && characters.peek() == Some(&'/');
        place = match (place, character) {
            (Place::Comment, '\n') if statement.is_empty() => Place::Between,
            (Place::Comment, '\n') => Place::Code,
            (Place::Comment, _) => Place::Comment,
            (Place::Between | Place::Code, '/') if starts_comment => Place::Comment,
            (Place::Between, blank) if blank.is_whitespace() => Place::Between,
            (Place::Between | Place::Code, '"') => Place::Text,
            (Place::Between | Place::Code, _) => Place::Code,
            (Place::Text, '\\') => Place::Escape,
            (Place::Text, '"') => Place::Code,
            (Place::Text | Place::Escape, _) => Place::Text,
        };
        let is_outside = place == Place::Between || place == Place::Comment;
        if !statement.is_empty() || !is_outside {
            if statement.is_empty() {
                begins = line;
            }
            statement.push(character);
        }
        if place == Place::Code && character == ';' {
            statements.push(Statement {
                file: file.to_owned(),
                line: begins,
                text: std::mem::take(&mut statement),
            });
            place = Place::Between;
        }
        if character == '\n' {
            line += 1;
        }
    }
    if !statement.trim().is_empty() {
        statements.push(Statement {
            file: file.to_owned(),
            line: begins,
            text: statement.trim_end().to_owned(),
        });
    }
    statements
}

/// Where in a text a character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Code,
    Comment,
    Text,
    Escape,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_semicolons_that_end_a_policy() {
        let text = "// first; not a policy\n\n@id(\"a;b\")\npermit (principal, action, resource) // why; how\n  when { \"\\\";\" == \"//\" };\n\n  forbid (principal, action, resource);;\npermit(\n// last\n";

        let found = split(Path::new("a.cedar"), text);

        let found: Vec<(usize, &str)> = found
            .iter()
            .map(|statement| (statement.line, statement.text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    3,
                    "@id(\"a;b\")\npermit (principal, action, resource) // why; how\n  when { \"\\\";\" == \"//\" };"
                ),
                (7, "forbid (principal, action, resource);"),
                (7, ";"),
                (8, "permit(\n// last"),
            ]
        );
    }

    #[test]
    fn a_text_of_comments_alone_has_no_statement() {
        assert_eq!(split(Path::new("a.cedar"), "// one\n  // two;\n\n"), []);
        assert_eq!(split(Path::new("a.cedar"), ""), []);
    }

    #[test]
    fn a_directory_gives_its_own_files_in_order_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("b.cedar", "b;"), ("a.cedar", "a;"), ("c.txt", "c;")] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        fs::write(directory.path().join(".d.cedar"), "d;").unwrap();
        fs::create_dir(directory.path().join("..data")).unwrap();
        fs::write(directory.path().join("..data/e.cedar"), "e;").unwrap();

        let mut mistakes = Vec::new();
        let found = read(&[directory.path().to_owned()], &mut mistakes);

        let texts: Vec<&str> = found.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(texts, ["a;", "b;"]);
        assert_eq!(mistakes, []);
    }

    #[test]
    fn a_file_without_a_policy_is_a_mistake_whether_named_or_found() {
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("empty.cedar");
        let remarks = directory.path().join("remarks.cedar");
        fs::write(&empty, "").unwrap();
        fs::write(&remarks, "// nothing; yet\n").unwrap();
        fs::write(directory.path().join("some.cedar"), "a;").unwrap();

        for (paths, expected) in [
            (vec![directory.path().to_owned()], vec![&empty, &remarks]),
            (vec![empty.clone()], vec![&empty]),
        ] {
            let mut mistakes = Vec::new();
            read(&paths, &mut mistakes);

            let files: Vec<_> = mistakes.iter().filter_map(|it| it.file.as_ref()).collect();
            assert_eq!(files, expected);
            assert!(mistakes[0].reason.starts_with("no policy is in this file"));
        }
    }

    #[test]
    fn what_is_named_like_policies_and_cannot_be_read_is_a_mistake() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        fs::write(path("a.cedar"), "a;").unwrap();
        std::os::unix::fs::symlink(path("gone"), path("b.cedar")).unwrap();
        fs::create_dir(path("c.cedar")).unwrap();

        let mut mistakes = Vec::new();
        read(&[directory.path().to_owned()], &mut mistakes);

        let files: Vec<_> = mistakes.iter().filter_map(|it| it.file.clone()).collect();
        assert_eq!(files, [path("b.cedar"), path("c.cedar")]);
        assert!(mistakes[0].reason.contains("No such file"));
        assert!(mistakes[1].reason.contains("not a regular file"));
    }

    #[test]
    fn what_cannot_be_read_and_a_directory_without_policies_are_mistakes() {
        let directory = tempfile::tempdir().unwrap();
        let nowhere = directory.path().join("nowhere.cedar");

        let mut mistakes = Vec::new();
        let found = read(&[nowhere, directory.path().to_owned()], &mut mistakes);

        assert_eq!(found, []);
        assert!(mistakes[0].reason.starts_with("cannot be read: "));
        assert!(mistakes[1].reason.starts_with("no file in this directory"));
    }
}
