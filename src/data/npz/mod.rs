//! Archives of numpy's arrays, `.npz`, as `np.savez` and `np.savez_compressed` write them and as Keras serves MNIST, as a
//! data set. Leaves out the arrays themselves, which are `npy`'s.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::dataset::{Dataset, Split, hex};
use super::io_error;
use super::reading::{Reading, TEST_SHARE, Target};
use crate::input::Input;
use crate::{Error, Result};
pub use npy::{Array, Elements, parse};

mod npy;

/// Labels above this are no class numbers.
const MOST_CLASSES: usize = 100_000;

/// How the parts are called in archives: images and labels of training, validation and test.
const NAMES: [[&str; 6]; 3] = [
    ["x_train", "y_train", "x_val", "y_val", "x_test", "y_test"],
    ["train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"],
    ["x", "y", "", "", "", ""],
];

/// Loads an archive with the arrays `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`, `y_val`), the same as
/// `train_images` and so on, or `x` and `y`, of which a share becomes the test part.
///
/// # Errors
/// [`Error::Data`] with the arrays that are there, or with what is wrong with one; [`Error::Io`].
pub fn load(path: &Path, reading: &Reading) -> Result<Dataset> {
    let fail = |message: String| Error::Data { path: path.to_owned(), message };
    let file = File::open(path).map_err(io_error("cannot open", path, "check the path"))?;
    let mut hash = Sha256::new();
    std::io::copy(&mut &file, &mut Hashing(&mut hash)).map_err(io_error("cannot read", path, ""))?;
    let file = File::open(path).map_err(io_error("cannot open", path, "check the path"))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| {
        fail(format!("a damaged archive ({e}); copy the file again, or save it anew with np.savez"))
    })?;
    let there: Vec<String> = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.trim_end_matches(".npy").to_owned()))
        .collect();
    let has = |name: &str| there.iter().any(|known| known == name);
    let Some(names) = NAMES.iter().find(|[x, y, ..]| has(x) && has(y)) else {
        return Err(fail(format!(
            "holds the arrays {}; expected x_train, y_train, x_test and y_test, or x and y; save them with \
             np.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)",
            if there.is_empty() { "(none)".to_owned() } else { there.join(", ") }
        )));
    };
    let mut part = |x: &str, y: &str| -> Result<Option<(Array, Array)>> {
        if x.is_empty() || !has(x) || !has(y) {
            return Ok(None);
        }
        let mut read = |name: &str| {
            let entry = archive.by_name(&format!("{name}.npy"));
            let array = entry.map_err(|e| format!("cannot be read ({e})")).and_then(parse);
            array.map_err(|message| fail(format!("the array {name}: {message}")))
        };
        Ok(Some((read(x)?, read(y)?)))
    };
    let [x, y, x_val, y_val, x_test, y_test] = *names;
    let Some(train) = part(x, y)? else { return Err(fail(format!("holds no {x} with {y}"))) };
    let (validation, test) = (part(x_val, y_val)?, part(x_test, y_test)?);
    let arrays = Arrays { train, validation, test };
    let digest = hex(&hash.finalize());
    arrays.into_dataset(path, digest, reading)
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

/// The parts of a data set: images and labels.
struct Arrays {
    train: (Array, Array),
    validation: Option<(Array, Array)>,
    test: Option<(Array, Array)>,
}

