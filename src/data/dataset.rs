//! A data set: images in memory or in files, labels, and their origin. This module reads no files, and does not choose
//! the order in which training visits images.

use crate::{
    Error, Result,
    feed::Batch,
    preprocessing::Preprocessing,
    words::{counted, hex},
};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{random::Random, schema::Table, source::Images};

/// The usual names of the four files, in the order of [`Dataset::digest`].
pub const FILE_NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Images with their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The images.
    pub images: Images,
    /// Class indices, (N, each); if [`Preprocessing::numbers`] is set, the bits of an f32 each.
    pub labels: Arc<[u32]>,
    /// Labels of an image: 1, or as many as the places of which a network predicts one each, such as the pixels of an
    /// image or the numbers of a vector.
    pub each: usize,
}

impl Split {
    /// Images in memory with their class indices.
    pub fn new(images: Vec<u8>, labels: &[u8]) -> Self {
        Self { images: images.into(), labels: labels.iter().copied().map(u32::from).collect(), each: 1 }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len() / self.each.max(1)
    }

    /// Returns true if there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The labels of image `index`; empty past the end.
    pub fn labels_of(&self, index: usize) -> &[u32] {
        let first = index.saturating_mul(self.each);
        self.labels.get(first..first.saturating_add(self.each)).unwrap_or_default()
    }

    /// The bytes of image `index`, (H, W, C); `pixels` is [`Dataset::pixels`]. `None` past the end, and if a file
    /// cannot be read.
    pub fn image(&self, index: usize, pixels: usize) -> Option<Cow<'_, [u8]>> {
        let (n, source) = (self.images.number(index)?, self.images.source());
        if let Some(bytes) = source.bytes(n, pixels).filter(|bytes| bytes.len() == pixels) {
            return Some(Cow::Borrowed(bytes));
        }
        if self.images.in_memory() {
            return None;
        }
        let mut image = vec![0; pixels];
        source.read(n, &mut image).then_some(Cow::Owned(image))
    }

    /// The images and labels at `indices`, in that order; indices past the end are skipped. Files stay files.
    pub fn gather(&self, indices: &[usize], pixels: usize) -> Self {
        let there = || indices.iter().copied().filter(|index| *index < self.len());
        let labels = there().flat_map(|index| self.labels_of(index)).copied().collect();
        let images = match self.images.in_memory() {
            true => {
                let mut bytes = Vec::with_capacity(indices.len() * pixels);
                for image in there().filter_map(|index| self.image(index, pixels)) {
                    bytes.extend_from_slice(&image);
                }
                bytes.into()
            }
            false => {
                let which: Vec<u32> = there().filter_map(|index| self.images.number(index)).collect();
                Images::new(self.images.source().clone(), which)
            }
        };
        Self { images, labels, each: self.each }
    }

    /// The readable images at `indices`, with their labels, in the layout of the device.
    pub fn batch(&self, indices: &[usize], pixels: usize) -> Batch {
        let mut batch = Batch::default();
        for &index in indices {
            if let (Some(image), labels @ [_, ..]) = (self.image(index, pixels), self.labels_of(index)) {
                batch.images.extend_from_slice(&image);
                batch.labels.extend_from_slice(labels);
            }
        }
        batch
    }
}

/// A data set for classification, or for regression of one number.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name: `Fashion-MNIST`, `MNIST`, `synthetic`, or the name of the folder or file.
    pub name: String,
    /// Its origin, for people: a folder, or the way it was drawn.
    pub source: String,
    /// Height of an image, pixels; 1 for the rows of a table.
    pub height: usize,
    /// Width of an image, pixels; 1 for the rows of a table.
    pub width: usize,
    /// Channels of an image; 1 for grey; of a table, its columns.
    pub channels: usize,
    /// Format of images and labels: bytes or floats, classes or numbers, normalized or not.
    pub input: Preprocessing,
    /// The name of each class; a label is an index into it. Empty if labels are numbers.
    pub classes: Vec<String>,
    /// The training images.
    pub train: Split,
    /// The images that [`Dataset::with_validation`] held out of `train`, or a separate validation part.
    pub validation: Option<Split>,
    /// The test images.
    pub test: Split,
    /// SHA-256 of the content. For four IDX files, it is that of the output of `sha256sum` for them decompressed, under
    /// their usual names and in the order of [`FILE_NAMES`]. It identifies the source: splitting or limiting does not
    /// change it.
    pub digest: String,
    /// Messages to read before you trust a result.
    pub warnings: Vec<String>,
    /// Decisions made for the user: which part is the test, which images were held out.
    pub notes: Vec<String>,
    /// The conversion of a table's columns into numbers.
    pub table: Option<Table>,
}

