//! Detects the kind of data at a path by its content, not by its name, and calls the reader for it.

use crate::picture_folder::{self, Layout};
use crate::{Error, Result, error::io_error};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use wgrad_files::format::{self, Format};

use crate::{
    cifar, emnist, folder, npz,
    reading::{Kind, Reading},
    table::{self, Table},
};
use wgrad::data::dataset::Dataset;

/// The supported kinds of data, for errors.
const KINDS: &str = "four IDX files (MNIST, EMNIST), CIFAR's binary files, a subfolder of pictures for each class (or \
                     train/CLASS and test/CLASS), one .npz or one .csv file (or two whose names differ by train and test, such as train.csv and test.csv)";

/// Loads the data set at `path`.
///
/// # Errors
/// [`Error::Data`] where nothing there is recognised, with what is there and what is supported; else the errors of
/// the reader.
pub(super) fn load(path: &Path, reading: &Reading, table: Option<&Table>) -> Result<Dataset> {
    if path.is_file() {
        return load_file(path, reading, table);
    }
    if let Some((folder, set)) = named_set(path) {
        reading.suits(Kind::Fixed)?;
        return emnist::load(&folder, set);
    }
    if let Err(e) = std::fs::read_dir(path) {
        return Err(io_error("cannot open", path, "check the path given")(e));
    }
    load_folder(path, reading, table)
}

/// The EMNIST set that a path such as `FOLDER/emnist-letters` names, where one folder holds several. The files of
/// the set begin with that name.
fn named_set(path: &Path) -> Option<(PathBuf, &'static str)> {
    let name = path.file_name()?.to_str()?.strip_prefix("emnist-")?;
    let folder = path.parent()?;
    let set = emnist::sets(folder).into_iter().find(|set| *set == name)?;
    (!path.exists()).then(|| (folder.to_owned(), set))
}

fn load_file(path: &Path, reading: &Reading, table: Option<&Table>) -> Result<Dataset> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(io_error("cannot open", path, "check its permissions"))?;
    file.take(512).read_to_end(&mut head).map_err(io_error("cannot read", path, ""))?;
    let fail = |got: &str, next: &str| {
        Err(Error::Data { path: path.to_owned(), message: format!("this is {got}; {next}") })
    };
    let format = format::of(path);
    let named_npz = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npz"));
    if format == Some(Format::Npz) || (format == Some(Format::Zip) && named_npz) {
        reading.suits(Kind::Arrays)?;
        return npz::load(path, reading);
    }
    if head.starts_with(&[0, 0, 8])
        || (format == Some(Format::Gzip) && unpacked(&head).starts_with(&[0, 0, 8]))
    {
        return fail("one file of a set", "name the folder that holds all its files");
    }
    if image::guess_format(&head).is_ok() {
        return fail("one picture", "name a folder with a subfolder of pictures for each class");
    }
    if let Some(format) = format {
        let within = if format == Format::Gzip { format::by_bytes(&unpacked(&head)) } else { None };
        let within = within.map_or(String::new(), |within| format!(", which contains {}", within.name()));
        return fail(&format!("{}{within}", format.name()), format.as_data());
    }
    if head.is_empty() {
        return fail("an empty file", "expected a .npz archive or comma-separated values");
    }
    if head.contains(&0) {
        return fail(
            "a file of an unknown kind",
            "expected a .npz archive or comma-separated values, or a folder",
        );
    }
    reading.suits(Kind::Table)?;
    table::load(path, None, reading, table)
}

fn load_folder(path: &Path, reading: &Reading, table: Option<&Table>) -> Result<Dataset> {
    let sets = emnist::sets(path);
    if folder::find(path).iter().any(Option::is_some) {
        reading.suits(Kind::Fixed)?;
        return folder::load(path);
    }
    if let [set] = sets[..] {
        reading.suits(Kind::Fixed)?;
        return emnist::load(path, set);
    }
    if let [first, ..] = sets[..] {
        let all: Vec<String> = sets.iter().map(|set| format!("emnist-{set}")).collect();
        let message = format!(
            "holds {} sets of EMNIST: {}; name one as if it were a folder, such as {}",
            sets.len(),
            all.join(", "),
            path.join(format!("emnist-{first}")).display()
        );
        return Err(Error::Data { path: path.to_owned(), message });
    }
    if cifar::is_in(path) {
        reading.suits(Kind::Fixed)?;
        return cifar::load(path);
    }
    let with = |extension: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let named = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
        let mut found: Vec<PathBuf> = entries.filter(|path| path.is_file() && named(path)).collect();
        found.sort();
        found
    };
    let tables = with("csv");
    if let Some((train, test)) = pair(&tables) {
        reading.suits(Kind::Table)?;
        return table::load(train, Some(test), reading, table);
    }
    if let Some(layout) = Layout::of(path) {
        reading.suits(Kind::Pictures)?;
        return picture_folder::load(path, &layout, reading);
    }
    match (&with("npz")[..], &tables[..]) {
        ([one], []) => {
            reading.suits(Kind::Arrays)?;
            npz::load(one, reading)
        }
        ([], [one]) => {
            reading.suits(Kind::Table)?;
            table::load(one, None, reading, table)
        }
        _ => Err(Error::Data {
            path: path.to_owned(),
            message: format!("{}; expected {KINDS}", contents(path)),
        }),
    }
}

/// The first bytes that a gzip file unpacks to, as far as its beginning is in `head`.
fn unpacked(head: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The input is cut off, so it ends in an error; the bytes before that count.
    let mut decoder = flate2::read::MultiGzDecoder::new(head).take(512);
    let mut byte = [0];
    while matches!(decoder.read(&mut byte), Ok(1)) {
        bytes.push(byte[0]);
    }
    bytes
}

/// The one pair of files whose names differ by `train` and `test` alone, such as `mnist_train.csv` and
/// `mnist_test.csv`; `train.csv` and its counterpart where there are two pairs.
fn pair(files: &[PathBuf]) -> Option<(&PathBuf, &PathBuf)> {
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let other = |train: &PathBuf| {
        let name_of_test = name(train)?.replace("train", "test");
        let test = files.iter().find(|path| name(path).as_ref() == Some(&name_of_test))?;
        (test != train).then_some(test)
    };
    let pairs: Vec<_> = files.iter().filter_map(|train| Some((train, other(train)?))).collect();
    let plain = |(train, _): &&(&PathBuf, &PathBuf)| name(train).is_some_and(|name| name == "train.csv");
    match pairs[..] {
        [pair] => Some(pair),
        _ => pairs.iter().find(plain).copied(),
    }
}

/// Describes the content of a folder in words; names the format of the first file with a known one, and what to do.
fn contents(folder: &Path) -> String {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            format!("{}{slash}", entry.file_name().to_string_lossy())
        })
        .collect();
    names.sort();
    match names.len() {
        0 => "the folder is empty".to_owned(),
        count => {
            let more = if count > 8 { ", ..." } else { "" };
            names.truncate(8);
            let known = names.iter().find_map(|name| Some((name, format::of(&folder.join(name))?)));
            let known = known.filter(|(_, format)| !matches!(format, Format::Npz | Format::Picture(_)));
            let known = known.map_or(String::new(), |(name, format)| {
                format!("; {name} is {}: {}", format.name(), format.as_data())
            });
            format!("no known data among its {count} entries ({}{more}){known}", names.join(", "))
        }
    }
}
