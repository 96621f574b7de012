//! Tables as people write them: the values that are read, and the words of refusals.

mod numbers;
mod others;
mod written;

use std::path::Path;

use super::Kind;
use crate::Result;
use crate::{DataSpec, Places, Reading, load_with};
use wgrad::data::Dataset;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn at(path: &Path, reading: &Reading) -> Result<Dataset> {
    load_with(&DataSpec::Folder(path.to_owned()), &Places::default(), reading, None)
}

/// Loads a file with this text.
fn read_with(text: &str, reading: &Reading) -> Result<Dataset> {
    let folder = folder();
    let path = folder.path().join("data.csv");
    std::fs::write(&path, text).expect("written");
    at(&path, &Reading { test_share: Some(0.5), ..reading.clone() })
}

fn read(text: &str) -> Result<Dataset> {
    read_with(text, &Reading::default())
}

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let message = read(text).map(|data| data.notes).expect_err("refused").to_string();
    words.iter().for_each(|word| assert!(message.contains(word), "no {word:?} in: {message}"));
}

/// Names and kinds of the columns: `N` for numbers, else the words.
fn columns(data: &Dataset) -> Vec<String> {
    let table = data.table.as_ref().expect("a table");
    let words = |kind: &Kind| match kind {
        Kind::Number { .. } => "N".to_owned(),
        Kind::Words(words) => words.join("/"),
    };
    table.columns.iter().map(|column| format!("{}:{}", column.name, words(&column.kind))).collect()
}

/// The values of column `column` as in the file, recovered from the network's input, of both parts, sorted.
fn values(data: &Dataset, column: usize) -> Vec<f64> {
    let Kind::Number { mean, deviation } = data.table.as_ref().expect("a table").columns[column].kind else {
        panic!("words")
    };
    let deviation = if deviation > 0.0 { deviation } else { 1.0 };
    let mut values = Vec::new();
    for (_, split) in data.splits() {
        for row in split.images.memory().chunks(data.pixels()) {
            let value = f32::from_le_bytes(row.as_chunks::<4>().0[column]);
            values.push((f64::from(value) * deviation + mean) as f32 as f64);
        }
    }
    values.sort_by(f64::total_cmp);
    values.iter().map(|value| (value * 1000.0).round() / 1000.0).collect()
}
