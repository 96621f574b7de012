//! Loads archives of numpy arrays, `.npz`, as a data set: as `np.savez` and `np.savez_compressed` write them, and
//! as Keras distributes MNIST. `npy` reads the arrays.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::ZipArchive;

use crate::error::{field_error, io_error};
use crate::reading::{Reading, RowShape, TEST_SHARE, Target};
use crate::unpacked_limit;
use crate::{Error, Result};
pub(super) use lists::Numbering;
use npy::parse_within;
pub use npy::{Array, Elements, parse};
pub(super) use range::one_range;
use wgrad::data::dataset::{Dataset, Split};
use wgrad::preprocessing::Preprocessing;
use wgrad::words::hex;

mod labels;
mod lists;
mod names;
mod npy;
mod range;
#[cfg(test)]
mod tests;

/// Loads an archive with the arrays `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`, `y_val`). Other
/// spellings such as `train_images` or `X_train` work as well. From `x` and `y` (`data` and `target`), a share is
/// held out as the test part.
///
/// # Errors
/// [`Error::Data`] with the arrays that are there, or with the fault of one; [`wgrad::Error::Io`].
pub fn load(path: &Path, reading: &Reading) -> Result<Dataset> {
    load_words(path, reading, None)
}

/// Loads an archive as [`load`] does; `numbering` says how the words of its lists are numbered.
pub(super) fn load_words(path: &Path, reading: &Reading, numbering: Option<Numbering>) -> Result<Dataset> {
    for (name, given) in [("maxlen", reading.maxlen), ("num_words", reading.num_words)] {
        if given == Some(0) {
            return Err(field_error(name, "0".to_owned(), "at least 1"));
        }
    }
    let fail = |message: String| Error::Data { path: path.to_owned(), message };
    let file = File::open(path).map_err(io_error("cannot open", path, "check the path"))?;
    let mut hash = Sha256::new();
    let length =
        std::io::copy(&mut &file, &mut Hashing(&mut hash)).map_err(io_error("cannot read", path, ""))?;
    let mut most = unpacked_limit(length);
    let file = File::open(path).map_err(io_error("cannot open", path, "check the path"))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| {
        fail(format!("a damaged archive ({e}); copy the file again, or save it again with np.savez"))
    })?;
    let there: Vec<String> = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.trim_end_matches(".npy").to_owned()))
        .collect();
    let Some(names) = names::names(&there) else {
        return Err(fail(format!(
            "holds the arrays {}; expected x_train, y_train, x_test and y_test, or x and y; save them with \
             np.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)",
            if there.is_empty() { "(none)".to_owned() } else { there.join(", ") }
        )));
    };
    let mut are_words = false;
    let mut part = |(x, y): &(String, String)| -> Result<(Array, Array)> {
        let mut read = |name: &str| {
            let entry = archive.by_name(&format!("{name}.npy"));
            let array = entry
                .map_err(|e| format!("cannot be read ({e})"))
                .and_then(|entry| parse_within(entry, &mut most));
            array.map_err(|message| fail(format!("the array {name}: {message}")))
        };
        let (mut images, labels) = (read(x)?, read(y)?);
        let Reading { maxlen, num_words, .. } = *reading;
        if let Elements::Lists(rows) = &images.elements {
            let padded = lists::padded(rows, lists::Padding { maxlen, num_words, numbering });
            let padded = padded.map_err(|message| fail(format!("the array {x} holds {message}")))?;
            let lists::Padded { rows, length, words } = padded;
            images = Array { shape: vec![rows, length], elements: Elements::Integers(words) };
            are_words = true;
        } else if reading.again.is_none() && (maxlen.is_some() || num_words.is_some()) {
            return Err(fail(format!(
                "the array {x} holds numbers of shape {:?}; `.maxlen` and `.num_words` are for lists of words: leave them out",
                images.shape
            )));
        }
        if matches!(labels.elements, Elements::Lists(_)) {
            return Err(fail(format!("the array {y} holds lists, expected one label for each example")));
        }
        Ok((images, labels))
    };
    let train = part(&names.train)?;
    let validation = names.validation.as_ref().map(&mut part).transpose()?;
    let test = names.test.as_ref().map(&mut part).transpose()?;
    let mut notes = Vec::new();
    if !names.unused.is_empty() {
        let (x, y) = &names.train;
        notes.push(format!("trained on {x} with {y}; not used: {}", names.unused.join(", ")));
    }
    let x = |part: &Option<(String, String)>| part.as_ref().map(|(x, _)| x.clone());
    let parts = [Some(names.train.0.clone()), x(&names.validation), x(&names.test)];
    let parts = parts.into_iter().flatten().collect();
    let arrays = Arrays { train, validation, test, parts, are_words };
    let digest = hex(&hash.finalize());
    arrays.into_dataset(path, digest, reading, notes)
}

struct Hashing<'a>(&'a mut Sha256);

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Images and labels of each part of a data set.
struct Arrays {
    train: (Array, Array),
    validation: Option<(Array, Array)>,
    test: Option<(Array, Array)>,
    /// Names of the image arrays of the parts that exist.
    parts: Vec<String>,
    /// True for rows of words, which are numbers whatever their size.
    are_words: bool,
}

