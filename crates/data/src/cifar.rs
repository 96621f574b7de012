//! CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their binary versions
//! (<https://www.cs.toronto.edu/~kriz/cifar.html>). A record is one label (CIFAR-10), or a coarse and a fine one
//! (CIFAR-100), followed by 32 × 32 values of red, then green, then blue. The coarse labels are ignored.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::io_error;
use crate::{Error, Result};
use wgrad::data::dataset::{Dataset, Split};
use wgrad::preprocessing::Preprocessing;
use wgrad::words::hex;

const SIDE: usize = 32;
const CHANNELS: usize = 3;
const PIXELS: usize = SIDE * SIDE * CHANNELS;

/// The two data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ten,
    Hundred,
}

impl Kind {
    fn name(self) -> &'static str {
        if self == Self::Ten { "CIFAR-10" } else { "CIFAR-100" }
    }

    fn classes(self) -> usize {
        if self == Self::Ten { 10 } else { 100 }
    }

    /// Bytes of labels before an image; the last one is the fine label.
    fn labels(self) -> usize {
        if self == Self::Ten { 1 } else { 2 }
    }

    fn names_file(self) -> &'static str {
        if self == Self::Ten { "batches.meta.txt" } else { "fine_label_names.txt" }
    }
}

/// The files of a folder: training, test.
struct Files {
    kind: Kind,
    train: Vec<PathBuf>,
    test: PathBuf,
}

/// The files in `folder`, or in the one folder that the published archive unpacks to.
fn find(folder: &Path) -> Option<(PathBuf, Files)> {
    let inner = ["", "cifar-10-batches-bin", "cifar-100-binary"].map(|name| folder.join(name));
    inner.into_iter().find_map(|folder| {
        let there = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let batches: Vec<PathBuf> = (1..=5).filter_map(|n| there(&format!("data_batch_{n}.bin"))).collect();
        if let (false, Some(test)) = (batches.is_empty(), there("test_batch.bin")) {
            return Some((folder, Files { kind: Kind::Ten, train: batches, test }));
        }
        let (train, test) = (there("train.bin")?, there("test.bin")?);
        Some((folder, Files { kind: Kind::Hundred, train: vec![train], test }))
    })
}

/// True if `folder` holds the files.
pub(super) fn is_in(folder: &Path) -> bool {
    find(folder).is_some()
}

/// Loads the files in `folder`: `data_batch_1.bin` to 5 (as many as there are) and `test_batch.bin` for CIFAR-10,
/// `train.bin` and `test.bin` for CIFAR-100. The file of class names in the same folder names the classes.
///
/// # Errors
/// [`Error::Data`] where files are missing, their length is no multiple of a record's, or a label is out of range;
/// [`wgrad::Error::Io`].
pub fn load(folder: &Path) -> Result<Dataset> {
    let Some((folder, files)) = find(folder) else {
        let message = "got no data_batch_1.bin with test_batch.bin (CIFAR-10) and no train.bin with test.bin (CIFAR-100); \
                       name the folder that holds them"
            .to_owned();
        return Err(Error::Data { path: folder.to_owned(), message });
    };
    let kind = files.kind;
    let mut hash = Sha256::new();
    let mut read = |paths: &[PathBuf]| -> Result<Split> {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for path in paths {
            let bytes =
                std::fs::read(path).map_err(io_error("cannot read", path, "check its permissions"))?;
            hash.update(Sha256::digest(&bytes));
            unpack(&bytes, kind, path, &mut images, &mut labels)?;
        }
        Ok(Split::new(images, &labels))
    };
    let (train, test) = (read(&files.train)?, read(std::slice::from_ref(&files.test))?);
    let mut warnings = Vec::new();
    if kind == Kind::Ten && files.train.len() < 5 {
        warnings.push(format!("{} of the five data_batch files are here", files.train.len()));
    }
    Ok(Dataset {
        name: kind.name().to_owned(),
        source: folder.display().to_string(),
        height: SIDE,
        width: SIDE,
        channels: CHANNELS,
        input: Preprocessing::default(),
        classes: class_names(&folder.join(kind.names_file()), kind)?,
        train,
        validation: None,
        test,
        digest: hex(&hash.finalize()),
        warnings,
        notes: Vec::new(),
        table: None,
    })
}

/// Appends the records of a file, images in the order (H, W, C).
fn unpack(bytes: &[u8], kind: Kind, path: &Path, images: &mut Vec<u8>, labels: &mut Vec<u8>) -> Result<()> {
    let fail = |message: String| Err(Error::Data { path: path.to_owned(), message });
    let record = kind.labels() + PIXELS;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        return fail(format!(
            "got {} bytes, expected a multiple of {record}, the length of a record of {}; copy the file again; or does \
             it belong to the other set, or to the version for Python?",
            bytes.len(),
            kind.name()
        ));
    }
    images.reserve(bytes.len());
    for (index, record) in bytes.chunks_exact(record).enumerate() {
        let (label, image) = record.split_at(kind.labels());
        let label = label[label.len() - 1];
        if usize::from(label) >= kind.classes() {
            return fail(format!(
                "label {label} of image {index} is out of range, expected 0 to {} of {}; copy the file again",
                kind.classes() - 1,
                kind.name()
            ));
        }
        labels.push(label);
        let (red, rest) = image.split_at(SIDE * SIDE);
        let (green, blue) = rest.split_at(SIDE * SIDE);
        images.extend(red.iter().zip(green).zip(blue).flat_map(|((r, g), b)| [*r, *g, *b]));
    }
    Ok(())
}

/// The class names in the file next to the images; numbered names where there is none.
fn class_names(path: &Path, kind: Kind) -> Result<Vec<String>> {
    let names = crate::folder::read_class_names(path)?;
    match names {
        Some(names) if names.len() == kind.classes() => Ok(names),
        Some(names) => Err(Error::Data {
            path: path.to_owned(),
            message: format!(
                "got {} class names, expected {}; fix or remove the file",
                names.len(),
                kind.classes()
            ),
        }),
        None => Ok((0..kind.classes()).map(|class| format!("class {class}")).collect()),
    }
}