impl Dataset {
    /// Bytes per image: height × width × channels, times four for floats.
    pub fn pixels(&self) -> usize {
        self.input.bytes(self.height * self.width * self.channels)
    }

    /// A label as a number; for a table, in the unit of its column.
    pub fn number(&self, label: u32) -> f64 {
        let number = self.input.number(label);
        self.table.as_ref().map_or(number, |table| table.number(number))
    }

    /// Shape of an image: (height, width, channels).
    pub fn shape(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// The word for its examples: rows of a table, or images.
    pub fn things(&self) -> &'static str {
        if self.table.is_some() { "rows" } else { "images" }
    }

    /// Returns true if its test part was held out of the training images, because it had none.
    pub fn holds_out(&self) -> bool {
        self.notes.iter().any(|note| note.starts_with(HELD_OUT))
    }

    /// Turns class indices into numbers to predict, for a regression.
    #[must_use]
    pub fn with_numbers(mut self) -> Self {
        if !self.input.numbers {
            for split in [&mut self.train, &mut self.test].into_iter().chain(&mut self.validation) {
                split.labels = split.labels.iter().map(|class| (*class as f32).to_bits()).collect();
            }
            (self.input.numbers, self.classes) = (true, Vec::new());
        }
        self
    }

    /// The existing splits, by name.
    pub fn splits(&self) -> impl Iterator<Item = (&'static str, &Split)> {
        let validation = self.validation.as_ref().map(|split| ("validation", split));
        [("train", &self.train)].into_iter().chain(validation).chain([("test", &self.test)])
    }

    /// The files that could not be read so far, each with the reason, in the order of their paths.
    pub fn broken(&self) -> Vec<(PathBuf, String)> {
        self.train.images.source().broken()
    }

    /// Moves a share of the training images to `validation`. Each class loses the same share, rounded, so that class
    /// frequencies stay the same. `seed` decides which images are moved, and both parts keep the order of the file.
    ///
    /// # Errors
    /// [`Error::ValidationSplit`] if `fraction` is not in (0, 1) or leaves one side empty,
    /// [`Error::ValidationTwice`] if there already is a validation split.
    pub fn with_validation(mut self, fraction: f64, seed: u64) -> Result<Self> {
        if let Some(split) = &self.validation {
            return Err(Error::ValidationTwice { got: split.len() });
        }
        let (kept, held_out) = self.held_out(fraction, seed, 0).map_err(|next| Error::ValidationSplit {
            got: fraction,
            train: self.train.len(),
            next,
        })?;
        self.train = kept;
        self.validation = Some(held_out);
        Ok(self)
    }

    /// Moves a share of the training images to an empty `test` part, as [`Dataset::with_validation`] does, with other
    /// random numbers.
    ///
    /// # Errors
    /// [`Error::Data`] if the share leaves one side empty, with the warnings so far, which may explain why.
    pub fn with_test(mut self, fraction: f64, seed: u64) -> Result<Self> {
        let all = self.train.len();
        let (kept, held_out) = self.held_out(fraction, seed, TEST_STREAM).map_err(|next| Error::Data {
            path: PathBuf::from(&self.source),
            message: no_test_part(fraction, counted(all, "image"), next, &self.warnings),
        })?;
        self.train = kept;
        self.test = held_out;
        self.notes.push(held_out_note(self.test.len(), all, fraction, seed));
        Ok(self)
    }