impl Arrays {
    fn into_dataset(
        self,
        path: &Path,
        digest: String,
        reading: &Reading,
        mut notes: Vec<String>,
    ) -> Result<Dataset> {
        let fail = |message: String| Error::Data { path: path.to_owned(), message };
        let shape = image_shape(&self.train.0.shape, reading.shape).map_err(fail)?;
        let pictures = self.train.0.shape.len() > 2 && reading.again.is_none();
        if let Some(said) = reading.shape.filter(|said| pictures && *said != RowShape::Picture(shape)) {
            let [height, width, channels] = shape;
            let said = if said == RowShape::Table { "a table" } else { "another size" };
            return Err(fail(format!(
                "images of {height}×{width}×{channels} (height, width, channels), but `.shape` says {said}; it is for \
                 arrays of rows: leave it out"
            )));
        }
        let parts =
            || [Some(&self.train), self.validation.as_ref(), self.test.as_ref()].into_iter().flatten();
        let numbers = match reading.target {
            Some(target) => target == Target::Number,
            None => parts().any(|(_, y)| labels::fractional(&y.elements)),
        };
        for (x, y) in parts() {
            if x.shape.get(1..) != self.train.0.shape.get(1..) {
                let message =
                    format!("images of {:?} next to training images of {:?}", x.shape, self.train.0.shape);
                return Err(fail(format!("{message}; all parts must have the same shape")));
            }
            let plain = numbers && y.shape.len() == 2 || matches!(y.shape[..], [_] | [_, 1]);
            if !plain || x.shape.first() != y.shape.first() {
                return Err(fail(format!(
                    "labels of shape {:?} for images of shape {:?}, expected one number for each; for one-hot labels, save \
                     y.argmax(axis=1); for a row of numbers each, such as the labels of several outputs, say \
                     `.target = number`",
                    y.shape, x.shape
                )));
            }
        }
        let mut warnings = Vec::new();
        let images: Vec<&Array> = parts().map(|(x, _)| x).collect();
        let names: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        let floats = match self.are_words {
            true => true,
            false => range::of(&images, &names, reading.again, &mut warnings, &mut notes).map_err(fail)?,
        };
        let reported: Vec<&Elements> = parts().map(|(_, y)| &y.elements).collect();
        let classes = if numbers { Vec::new() } else { labels::classes(&reported).map_err(fail)? };
        warnings.extend(labels::alike(&reported));
        warnings.extend(numbers.then_some(&reported).and_then(|reported| range::merged_labels(reported)));
        let split = |part: Option<&(Array, Array)>| -> Result<Split> {
            let Some((x, y)) = part else { return Ok(Split::new(Vec::new(), &[])) };
            let images = range::values(&x.elements, floats).map_err(fail)?;
            let labels = labels::numbers(&y.elements, numbers, &classes).map_err(fail)?;
            let each = y.shape.get(1).copied().unwrap_or(1);
            Ok(Split { images: images.into(), labels: labels.into(), each })
        };
        let [height, width, channels] = shape;
        let data = Dataset {
            name: path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            source: path.display().to_string(),
            height,
            width,
            channels,
            input: Preprocessing { floats, numbers, normalization: None },
            train: split(Some(&self.train))?,
            validation: self.validation.as_ref().map(|part| split(Some(part))).transpose()?,
            test: split(self.test.as_ref())?,
            classes,
            digest,
            warnings,
            notes: Vec::new(),
            table: None,
        };
        if data.train.is_empty() || data.pixels() == 0 {
            return Err(fail(format!("{} images of {shape:?}, expected at least one", data.train.len())));
        }
        let mut data = match data.test.is_empty() {
            // Data other than the network's own training data become the test part as a whole.
            true if reading.again.is_some_and(|again| !again.own) => {
                Dataset { test: data.train.clone(), ..data }
            }
            true => data.with_test(reading.test_share.unwrap_or(TEST_SHARE), reading.split_seed)?,
            false => data,
        };
        data.notes.append(&mut notes);
        Ok(data)
    }
}

/// (height, width, channels) of an array's images. Rows of a table are (1, 1, columns), or the picture size given
/// by `said`.
fn image_shape(shape: &[usize], said: Option<RowShape>) -> std::result::Result<[usize; 3], String> {
    match *shape {
        [_, columns] if matches!(said, Some(RowShape::Picture(_))) => match said {
            Some(RowShape::Picture(said)) if said.iter().product::<usize>() == columns => Ok(said),
            _ => Err(format!("rows of {columns} values, which do not make a picture of the given `.shape`")),
        },
        [_, columns] => Ok([1, 1, columns]),
        [_, height, width] => Ok([height, width, 1]),
        [_, channels @ (1 | 3), height, width] if !matches!(width, 1 | 3 | 4) => Err(format!(
            "images of shape {shape:?}: {channels} × {height} × {width} has its channels first, expected \
             (images, height, width, channels); save x.transpose(0, 2, 3, 1)"
        )),
        [_, height, width, channels] => Ok([height, width, channels]),
        _ => Err(format!(
            "images of shape {shape:?}, expected (images, height, width), (images, height, width, channels) or \
             (rows, columns)"
        )),
    }
}
