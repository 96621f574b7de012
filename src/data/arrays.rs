//! Data sets made in code, from arrays in memory; and the consistency check of a data set, which every
//! training and evaluation runs. This module reads no files; their readers are elsewhere.

use super::Split;
use super::dataset::Dataset;
use crate::{Error, Result};
use crate::{model::WordRange, preprocessing::Preprocessing, words::hex};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

/// The values of images, in the order (N, H, W, C).
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// From 0 to 255; a network sees them divided by 255.
    Bytes(Vec<u8>),
    /// Used unchanged.
    Floats(Vec<f32>),
}

/// Labels, one per image, (N).
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// Class indices, from 0.
    Classes(Vec<u32>),
    /// Numbers, for regression.
    Numbers(Vec<f32>),
}

impl From<Vec<u8>> for Values {
    fn from(values: Vec<u8>) -> Self {
        Self::Bytes(values)
    }
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Self::Floats(values)
    }
}

impl From<Vec<u8>> for Labels {
    fn from(labels: Vec<u8>) -> Self {
        Self::Classes(labels.into_iter().map(u32::from).collect())
    }
}

impl From<Vec<u32>> for Labels {
    fn from(labels: Vec<u32>) -> Self {
        Self::Classes(labels)
    }
}

impl From<Vec<f32>> for Labels {
    fn from(labels: Vec<f32>) -> Self {
        Self::Numbers(labels)
    }
}