    /// The training images without a share of them, and that share.
    fn held_out(
        &self,
        fraction: f64,
        seed: u64,
        stream: u64,
    ) -> std::result::Result<(Split, Split), &'static str> {
        // Images with several labels are of no class.
        let (several, first) = (self.train.each > 1, self.train.labels.get(..self.train.len()));
        let numbers = self.input.numbers || several;
        let (kept, held_out) = held_out(first.unwrap_or_default(), numbers, fraction, seed, stream)?;
        let pixels = self.pixels();
        Ok((self.train.gather(&kept, pixels), self.train.gather(&held_out, pixels)))
    }

    /// Keeps at most the first `train` training and the first `test` test images, for a quick trial. Images in
    /// folders, sorted by class, are taken from all classes as evenly as possible.
    #[must_use]
    pub fn limit(mut self, train: usize, test: usize) -> Self {
        let pixels = self.pixels();
        for (split, count) in [(&mut self.train, train), (&mut self.test, test)] {
            if count < split.len() {
                let first = match split.images.in_memory() {
                    false if split.each == 1 => in_turns(&split.labels, count),
                    _ => (0..count).collect(),
                };
                *split = split.gather(&first, pixels);
            }
        }
        self
    }

    /// Number of labels of each class in a split of this data set: of images, unless each has several.
    pub fn class_counts(&self, split: &Split) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in split.labels.iter() {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }
}

/// Stream of random numbers for holding out the test part; a validation split has another one.
pub const TEST_STREAM: u64 = 1 << 32;

/// Indices of the images with these labels to keep, and of the share to hold out, the same share of each class. If one
/// of the two would be empty, the error is advice.
pub fn held_out(
    labels: &[u32],
    numbers: bool,
    fraction: f64,
    seed: u64,
    stream: u64,
) -> std::result::Result<(Vec<usize>, Vec<usize>), &'static str> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err("expected a share above 0 and below 1; use for example 0.2");
    }
    let mut by_class: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, &label) in labels.iter().enumerate() {
        by_class.entry(if numbers { 0 } else { label }).or_default().push(index);
    }
    let (mut kept, mut held_out) = (Vec::new(), Vec::new());
    for (&class, indices) in &mut by_class {
        Random::new(seed, stream + u64::from(class)).shuffle(indices);
        let count = (indices.len() as f64 * fraction).round() as usize;
        held_out.extend_from_slice(&indices[..count]);
        kept.extend_from_slice(&indices[count..]);
    }
    if kept.is_empty() || held_out.is_empty() {
        // A half of two is one.
        return Err(match by_class.values().any(|indices| indices.len() > 1) {
            true => "this share, taken from each class, leaves nothing on one side; use for example 0.5",
            false => "each class has only one example, so nothing can be held out; add more of each class",
        });
    }
    kept.sort_unstable();
    held_out.sort_unstable();
    Ok((kept, held_out))
}

/// The message if no test part can be held out of `all`, with the warnings so far.
pub fn no_test_part(fraction: f64, all: String, next: &str, warnings: &[String]) -> String {
    let warnings: String = warnings.iter().map(|warning| format!("; {warning}")).collect();
    format!(
        "has no test part, and none can be held out: got `.test_share = {fraction}` of {all}; {next}{warnings}"
    )
}

/// Prefix of the note about a held-out test part.
const HELD_OUT: &str = "there is no test part: ";

/// The note about a held-out test part.
pub fn held_out_note(held_out: usize, all: usize, fraction: f64, seed: u64) -> String {
    format!(
        "{HELD_OUT}{held_out} of {all} were held out as one (`.test_share = {fraction}`, `.split_seed = {seed}`)"
    )
}

/// `count` indices taken from the classes in turn, in the order of the split.
fn in_turns(labels: &[u32], count: usize) -> Vec<usize> {
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, u32, usize)> = labels
        .iter()
        .enumerate()
        .map(|(index, &label)| {
            let rank = seen.entry(label).or_default();
            *rank += 1;
            (*rank, label, index)
        })
        .collect();
    ranked.sort_unstable();
    let mut first: Vec<usize> = ranked.into_iter().take(count).map(|(_, _, index)| index).collect();
    first.sort_unstable();
    first
}

/// The digest of a data set from the SHA-256 of its four decompressed files, in hexadecimal and in
/// the order of [`FILE_NAMES`]; see [`Dataset::digest`].
pub fn digest_of(files: &[String; 4]) -> String {
    let mut listing = String::new();
    for (digest, name) in files.iter().zip(FILE_NAMES) {
        listing.push_str(&format!("{digest}  {name}\n"));
    }
    hex(&Sha256::digest(listing.as_bytes()))
}
