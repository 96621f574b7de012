//! The lab's rows as JUnit XML, which continuous integration shows as tests: a suite an operation, size and adapter, a
//! test a variant. A wrong variant is a failure, one that has become slower another, one that cannot run is skipped.

use super::lab::unique;
use maud::{Markup, PreEscaped, html};
use std::path::Path;
use wgrad::{Result, words::drawable};
use wgrad_files::write_whole;
use wgrad_lab::{
    history::Slower,
    row::{Row, Status},
};

/// Writes `rows` to `path`, with those that `slower` names as failures.
///
/// # Errors
/// [`wgrad::Error::Io`] where the file cannot be written.
pub fn write(path: &Path, rows: &[Row], slower: &[Slower]) -> Result<()> {
    write_whole(path, |file| file.write_all(xml(rows, slower).as_bytes()))
}

/// The XML text.
pub fn xml(rows: &[Row], slower: &[Slower]) -> String {
    let suites = unique(rows.iter().map(Row::place));
    let markup = html! {
        testsuites name="lab" tests=(rows.len()) failures=(failures(rows, slower)) {
            @for place in suites {
                @let [op, sizes, activation, adapter, backend] = place;
                @let own: Vec<&Row> = rows.iter().filter(|row| row.place() == place).collect();
                @let skipped = own.iter().filter(|row| row.status == Status::Skipped).count();
                testsuite
                    name=(attribute(&format!("{op} at {sizes}, {activation}, on {adapter} ({backend})")))
                    tests=(own.len())
                    failures=(failures(own.iter().copied(), slower))
                    skipped=(skipped)
                {
                    @for row in own { (test(row, slower)) }
                }
            }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", markup.into_string())
}

fn test(row: &Row, slower: &[Slower]) -> Markup {
    let time = row.seconds.map(|seconds| format!("{seconds:.9}"));
    let reason = row.reason.as_deref().unwrap_or_default();
    let text = reason.lines().map(drawable).collect::<Vec<_>>().join("\n");
    html! {
        testcase classname=(row.op) name=(attribute(&row.variant)) time=[time] {
            @match row.status {
                Status::Wrong => { failure type="wrong" message=(attribute(reason)) { (text) } }
                Status::Skipped => { skipped message=(attribute(reason)) { (PreEscaped("")) } }
                Status::Ok => {
                    @if let Some(slower) = slower.iter().find(|slower| slower.is_of(row)) {
                        failure type="slower" message=(slower) { (slower) }
                    }
                }
            }
        }
    }
}

/// Text of one line: XML turns the ends of lines in attributes into spaces, and some readers take offence.
fn attribute(text: &str) -> String {
    drawable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn failures<'a>(rows: impl IntoIterator<Item = &'a Row>, slower: &[Slower]) -> usize {
    let fails = |row: &&Row| row.status == Status::Wrong || slower.iter().any(|slower| slower.is_of(row));
    rows.into_iter().filter(fails).count()
}