impl Dataset {
    /// A data set from arrays: images of `shape` (height, width, channels) as bytes or floats in the order (N, H, W,
    /// C), with one label each: the index of one of `classes`, or an f32 for a regression, which has no classes. The
    /// rows of a table are images of the shape (1, 1, columns).
    ///
    /// ```
    /// use wgrad::data::Dataset;
    /// let train = (vec![0u8, 9, 0, 9, 7, 7, 7, 7], vec![0u8, 1]); // two images of 2 × 2 pixels
    /// let test = (vec![0u8, 8, 0, 8], vec![0u8]);
    /// let data = Dataset::from_arrays("squares", [2, 2, 1], &["striped", "plain"], train.clone(), test)?;
    /// assert_eq!((data.train.len(), data.test.len()), (2, 1));
    /// let wrong = (vec![0u8; 4], vec![77u8]);
    /// assert!(Dataset::from_arrays("squares", [2, 2, 1], &["striped", "plain"], train, wrong).is_err());
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Dataset`] as [`Dataset::check`], and if the training and the test part are of different kinds.
    pub fn from_arrays(
        name: &str,
        shape: [usize; 3],
        classes: &[&str],
        train: (impl Into<Values>, impl Into<Labels>),
        test: (impl Into<Values>, impl Into<Labels>),
    ) -> Result<Self> {
        let (train, test) = ((train.0.into(), train.1.into()), (test.0.into(), test.1.into()));
        let [height, width, channels] = shape;
        let kind = |(values, labels): &(Values, Labels)| {
            (matches!(values, Values::Floats(_)), matches!(labels, Labels::Numbers(_)))
        };
        if kind(&train) != kind(&test) {
            let words = |(floats, numbers)| {
                let values = if floats { "floats" } else { "bytes" };
                format!("{values} with {}", if numbers { "numbers" } else { "classes" })
            };
            return Err(Error::Dataset {
                data: name.to_string(),
                message: format!(
                    "got {} to train on and {} to test on, expected the same kind in both",
                    words(kind(&train)),
                    words(kind(&test))
                ),
            });
        }
        let (floats, numbers) = kind(&train);
        let mut hash = Sha256::new();
        hash.update(format!("{shape:?} {floats} {numbers} {}", classes.len()));
        let mut split = |(values, labels): (Values, Labels)| {
            let split = Split { images: bytes(values).into(), labels: bits(labels), each: 1 };
            hash.update((split.len() as u64).to_le_bytes());
            hash.update(split.images.memory());
            split.labels.iter().for_each(|label| hash.update(label.to_le_bytes()));
            split
        };
        let (train, test) = (split(train), split(test));
        let data = Self {
            name: name.to_string(),
            source: "arrays in memory".to_string(),
            height,
            width,
            channels,
            input: Preprocessing { floats, numbers, normalization: None },
            classes: classes.iter().map(ToString::to_string).collect(),
            train,
            validation: None,
            test,
            digest: hex(&hash.finalize()),
            warnings: Vec::new(),
            notes: Vec::new(),
            table: None,
        };
        data.check()?;
        Ok(data)
    }

    /// Checks that the fields are consistent: a shape without a zero, as many images as labels, at least one image in
    /// the training and in the test part, labels that are class indices or finite numbers, and finite floats. It reads
    /// every label, and every float in memory.
    ///
    /// # Errors
    /// [`Error::Dataset`] with the received and the expected value.
    pub fn check(&self) -> Result<()> {
        let values = self.shape().into_iter().try_fold(4usize, usize::checked_mul);
        if values.is_none_or(|values| values == 0) {
            let got = format!(
                "got images of {:?}, expected height, width and channels of at least 1",
                self.shape()
            );
            return self.refuse(got);
        }
        if !self.input.numbers && self.classes.is_empty() {
            return self.refuse("got no class names, expected one for each class".into());
        }
        if let Some(normalization) = &self.input.normalization {
            normalization.validate(self.channels)?;
        }
        self.splits().try_for_each(|(name, split)| self.check_split(name, split))
    }

    /// As [`Dataset::check`] for one part, of this data set or of one derived from it.
    ///
    /// # Errors
    /// [`Error::Dataset`].
    pub(crate) fn check_split(&self, name: &str, split: &Split) -> Result<()> {
        if split.is_empty() {
            return self.refuse(format!("got no labels in its {name} part, expected one for each image"));
        }
        if split.each == 0 || !split.labels.len().is_multiple_of(split.each) || split.each != self.train.each
        {
            let (got, each, expected) = (split.labels.len(), split.each, self.train.each);
            return self.refuse(format!(
                "got {got} labels in its {name} part, {each} for each image, expected a multiple of that, and {expected} \
                 for each image in all parts"
            ));
        }
        let pixels = self.pixels();
        let bytes = split.images.memory();
        match split.images.which() {
            None if Some(bytes.len()) != split.len().checked_mul(pixels) => {
                return self.refuse(format!(
                    "got {} bytes of images for {} labels in its {name} part, expected {pixels} for each of shape {:?}",
                    bytes.len(),
                    split.len(),
                    self.shape()
                ));
            }
            Some(which) if which.len() != split.len() => {
                let (files, labels) = (which.len(), split.len());
                return self.refuse(format!(
                    "got {files} files and {labels} labels in its {name} part, expected one for each"
                ));
            }
            _ => {}
        }
        let count = self.classes.len();
        let wrong = |label: &u32| match self.input.numbers {
            true => !f32::from_bits(*label).is_finite(),
            false => *label as usize >= count,
        };
        if let Some(at) = split.labels.iter().position(wrong) {
            let label = split.labels[at];
            return self.refuse(match self.input.numbers {
                true => format!(
                    "got {} as label {at} (from 0) of its {name} part, expected a number",
                    f32::from_bits(label)
                ),
                false => format!(
                    "got {label} as label {at} (from 0) of its {name} part, expected one below {count}: it has {count} \
                     classes, counted from 0"
                ),
            });
        }
        if self.input.floats {
            let floats = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            if let Some((at, value)) = floats.enumerate().find(|(_, value)| !value.is_finite()) {
                let each = pixels / size_of::<f32>();
                return self.refuse(format!(
                    "got {value} in image {} (from 0) of its {name} part, at value {}, expected finite numbers",
                    at / each,
                    at % each
                ));
            }
        }
        Ok(())
    }

    /// Checks that the values of a part that are words are whole numbers below the number of words.
    ///
    /// # Errors
    /// [`Error::Dataset`] with the first that is none.
    pub(crate) fn check_words(&self, name: &str, split: &Split, words: &[WordRange]) -> Result<()> {
        let Some(first) = words.first() else { return Ok(()) };
        if !self.input.floats || self.input.normalization.is_some() {
            return self.refuse(format!(
                "got images, expected whole numbers below {} as floats, not normalized: the network looks them up in a \
                 table",
                first.count
            ));
        }
        let each = (self.height * self.width * self.channels).max(1);
        match no_word(split.images.memory(), each, words) {
            None => Ok(()),
            Some(no_word) => self.refuse(format!("its {name} part: {no_word}")),
        }
    }

    /// Checks that the labels of a part that are classes are whole numbers below the number of these.
    ///
    /// # Errors
    /// [`Error::Dataset`] with the first that is none.
    pub(crate) fn check_labels(&self, name: &str, split: &Split, classes: &[WordRange]) -> Result<()> {
        for (row, labels) in split.labels.chunks(split.each.max(1)).enumerate() {
            for WordRange { values, count } in classes {
                let numbers = labels.get(values.clone()).unwrap_or_default().iter();
                let mut numbers = numbers.map(|label| self.input.number(*label));
                let wrong = |number: &f64| !(number.fract() == 0.0 && (0.0..*count as f64).contains(number));
                if let Some(number) = numbers.find(wrong) {
                    return self.refuse(format!(
                        "got {number} among the labels of row {row} (from 0) of its {name} part, expected one of {count} \
                         classes: 0 to {}",
                        count - 1
                    ));
                }
            }
        }
        Ok(())
    }

    fn refuse(&self, message: String) -> Result<()> {
        Err(Error::Dataset { data: self.name.clone(), message })
    }
}

/// A value that should be a word and is none.
pub(crate) struct NoWord {
    /// Its row, from 0.
    pub row: usize,
    /// Its place in the row, from 0.
    pub place: usize,
    /// The value.
    pub value: f32,
    /// Number of words.
    pub count: usize,
}

impl fmt::Display for NoWord {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { row, place, value, count } = self;
        let last = count - 1;
        write!(
            f,
            "got {value} in row {row}, at value {place} (both from 0), expected a whole number from 0 to {last}"
        )
    }
}

/// The first of the floats in `bytes`, rows of `each`, that should be a word and is none.
pub(crate) fn no_word(bytes: &[u8], each: usize, words: &[WordRange]) -> Option<NoWord> {
    let is_word =
        |value: f32, count: usize| value >= 0.0 && f64::from(value) < count as f64 && value.fract() == 0.0;
    let floats = bytes.as_chunks::<4>().0;
    for (row, floats) in floats.chunks(each.max(1)).enumerate() {
        for WordRange { values, count } in words {
            let found = floats.get(values.clone()).unwrap_or_default().iter().map(|b| f32::from_le_bytes(*b));
            if let Some((at, value)) = found.enumerate().find(|(_, value)| !is_word(*value, *count)) {
                return Some(NoWord { row, place: values.start + at, value, count: *count });
            }
        }
    }
    None
}

/// Values in the byte layout of images.
fn bytes(values: Values) -> Vec<u8> {
    match values {
        Values::Bytes(values) => values,
        Values::Floats(values) => values.into_iter().flat_map(f32::to_le_bytes).collect(),
    }
}

/// Labels in the word layout of splits.
fn bits(labels: Labels) -> Arc<[u32]> {
    match labels {
        Labels::Classes(labels) => labels.into(),
        Labels::Numbers(labels) => labels.into_iter().map(f32::to_bits).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluate::fits, networks::network};

    /// Images of 2 × 1 pixels in two channels.
    const SHAPE: [usize; 3] = [2, 1, 2];

    fn words(result: Result<Dataset>) -> String {
        result.expect_err("it went unnoticed").to_string()
    }

    #[test]
    fn arrays_become_a_data_set() {
        let test = (vec![9.0f32; 4], vec![-1.5f32]);
        let data =
            Dataset::from_arrays("rows", SHAPE, &[], (vec![0.5f32; 8], vec![2.0f32, 3.0]), test.clone());
        let data = data.expect("they belong together");
        assert_eq!((data.pixels(), data.train.len(), data.test.len()), (16, 2, 1));
        assert_eq!(data.train.images.memory()[..4], 0.5f32.to_le_bytes());
        assert_eq!(data.number(data.test.labels[0]), -1.5);
        let other = Dataset::from_arrays("rows", SHAPE, &[], (vec![0.5f32; 8], vec![2.0f32, 3.5]), test);
        assert_ne!(data.digest, other.expect("they too").digest, "the digest is one of the content");
        let bytes = Dataset::from_arrays(
            "b",
            SHAPE,
            &["a", "b"],
            (vec![7u8; 8], vec![0u8, 1]),
            (vec![1u8; 4], vec![1u32]),
        );
        assert_eq!(*bytes.expect("they belong together").train.labels, [0, 1]);
    }

    #[test]
    fn arrays_that_do_not_belong_together_are_refused() {
        let of = |shape, classes: &[&str], images: Vec<u8>, labels: Vec<u32>| {
            words(Dataset::from_arrays("mine", shape, classes, (images, labels), (vec![0u8; 4], vec![0u32])))
        };
        let two = ["a", "b"];
        for (reported, expected) in [
            (
                of(SHAPE, &two, vec![0; 8], vec![0, 77]),
                "got 77 as label 1 (from 0) of its train part, expected one below 2",
            ),
            (of(SHAPE, &two, vec![0; 8], vec![0, 2]), "below 2"),
            (of(SHAPE, &two, vec![0; 8], vec![0]), "got 8 bytes of images for 1 labels"),
            (of(SHAPE, &two, vec![0; 7], vec![0, 1]), "got 7 bytes of images for 2 labels"),
            (of(SHAPE, &two, vec![], vec![]), "no labels in its train part"),
            (of([2, 0, 2], &two, vec![], vec![0]), "[2, 0, 2]"),
            (
                of([usize::MAX, 2, 2], &two, vec![0; 4], vec![0]),
                "expected height, width and channels of at least 1",
            ),
            (of(SHAPE, &[], vec![0; 4], vec![0]), "no class names"),
        ] {
            assert!(
                reported.starts_with("the data set mine: ") && reported.contains(expected),
                "{expected}: {reported}"
            );
        }
        let floats = |image: f32, label: f32| {
            let train = (vec![0.0, 1.0, image, 2.0], vec![label]);
            words(Dataset::from_arrays("mine", SHAPE, &[], train, (vec![0.0f32; 4], vec![0.0f32])))
        };
        assert!(floats(f32::NAN, 0.0).contains("got NaN in image 0 (from 0) of its train part, at value 2"));
        assert!(floats(f32::NEG_INFINITY, 0.0).contains("got -inf in image"));
        assert!(floats(0.0, f32::NAN).contains("got NaN as label 0"));
        let kinds =
            Dataset::from_arrays("m", SHAPE, &two, (vec![0u8; 4], vec![0u8]), (vec![0.0f32; 4], vec![0u8]));
        assert!(words(kinds).contains("bytes with classes to train on and floats with classes to test on"));
    }

    #[test]
    fn fields_that_were_set_by_hand_are_checked_too() {
        let part =
            |count: usize| (vec![7_u8; count * 784], (0..count as u32).map(|n| n % 10).collect::<Vec<_>>());
        let classes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let sound = Dataset::from_arrays("sound", [28, 28, 1], &classes, part(20), part(10))
            .expect("they belong together");
        sound.check().expect("it is sound");
        let wrong = |change: fn(&mut Dataset)| {
            let mut data = sound.clone();
            change(&mut data);
            data.check().expect_err("it went unnoticed").to_string()
        };
        assert!(
            wrong(|d| d.test.labels = vec![77; 10].into())
                .contains("got 77 as label 0 (from 0) of its test part")
        );
        assert!(wrong(|d| d.width = 27).contains("15680 bytes"));
        assert!(wrong(|d| d.validation = Some(Split::new(vec![0; 784], &[10]))).contains("validation"));
        assert!(wrong(|d| d.input.floats = true).contains("expected 3136 for each"));
        assert!(wrong(|d| d.classes.truncate(3)).contains("below 3"));
        // A training and a check of a network refuse them too, before anything else.
        let model = network("mlp", [28, 28, 1], 10).expect("built in");
        fits(&model, &sound).expect("it is sound");
        let mut data = sound.clone();
        data.train.labels = vec![77; 20].into();
        assert!(matches!(fits(&model, &data), Err(Error::Dataset { .. })));
    }
}
