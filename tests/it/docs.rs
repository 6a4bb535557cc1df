//! The README's tables are those of the code.
//!
//! `POOLGATE_WRITE_DOCS=1 cargo test --test it docs` writes them.

use std::fs;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

#[test]
fn the_tables_in_the_readme_are_those_of_the_code() {
    let tables = [
        ("configuration", poolgate::config::reference()),
        ("metrics", poolgate::telemetry::reference()),
        ("errors", poolgate::status::reference()),
    ];
    let readme = fs::read_to_string(README).unwrap();
    let mut expected = readme.clone();
    for (name, table) in tables {
        expected = with_table(&expected, name, &table);
    }

    if std::env::var_os("POOLGATE_WRITE_DOCS").is_some() {
        fs::write(README, &expected).unwrap();
        return;
    }
    assert!(
        readme == expected,
        "README.md has tables that differ from the code; write them with \
         `POOLGATE_WRITE_DOCS=1 cargo test --test it docs`"
    );
}

/// The text with the table between its two markers.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- begin {name} -->\n");
    let end = format!("<!-- end {name} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}\n{}\n\n{end}{after}", table.trim_end())
}
