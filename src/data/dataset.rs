//! A data set in memory: images as bytes in the order (N, H, W, C), labels as class numbers, and
//! where both came from. Leaves out reading files and the order in which training visits images.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::random::Random;
use crate::{Error, Result};

/// The usual names of the four files, in the order in which [`Dataset::digest`] takes them.
pub const FILE_NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Images with their labels. A clone shares the bytes, so a thread can have its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Pixels, 0 to 255, in the order (N, H, W, C).
    pub images: Arc<[u8]>,
    /// Class numbers, (N).
    pub labels: Arc<[u8]>,
}

impl Split {
    /// How many images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The bytes of image `index`, (H, W, C), where `pixels` is [`Dataset::pixels`]; `None` past the end.
    pub fn image(&self, index: usize, pixels: usize) -> Option<&[u8]> {
        self.images.get(index.checked_mul(pixels)?..index.checked_add(1)?.checked_mul(pixels)?)
    }

    /// The images and labels at `indices`, in that order; indices past the end are left out.
    fn gather(&self, indices: &[usize], pixels: usize) -> Self {
        let mut images = Vec::with_capacity(indices.len() * pixels);
        let mut labels = Vec::with_capacity(indices.len());
        for &index in indices {
            if let (Some(image), Some(&label)) = (self.image(index, pixels), self.labels.get(index)) {
                images.extend_from_slice(image);
                labels.push(label);
            }
        }
        Self { images: images.into(), labels: labels.into() }
    }
}

/// A data set for classification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// What it is: `Fashion-MNIST`, `MNIST`, `synthetic`, or the folder's name.
    pub name: String,
    /// Where it came from, for people: a folder, or how it was drawn.
    pub source: String,
    /// Height of an image, pixels.
    pub height: usize,
    /// Width of an image, pixels.
    pub width: usize,
    /// Channels of an image; 1 for grey.
    pub channels: usize,
    /// The name of each class; a label is an index into it.
    pub classes: Vec<String>,
    /// What a network is trained on.
    pub train: Split,
    /// What [`Dataset::with_validation`] held out of `train`.
    pub validation: Option<Split>,
    /// What a network is judged on.
    pub test: Split,
    /// SHA-256 of what `sha256sum` prints for the four decompressed files under their usual names, in
    /// the order of [`FILE_NAMES`]. It tells the source: splitting or limiting does not change it.
    pub digest: String,
    /// What a user should know before trusting a result.
    pub warnings: Vec<String>,
}

impl Dataset {
    /// Bytes of one image: height × width × channels.
    pub fn pixels(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Moves a share of the training images to `validation`. Each class gives the same share, rounded,
    /// so that class frequencies stay; which images is decided by `seed`, and both parts keep the
    /// order of the file.
    ///
    /// # Errors
    /// [`Error::ValidationSplit`] where `fraction` is not in (0, 1) or leaves one side empty,
    /// [`Error::ValidationTwice`] where there is a validation split already.
    pub fn with_validation(mut self, fraction: f64, seed: u64) -> Result<Self> {
        if let Some(split) = &self.validation {
            return Err(Error::ValidationTwice { got: split.len() });
        }
        let refused = Error::ValidationSplit { got: fraction, train: self.train.len() };
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(refused);
        }
        let mut by_class: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        for (index, &label) in self.train.labels.iter().enumerate() {
            by_class.entry(label).or_default().push(index);
        }
        let (mut kept, mut held_out) = (Vec::new(), Vec::new());
        for (&class, indices) in &mut by_class {
            Random::new(seed, u64::from(class)).shuffle(indices);
            let count = (indices.len() as f64 * fraction).round() as usize;
            held_out.extend_from_slice(&indices[..count]);
            kept.extend_from_slice(&indices[count..]);
        }
        if kept.is_empty() || held_out.is_empty() {
            return Err(refused);
        }
        kept.sort_unstable();
        held_out.sort_unstable();
        let pixels = self.pixels();
        self.validation = Some(self.train.gather(&held_out, pixels));
        self.train = self.train.gather(&kept, pixels);
        Ok(self)
    }

    /// Keeps at most the first `train` training and the first `test` test images, for a quick try.
    #[must_use]
    pub fn limit(mut self, train: usize, test: usize) -> Self {
        let pixels = self.pixels();
        for (split, count) in [(&mut self.train, train), (&mut self.test, test)] {
            if count < split.len() {
                let first: Vec<usize> = (0..count).collect();
                *split = split.gather(&first, pixels);
            }
        }
        self
    }

    /// How many images of each class a split of this data set has.
    pub fn class_counts(&self, split: &Split) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in split.labels.iter() {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts
    }
}

/// The digest of a data set from the SHA-256 of its four decompressed files, in hexadecimal and in
/// the order of [`FILE_NAMES`]; see [`Dataset::digest`].
pub(crate) fn digest_of(files: &[String; 4]) -> String {
    let mut listing = String::new();
    for (digest, name) in files.iter().zip(FILE_NAMES) {
        listing.push_str(&format!("{digest}  {name}\n"));
    }
    hex(&Sha256::digest(listing.as_bytes()))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
