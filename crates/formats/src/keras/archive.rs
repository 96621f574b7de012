//! `.keras` archives: zip files with the network as JSON and the weights as HDF5.

use crate::{Error, Result, error::io_error};
use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};
use wgrad::text::text_of;
use zip::{ZipArchive, result::ZipError};

/// Name of the part that holds the network.
pub const CONFIG: &str = "config.json";
/// Name of the part that holds the weights.
pub const WEIGHTS: &str = "model.weights.h5";

/// Maximum length of a network's description in bytes.
const LONGEST: u64 = 64 << 20;

/// Reads one part of an archive, at most `limit` bytes: a few bytes may unpack to any size.
///
/// # Errors
/// [`wgrad::Error::Io`] where the file cannot be read, [`Error::ModelFile`] where it is not such an archive.
pub fn part(path: &Path, name: &str, limit: u64) -> Result<Vec<u8>> {
    let fail = |message: String| Error::ModelFile { path: path.to_owned(), line: None, message };
    let next = "`model.save(\"model.keras\")` of Keras writes such a file";
    let file = File::open(path).map_err(io_error("cannot read the model", path, next))?;
    let mut archive =
        ZipArchive::new(file).map_err(|e| fail(format!("is not a .keras archive: {e}; {next}")))?;
    let names: Vec<String> = archive.file_names().flatten().map(String::from).collect();
    let part = archive.by_name(name).map_err(|e| match e {
        ZipError::FileNotFound => {
            fail(format!("holds no {name}, as .keras archives do; it holds {}; {next}", names.join(", ")))
        }
        e => fail(format!("{name} in it cannot be read: {e}; copy or save the file again")),
    })?;
    let mut bytes = Vec::new();
    part.take(limit + 1).read_to_end(&mut bytes).map_err(|e| match e.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof | ErrorKind::Other => {
            fail(format!("{name} in it is damaged: {e}; copy or save the file again"))
        }
        _ => io_error("cannot read the model", path, next)(e),
    })?;
    if bytes.len() as u64 > limit {
        return Err(fail(format!(
            "{name} in it unpacks to more than {} MiB, more than such a file holds; {next}",
            limit >> 20
        )));
    }
    Ok(bytes)
}

/// Reads one part of an archive as text, without a byte order mark.
///
/// # Errors
/// The errors of [`part`], and an error where the part is not text.
pub fn text(path: &Path, name: &str) -> Result<String> {
    text_of(part(path, name, LONGEST)?).map_err(|e| Error::ModelFile {
        path: path.to_owned(),
        line: None,
        message: format!("{name} in it {e}; copy or save the file again"),
    })
}