impl Arrays {
    fn into_dataset(self, path: &Path, digest: String, reading: &Reading) -> Result<Dataset> {
        let fail = |message: String| Error::Data { path: path.to_owned(), message };
        let shape = image_shape(&self.train.0.shape).map_err(fail)?;
        let parts =
            || [Some(&self.train), self.validation.as_ref(), self.test.as_ref()].into_iter().flatten();
        for (x, y) in parts() {
            if x.shape.get(1..) != self.train.0.shape.get(1..) {
                let message =
                    format!("images of {:?} beside training images of {:?}", &x.shape, self.train.0.shape);
                return Err(fail(format!("{message}; all parts must have one shape")));
            }
            let plain = matches!(y.shape[..], [_] | [_, 1]);
            if !plain || x.shape.first() != y.shape.first() {
                return Err(fail(format!(
                    "labels of shape {:?} for images of shape {:?}, expected one number for each; of one-hot labels save \
                     y.argmax(axis=1)",
                    y.shape, x.shape
                )));
            }
        }
        let floats = parts().any(|(x, _)| !matches!(x.elements, Elements::Bytes(_)));
        let numbers = match reading.target {
            Some(target) => target == Target::Number,
            None => parts().any(|(_, y)| fractional(&y.elements)),
        };
        let classes = if numbers { 0 } else { classes(parts().map(|(_, y)| &y.elements)).map_err(fail)? };
        let split = |part: Option<&(Array, Array)>| -> Result<Split> {
            let Some((x, y)) = part else { return Ok(Split::new(Vec::new(), &[])) };
            let images = values(&x.elements, floats).map_err(fail)?;
            Ok(Split { images: images.into(), labels: labels(&y.elements, numbers).map_err(fail)?.into() })
        };
        let [height, width, channels] = shape;
        let data = Dataset {
            name: path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            source: path.display().to_string(),
            height,
            width,
            channels,
            input: Input { floats, numbers, normalization: None },
            classes: (0..classes).map(|class| format!("class {class}")).collect(),
            train: split(Some(&self.train))?,
            validation: self.validation.as_ref().map(|part| split(Some(part))).transpose()?,
            test: split(self.test.as_ref())?,
            digest,
            warnings: Vec::new(),
            notes: Vec::new(),
            table: None,
        };
        if data.train.is_empty() || data.pixels() == 0 {
            return Err(fail(format!("{} images of {shape:?}, expected at least one", data.train.len())));
        }
        match data.test.is_empty() {
            true => data.with_test(reading.test_share.unwrap_or(TEST_SHARE), reading.split_seed),
            false => Ok(data),
        }
    }
}

/// (height, width, channels) of the images of an array; of rows of a table, (1, 1, columns).
fn image_shape(shape: &[usize]) -> std::result::Result<[usize; 3], String> {
    match *shape {
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

/// Whether some label is no whole number.
fn fractional(labels: &Elements) -> bool {
    matches!(labels, Elements::Floats(values) if values.iter().any(|value| value.fract() != 0.0))
}

/// How many classes the labels tell: one more than the largest.
fn classes<'a>(all: impl Iterator<Item = &'a Elements>) -> std::result::Result<usize, String> {
    let mut classes = 0;
    for labels in all {
        for index in 0..labels.len() {
            let label = labels.number(index);
            if !(0.0..MOST_CLASSES as f64).contains(&label) || label.fract() != 0.0 {
                return Err(format!(
                    "label {label} at index {index}, expected whole numbers from 0, below {MOST_CLASSES}; of a \
                     regression, say `--target number`"
                ));
            }
            classes = classes.max(label as usize + 1);
        }
    }
    Ok(classes)
}

/// The bytes of images: as they are, or f32.
fn values(elements: &Elements, floats: bool) -> std::result::Result<Vec<u8>, String> {
    if let (Elements::Bytes(bytes), false) = (elements, floats) {
        return Ok(bytes.clone());
    }
    let mut bytes = Vec::with_capacity(4 * elements.len());
    for index in 0..elements.len() {
        let value = elements.number(index) as f32;
        if !value.is_finite() {
            return Err(format!("the value {value} at place {index} of the images, expected finite numbers"));
        }
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    Ok(bytes)
}

fn labels(elements: &Elements, numbers: bool) -> std::result::Result<Vec<u32>, String> {
    let label = |index| match elements.number(index) {
        label if !numbers => Ok(label as u32),
        label if (label as f32).is_finite() => Ok((label as f32).to_bits()),
        label => Err(format!("the label {label} at index {index}, expected finite numbers")),
    };
    (0..elements.len()).map(label).collect()
}
