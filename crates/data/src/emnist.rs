//! EMNIST (Cohen, Afshar, Tapson, van Schaik 2017): six sets of letters and digits as IDX files with other names
//! than MNIST's. The published files hold transposed images, and count letters from 1; this module undoes both.
//! [`crate::idx`] reads the files.

use std::path::{Path, PathBuf};

use crate::folder::{self, CLASS_NAMES_FILE};
use crate::idx::Idx;
use crate::{Error, Result};
use wgrad::data::dataset::Dataset;

/// The sets, and the characters of their classes in the order of the labels.
const SETS: [(&str, &str); 6] = [
    ("balanced", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"),
    ("bymerge", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"),
    ("byclass", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("digits", "0123456789"),
    ("mnist", "0123456789"),
];

/// Names of the four files of a set, in the order of [`wgrad::data::dataset::FILE_NAMES`].
fn names(set: &str) -> [String; 4] {
    ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"]
        .map(|part| format!("emnist-{set}-{part}-ubyte"))
}

fn find(folder: &Path, set: &str) -> [Option<PathBuf>; 4] {
    names(set).map(|name| {
        [name.clone(), format!("{name}.gz")]
            .into_iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
    })
}

/// The sets that have at least one file in `folder`.
pub(super) fn sets(folder: &Path) -> Vec<&'static str> {
    let there = |set: &&str| find(folder, set).iter().any(Option::is_some);
    SETS.iter().map(|(set, _)| *set).filter(there).collect()
}

/// Loads `set` from `folder`.
///
/// # Errors
/// [`Error::Data`] where one of its files is missing, else the errors of [`folder::load`].
pub(super) fn load(folder: &Path, set: &str) -> Result<Dataset> {
    let found = find(folder, set);
    if let Some(at) = found.iter().position(Option::is_none) {
        let message = format!("got no {} for EMNIST {set}, expected all four files", names(set)[at]);
        return Err(Error::Data { path: folder.to_owned(), message });
    }
    let mut files = folder::read(found, folder)?;
    let [train, train_labels, test, test_labels] = &mut files.contents;
    transpose(train);
    transpose(test);
    if set == "letters" {
        for labels in [train_labels, test_labels] {
            labels.data.iter_mut().for_each(|label| *label = label.wrapping_sub(1));
        }
    }
    let characters = SETS.iter().find(|(known, _)| *known == set).map_or("", |(_, characters)| characters);
    let classes = folder::read_class_names(&folder.join(CLASS_NAMES_FILE))?;
    let classes = classes.unwrap_or_else(|| characters.chars().map(String::from).collect());
    files.into_dataset(format!("EMNIST {set}"), folder.display().to_string(), classes, Vec::new())
}

/// Swaps rows and columns of every image.
fn transpose(images: &mut Idx) {
    let [_, height, width] = images.shape[..] else { return };
    let mut turned = vec![0; height * width];
    for image in images.data.chunks_exact_mut((height * width).max(1)) {
        for (at, value) in turned.iter_mut().enumerate() {
            // `at` counts row by row through the transposed image, which is `width` high and `height` wide.
            *value = image[at % height * width + at / height];
        }
        image.copy_from_slice(&turned);
    }
    images.shape.swap(1, 2);
}

#[cfg(test)]
mod tests {
    use super::{Idx, transpose};

    #[test]
    fn rows_become_columns() {
        let mut images = Idx { shape: vec![2, 2, 3], data: (0..12).collect(), sha256: String::new() };
        transpose(&mut images);
        assert_eq!(images.shape, [2, 3, 2]);
        assert_eq!(images.data, [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
    }
}
