//! A folder with four IDX files under the usual names: Fashion-MNIST, MNIST, KMNIST, or one you made. This module
//! reads, cross-checks and names them. [`crate::places`] searches for folders, and [`crate::fashion_mnist`]
//! identifies the published content.

use std::path::{Path, PathBuf};

use crate::fashion_mnist::{self, Identity};
use crate::idx::{self, Idx};
use crate::{Error, Result, error::io_error};
use wgrad::data::dataset::{Dataset, FILE_NAMES, Split, digest_of};
use wgrad::{preprocessing::Preprocessing, text::read_text};

/// An optional file next to the four that names the classes, one a line, in the order of the labels.
pub const CLASS_NAMES_FILE: &str = "classes.txt";

/// Number of classes where no file names them and all labels are below this. MNIST and all its replacements have
/// ten classes, even where a small sample misses some.
const USUAL_CLASSES: usize = 10;

/// Four files that are read, but not yet checked against each other.
#[derive(Debug)]
pub(crate) struct Files {
    /// Paths in the order of [`FILE_NAMES`].
    pub(crate) paths: [PathBuf; 4],
    /// Contents in the same order.
    pub(crate) contents: [Idx; 4],
}

/// Loads a folder that the user names. Known content gets a name: Fashion-MNIST gets its class names, and MNIST,
/// whose files have the same names, gets a warning, since one is easily mistaken for the other.
///
/// # Errors
/// [`Error::DataFilesMissing`], every error of [`idx::read`], and inconsistencies between the files:
/// [`Error::CountMismatch`], [`Error::ImageShape`], [`Error::EmptySet`], [`Error::LabelOutOfRange`].
pub fn load(folder: &Path) -> Result<Dataset> {
    let files = read(find(folder), folder)?;
    let own_name = || {
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let source = folder.display().to_string();
    let class_names = read_class_names(&folder.join(CLASS_NAMES_FILE))?;
    let mut warnings = Vec::new();
    let (name, known_classes) = match fashion_mnist::identify(&files.contents) {
        Identity::FashionMnist => ("Fashion-MNIST".to_owned(), fashion_mnist::class_names()),
        Identity::Altered(which) => {
            for index in which {
                warnings.push(format!(
                    "{}: not the published file of Fashion-MNIST, though others in this folder are: \
                     got SHA-256 {} of the decompressed content, expected {}",
                    files.paths[index].display(),
                    files.contents[index].sha256,
                    fashion_mnist::FILES[index].sha256,
                ));
            }
            (own_name(), fashion_mnist::class_names())
        }
        Identity::Mnist => {
            warnings.push(format!(
                "{}: this is MNIST (handwritten digits), not Fashion-MNIST, which uses the same file names",
                folder.display()
            ));
            let digits = (0..10).map(|digit| digit.to_string()).collect();
            ("MNIST".to_owned(), digits)
        }
        Identity::Unknown => (own_name(), numbered_classes(&files)),
    };
    let classes = class_names.unwrap_or(known_classes);
    warnings.extend(crate::classes::repeated(&classes));
    files.into_dataset(name, source, classes, warnings)
}

/// Finds those of the four files that are in `folder`, in the order of [`FILE_NAMES`].
pub(crate) fn find(folder: &Path) -> [Option<PathBuf>; 4] {
    FILE_NAMES.map(|name| {
        let dotted = name.replace("-idx", ".idx");
        [name.to_owned(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")]
            .into_iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
    })
}

/// Reads the four files: the large one in its own thread, while this thread reads the other three.
pub(crate) fn read(found: [Option<PathBuf>; 4], folder: &Path) -> Result<Files> {
    let [Some(a), Some(b), Some(c), Some(d)] = found else {
        return Err(missing(folder));
    };
    let paths = [a, b, c, d];
    let (train_images, rest) = std::thread::scope(|scope| {
        let train_images = scope.spawn(|| idx::read(&paths[0]));
        let rest = [1, 2, 3].map(|index| idx::read(&paths[index]));
        let train_images = train_images.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (train_images, rest)
    });
    let [train_labels, test_images, test_labels] = rest;
    let contents = [train_images?, train_labels?, test_images?, test_labels?];
    Ok(Files { paths, contents })
}

fn missing(folder: &Path) -> Error {
    if let Err(e) = std::fs::read_dir(folder) {
        return io_error("cannot open the folder", folder, "check the path given")(e);
    }
    let missing = FILE_NAMES
        .iter()
        .zip(find(folder))
        .filter(|(_, found)| found.is_none())
        .map(|(name, _)| (*name).to_owned());
    Error::DataFilesMissing { folder: folder.to_owned(), missing: missing.collect() }
}

impl Files {
    /// Checks the files against each other and builds a data set of them.
    pub(crate) fn into_dataset(
        self,
        name: String,
        source: String,
        classes: Vec<String>,
        warnings: Vec<String>,
    ) -> Result<Dataset> {
        let [train_images, train_labels, test_images, test_labels] = &self.contents;
        let [train_path, train_labels_path, test_path, test_labels_path] = &self.paths;
        let shape = image_shape(train_images, train_path)?;
        let test_shape = image_shape(test_images, test_path)?;
        if shape != test_shape {
            return Err(Error::ImageShape { path: test_path.clone(), got: test_shape, expected: shape });
        }
        check_labels(train_labels, train_labels_path, train_images, train_path, classes.len())?;
        check_labels(test_labels, test_labels_path, test_images, test_path, classes.len())?;
        let digest = digest_of(&self.contents.each_ref().map(|file| file.sha256.clone()));
        let [train_images, train_labels, test_images, test_labels] = self.contents.map(|file| file.data);
        let [height, width, channels] = shape;
        Ok(Dataset {
            name,
            source,
            height,
            width,
            channels,
            input: Preprocessing::default(),
            classes,
            train: Split::new(train_images, &train_labels),
            validation: None,
            test: Split::new(test_images, &test_labels),
            digest,
            warnings,
            notes: Vec::new(),
            table: None,
        })
    }
}

/// Height, width and channels of a file of images.
fn image_shape(images: &Idx, path: &Path) -> Result<[usize; 3]> {
    let shape = match images.shape.as_slice() {
        &[_, height, width] => [height, width, 1],
        &[_, height, width, channels] => [height, width, channels],
        other => {
            return Err(Error::IdxRank {
                path: path.to_owned(),
                got: other.len(),
                expected: "3 (N, H, W) or 4 (N, H, W, C) for images",
            });
        }
    };
    if images.data.is_empty() {
        return Err(Error::EmptySet { path: path.to_owned(), shape: images.shape.clone() });
    }
    Ok(shape)
}

fn check_labels(labels: &Idx, path: &Path, images: &Idx, images_path: &Path, classes: usize) -> Result<()> {
    if labels.shape.len() != 1 {
        return Err(Error::IdxRank {
            path: path.to_owned(),
            got: labels.shape.len(),
            expected: "1 (N) for labels",
        });
    }
    let image_count = images.shape.first().copied().unwrap_or(0);
    if labels.data.len() != image_count {
        return Err(Error::CountMismatch {
            images: images_path.to_owned(),
            image_count,
            labels: path.to_owned(),
            label_count: labels.data.len(),
        });
    }
    let out_of_range = |label: &u8| usize::from(*label) >= classes;
    if let Some(index) = labels.data.iter().position(out_of_range) {
        return Err(Error::LabelOutOfRange {
            path: path.to_owned(),
            index,
            value: labels.data[index],
            classes,
        });
    }
    Ok(())
}

/// Numbered names for unnamed classes. There are as many classes as the training labels go without a gap. A label
/// far above the others is a damaged file rather than a set of 200 classes, and is refused later.
fn numbered_classes(files: &Files) -> Vec<String> {
    let mut present = [false; 256];
    for &label in &files.contents[1].data {
        present[usize::from(label)] = true;
    }
    let without_gap = present.iter().take_while(|&&there| there).count();
    let highest = present.iter().rposition(|&there| there).unwrap_or(0);
    let classes = if highest < without_gap { without_gap } else { without_gap.max(USUAL_CLASSES) };
    (0..classes).map(|class| format!("class {class}")).collect()
}

/// The names in `path`, one a line; `None` where there is no such file.
pub(super) fn read_class_names(path: &Path) -> Result<Option<Vec<String>>> {
    if !path.exists() {
        return Ok(None);
    }
    let next = "save it as UTF-8 text, or remove it";
    let text = read_text(path, "cannot read", next)?;
    let names: Vec<String> =
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    if !matches!(names.len(), 1..=256) {
        return Err(Error::ClassNames { path: path.to_owned(), got: names.len() });
    }
    Ok(Some(names))
}
